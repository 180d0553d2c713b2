// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using ColoWire.Engine.Frames;

namespace ColoWire.Benchmarks.Shards;

/// <summary>The headers of a workload's frames: the fields that are equal in all frames, and the offsets of the others.</summary>
internal sealed unsafe class HeaderTemplate
{
    private const int EthernetBytes = 14;
    private const int TagBytes = 4;
    private const int UdpHeaderBytes = 8;
    private const int TcpHeaderBytes = 20;
    private const int TimestampBytes = 12;
    private const byte Ack = 0x10;
    private const byte AckAndPush = 0x18;

    /// <summary>The number that is added to the secondary's identifications, checksums and timestamps: no byte of it is
    /// 0.</summary>
    private const uint SecondaryOffset = 0x0101_0101;

    private readonly bool tcp;
    private readonly Dress dress;
    private readonly int frameBytes;
    private readonly int networkOffset;
    private readonly int transportOffset;
    private readonly int checksumOffset;

    /// <summary>Computes the layout of the headers.</summary>
    /// <param name="tcp">Whether the frames are TCP; otherwise they are UDP.</param>
    /// <param name="dress">The properties of the frames.</param>
    /// <param name="frameBytes">Length of a full frame, in bytes.</param>
    public HeaderTemplate(bool tcp, Dress dress, int frameBytes)
    {
        this.tcp = tcp;
        this.dress = dress;
        this.frameBytes = frameBytes;
        networkOffset = EthernetBytes + (dress.VlanTags * TagBytes);
        transportOffset = networkOffset + (IsIpv4 ? 20 : 40);
        checksumOffset = transportOffset + (tcp ? 16 : 6);
        // In an IPv6 address the last word differs between flows.
        SourceOffset = networkOffset + (IsIpv4 ? 12 : 20);
        PayloadOffset = transportOffset + (tcp ? TcpHeaderBytes : UdpHeaderBytes) + (dress.TimestampsDiffer ? TimestampBytes : 0);
    }

    /// <summary>Offset of the payload in the frame, in bytes.</summary>
    public int PayloadOffset { get; }

    /// <summary>Offset of the word of the source address that differs between flows.</summary>
    public int SourceOffset { get; }

    /// <summary>Offset of the destination port.</summary>
    public int DestinationPortOffset => transportOffset + 2;

    /// <summary>Offset of TCP's sequence number.</summary>
    public int SequenceOffset => transportOffset + 4;

    /// <summary>Offset of TCP's acknowledgment number.</summary>
    public int AckOffset => transportOffset + 8;

    /// <summary>Offset of TCP's flags.</summary>
    public int FlagsOffset => transportOffset + 13;

    private bool IsIpv4 => dress.IpVersion == 4;

    /// <summary>Writes the headers of a full frame.</summary>
    public void Write(Span<byte> frame)
    {
        frame[..PayloadOffset].Clear();
        "\x52\x54\0\0\0\x02\x52\x54\0\0\0\x01"u8.CopyTo(frame);
        int typeOffset = EthernetBytes - sizeof(ushort);
        for (int tag = dress.VlanTags; tag > 0; tag--, typeOffset += TagBytes)
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame[typeOffset..], tag == 2 ? (ushort)0x88A8 : (ushort)0x8100);
            BinaryPrimitives.WriteUInt16BigEndian(frame[(typeOffset + 2)..], (ushort)(100 + tag));
        }

        BinaryPrimitives.WriteUInt16BigEndian(frame[typeOffset..], IsIpv4 ? (ushort)0x0800 : (ushort)0x86DD);
        WriteNetwork(frame[networkOffset..]);
        WriteTransport(frame[transportOffset..]);
        fixed (byte* first = frame)
        {
            StampLength(first, dress.IsPureAck ? 0 : frameBytes - PayloadOffset);
        }
    }

    /// <summary>Writes the fields that depend on the length of the payload.</summary>
    public void StampLength(byte* frame, int payloadBytes)
    {
        int transportBytes = PayloadOffset - transportOffset + payloadBytes;
        int lengthOffset = networkOffset + (IsIpv4 ? 2 : 4);
        *(ushort*)(frame + lengthOffset) = BinaryPrimitives.ReverseEndianness((ushort)(transportBytes + (IsIpv4 ? 20 : 0)));
        if (!tcp)
        {
            *(ushort*)(frame + transportOffset + 4) = BinaryPrimitives.ReverseEndianness((ushort)transportBytes);
        }
    }

    /// <summary>Writes the fields that two kernels choose differently: identification and checksums.</summary>
    public void StampIds(byte* frame, long number, Side side)
    {
        ushort value = (ushort)((uint)number + (side == Side.Secondary ? SecondaryOffset : 0));
        if (IsIpv4)
        {
            *(ushort*)(frame + networkOffset + 4) = value;
            *(ushort*)(frame + networkOffset + 10) = value;
        }

        // In UDP over IPv4 a checksum of 0 means that there is none (RFC 768).
        *(ushort*)(frame + checksumOffset) = (ushort)(value | 0x0101);
    }

    /// <summary>Writes the timestamp of a segment.</summary>
    public void StampTimestamps(byte* frame, uint timestamp, Side side) =>
        *(uint*)(frame + PayloadOffset - TimestampBytes + 4) =
            BinaryPrimitives.ReverseEndianness(timestamp + (side == Side.Secondary ? SecondaryOffset : 0));

    private void WriteNetwork(Span<byte> network)
    {
        byte protocol = tcp ? (byte)6 : (byte)17;
        if (IsIpv4)
        {
            network[0] = 0x45;
            network[8] = 64;
            network[9] = protocol;
            BinaryPrimitives.WriteUInt32BigEndian(network[16..], 0xC0A8_0001);
            return;
        }

        network[0] = 0x60;
        network[6] = protocol;
        network[7] = 64;
        "\xFD\0\0\0\0\0\0\0\0\0\0\0"u8.CopyTo(network[8..]);
        "\xFD\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"u8.CopyTo(network[24..]);
    }

    private void WriteTransport(Span<byte> transport)
    {
        BinaryPrimitives.WriteUInt16BigEndian(transport, 80);
        BinaryPrimitives.WriteUInt16BigEndian(transport[2..], 40_000);
        if (!tcp)
        {
            return;
        }

        transport[12] = (byte)((PayloadOffset - transportOffset) / sizeof(uint) << 4);
        transport[13] = dress.IsPureAck ? Ack : AckAndPush;
        if (dress.TimestampsDiffer)
        {
            // Two no-operations align the option (RFC 7323 appendix A).
            "\x01\x01\x08\x0A"u8.CopyTo(transport[TcpHeaderBytes..]);
        }
    }
}
