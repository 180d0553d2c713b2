// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Linq;

namespace ColoWire.Wire.Tests.Live;

/// <summary>Frames with UDP datagrams as two guests would send them: of the same words, each with IP identifications of its
/// own.</summary>
internal static class Datagrams
{
    private const int EthernetBytes = 14;
    private const int IpBytes = 20;
    private const int UdpBytes = 8;
    private const int PayloadBytes = 40;
    private const ushort FirstPort = 40_000;
    private const int SecondaryIdShift = 0x5A5A;

    public static byte[] OfPrimary(int flow, int number) => Make(flow, number, (ushort)number);

    public static byte[] OfSecondary(int flow, int number) => Make(flow, number, (ushort)(number + SecondaryIdShift));

    /// <summary>What a client sends to the guest: the primary's datagram with both ends exchanged.</summary>
    public static byte[] OfClient(int flow, int number)
    {
        byte[] frame = OfPrimary(flow, number);
        Exchange(0, 6);
        Exchange(EthernetBytes + 12, 4);
        Exchange(EthernetBytes + IpBytes, 2);
        return frame;

        void Exchange(int offset, int length)
        {
            Span<byte> first = frame.AsSpan(offset, length);
            Span<byte> second = frame.AsSpan(offset + length, length);
            byte[] kept = first.ToArray();
            second.CopyTo(first);
            kept.CopyTo(second);
        }
    }

    /// <summary>Many of the primary, spread over flows in turn.</summary>
    public static byte[][] ManyOfPrimary(int count, int flows, int first = 0) =>
        [.. Enumerable.Range(first, count).Select(number => OfPrimary(number % flows, number))];

    /// <summary>What the secondary says at the same time.</summary>
    public static byte[][] ManyOfSecondary(int count, int flows, int first = 0) =>
        [.. Enumerable.Range(first, count).Select(number => OfSecondary(number % flows, number))];

    /// <summary>The number that a datagram bears.</summary>
    public static int NumberOf(ReadOnlySpan<byte> frame) =>
        BinaryPrimitives.ReadInt32BigEndian(frame[(EthernetBytes + IpBytes + UdpBytes)..]);

    private static byte[] Make(int flow, int number, ushort identification)
    {
        byte[] frame = new byte[EthernetBytes + IpBytes + UdpBytes + PayloadBytes];
        Convert.FromHexString("525400C01002525400C010010800").CopyTo(frame, 0);
        Span<byte> ip = frame.AsSpan(EthernetBytes);
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], IpBytes + UdpBytes + PayloadBytes);
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], identification);
        ip[8] = 64;
        ip[9] = 17;
        Convert.FromHexString("0A4D00020A4D0001").CopyTo(ip[12..]);
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum(ip[..IpBytes]));
        Span<byte> udp = ip[IpBytes..];
        BinaryPrimitives.WriteUInt16BigEndian(udp, (ushort)(FirstPort + flow));
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], 9);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], UdpBytes + PayloadBytes);
        BinaryPrimitives.WriteInt32BigEndian(udp[UdpBytes..], number);
        return frame;
    }

    private static ushort Checksum(ReadOnlySpan<byte> header)
    {
        int sum = 0;
        for (int i = 0; i < header.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(header[i..]);
        while (sum > ushort.MaxValue)
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        return (ushort)~sum;
    }
}
