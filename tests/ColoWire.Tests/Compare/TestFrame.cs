// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace ColoWire.Tests.Compare;

/// <summary>Frames as a guest would send them, made byte by byte.</summary>
internal static class TestFrame
{
    public const string Guest = "10.0.0.1";
    public const string Client = "10.0.0.2";
    public const int EthernetBytes = 14;
    public const int UdpPayloadOffset = EthernetBytes + 20 + 8;

    private const byte ProtocolTcp = 6;
    private const byte ProtocolUdp = 17;

    public static byte[] Udp(string payload, ushort destinationPort = 40_000, ushort id = 1, string source = Guest) =>
        Udp(Encoding.ASCII.GetBytes(payload), destinationPort, id, source);

    public static byte[] Udp(byte[] payload, ushort destinationPort, ushort id = 1, string source = Guest)
    {
        byte[] datagram = new byte[8 + payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(datagram, 53);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(2), destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(4), (ushort)datagram.Length);
        payload.CopyTo(datagram, 8);
        return source.Contains(':', StringComparison.Ordinal)
            ? Ipv6(source, "2001:db8::2", ProtocolUdp, datagram)
            : Ipv4(source, Client, ProtocolUdp, datagram, id);
    }

    public static byte[] Tcp(
        string payload, uint sequence, ushort destinationPort = 40_001, uint acknowledgement = 5000, byte flags = 0x18)
    {
        byte[] segment = new byte[20 + payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(segment, 80);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), destinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(segment.AsSpan(4), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(segment.AsSpan(8), acknowledgement);
        segment[12] = 0x50;
        segment[13] = flags;
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(14), 512);
        Encoding.ASCII.GetBytes(payload, segment.AsSpan(20));
        return Ipv4(Guest, Client, ProtocolTcp, segment, 1);
    }

    public static byte[] Icmp(byte[] message) => Ipv4(Guest, Client, 1, message, 1);

    public static byte[] OtherProtocol(byte protocol, byte[] payload) => Ipv4(Guest, Client, protocol, payload, 1);

    public static byte[] Arp()
    {
        byte[] frame = new byte[42];
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), 0x0806);
        return frame;
    }

    /// <summary>Puts VLAN tags into a frame, the outer one first.</summary>
    public static byte[] Tag(byte[] frame, params ushort[] vlans)
    {
        byte[] tagged = new byte[frame.Length + (4 * vlans.Length)];
        frame.AsSpan(0, 12).CopyTo(tagged);
        for (int i = 0; i < vlans.Length; i++)
        {
            ushort type = (ushort)(i == 0 && vlans.Length > 1 ? 0x88A8 : 0x8100);
            BinaryPrimitives.WriteUInt16BigEndian(tagged.AsSpan(12 + (4 * i)), type);
            BinaryPrimitives.WriteUInt16BigEndian(tagged.AsSpan(14 + (4 * i)), vlans[i]);
        }

        frame.AsSpan(12).CopyTo(tagged.AsSpan(12 + (4 * vlans.Length)));
        return tagged;
    }

    /// <summary>The same frame with one byte changed.</summary>
    public static byte[] Flip(byte[] frame, int offset)
    {
        byte[] changed = (byte[])frame.Clone();
        changed[offset] ^= 0x20;
        return changed;
    }

    private static byte[] Ipv4(string source, string destination, byte protocol, byte[] transport, ushort id)
    {
        byte[] frame = new byte[EthernetBytes + 20 + transport.Length];
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), 0x0800);
        Span<byte> ip = frame.AsSpan(EthernetBytes);
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(20 + transport.Length));
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], id);
        ip[8] = 64;
        ip[9] = protocol;
        IPAddress.Parse(source).GetAddressBytes().CopyTo(ip[12..]);
        IPAddress.Parse(destination).GetAddressBytes().CopyTo(ip[16..]);
        transport.CopyTo(ip[20..]);
        return frame;
    }

    private static byte[] Ipv6(string source, string destination, byte protocol, byte[] transport)
    {
        byte[] frame = new byte[EthernetBytes + 40 + transport.Length];
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), 0x86DD);
        Span<byte> ip = frame.AsSpan(EthernetBytes);
        ip[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)transport.Length);
        ip[6] = protocol;
        ip[7] = 64;
        IPAddress.Parse(source).GetAddressBytes().CopyTo(ip[8..]);
        IPAddress.Parse(destination).GetAddressBytes().CopyTo(ip[24..]);
        transport.CopyTo(ip[40..]);
        return frame;
    }
}
