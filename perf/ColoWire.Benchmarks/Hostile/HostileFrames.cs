// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.Benchmarks.Hostile;

/// <summary>Writes short IPv4 frames completely, so that hostile and ordinary frames cost the same to write.</summary>
internal static class HostileFrames
{
    /// <summary>Length in bytes of the slots for these frames, which are short.</summary>
    public const int SlotBytes = 128;

    /// <summary>Length of a segment's payload, in bytes.</summary>
    public const int SegmentBytes = 32;

    private const int NetworkOffset = 14;
    private const int TransportOffset = 34;
    private const int TcpHeaderBytes = 20;
    private const int UdpHeaderBytes = 8;
    private const byte Tcp = 6;
    private const byte Udp = 17;
    private const byte AckAndPush = 0x18;
    private const ushort MoreFragments = 0x2000;
    private const int FragmentUnitBytes = 8;

    /// <summary>Writes a segment of 32 bytes that are a function of its position in the stream.</summary>
    public static int Segment(Span<byte> frame, uint source, uint sequence)
    {
        Headers(frame, source, Tcp, TcpHeaderBytes + SegmentBytes, 0, 0);
        Span<byte> tcp = frame.Slice(TransportOffset, TcpHeaderBytes);
        tcp.Clear();
        Ports(tcp);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence);
        tcp[12] = (TcpHeaderBytes / 4) << 4;
        tcp[13] = AckAndPush;
        frame.Slice(TransportOffset + TcpHeaderBytes, SegmentBytes).Fill((byte)(sequence / SegmentBytes));
        return TransportOffset + TcpHeaderBytes + SegmentBytes;
    }

    /// <summary>Writes a datagram of 32 bytes.</summary>
    public static int Datagram(Span<byte> frame, uint source, uint content)
    {
        Headers(frame, source, Udp, UdpHeaderBytes + SegmentBytes, 0, 0);
        Span<byte> udp = frame.Slice(TransportOffset, UdpHeaderBytes + SegmentBytes);
        udp.Clear();
        Ports(udp);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], UdpHeaderBytes + SegmentBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(udp[UdpHeaderBytes..], content);
        return TransportOffset + UdpHeaderBytes + SegmentBytes;
    }

    /// <summary>Writes a fragment of 8 bytes.</summary>
    /// <param name="frame">Memory for the frame.</param>
    /// <param name="datagram">Number of its datagram.</param>
    /// <param name="start">Offset in the datagram, in bytes, a multiple of 8.</param>
    /// <param name="hasMore">Whether it is not the last fragment.</param>
    public static int Fragment(Span<byte> frame, uint datagram, int start, bool hasMore)
    {
        ushort place = (ushort)((start / FragmentUnitBytes) | (hasMore ? MoreFragments : 0));
        Headers(frame, 1 + (datagram >> 16), Udp, FragmentUnitBytes, (ushort)datagram, place);
        Span<byte> payload = frame.Slice(TransportOffset, FragmentUnitBytes);
        payload.Clear();
        if (start == 0)
        {
            Ports(payload);
            BinaryPrimitives.WriteUInt16BigEndian(payload[4..], 2 * FragmentUnitBytes);
        }

        return TransportOffset + FragmentUnitBytes;
    }

    private static void Headers(Span<byte> frame, uint source, byte protocol, int payloadBytes, ushort id, ushort place)
    {
        "\x52\x54\0\0\0\x02\x52\x54\0\0\0\x01\x08\0"u8.CopyTo(frame);
        Span<byte> ip = frame[NetworkOffset..TransportOffset];
        ip.Clear();
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(TransportOffset - NetworkOffset + payloadBytes));
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], id);
        BinaryPrimitives.WriteUInt16BigEndian(ip[6..], place);
        ip[8] = 64;
        ip[9] = protocol;
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], source);
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], 0xC0A8_0001);
    }

    private static void Ports(Span<byte> transport)
    {
        BinaryPrimitives.WriteUInt16BigEndian(transport, 80);
        BinaryPrimitives.WriteUInt16BigEndian(transport[2..], 40_000);
    }
}
