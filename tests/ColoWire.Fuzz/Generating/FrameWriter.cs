// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using ColoWire.Engine.Wire;

namespace ColoWire.Fuzz.Generating;

/// <summary>The position of a frame in the bytes of its case.</summary>
internal readonly record struct Piece(int Offset, int Length);

/// <summary>The content of a TCP segment.</summary>
internal record struct SegmentText
{
    public uint Sequence;
    public uint Ack;
    public byte Flags;
    public ushort Window;
    public ushort Urgent;

    /// <summary>The TCP options of the segment, see <see cref="FrameWriter"/>.</summary>
    public byte Options;

    public int PayloadLength;

    /// <summary>Selects the content of the stream: for one salt, each position has one byte.</summary>
    public uint Salt;
}

/// <summary>Writes frames one after the other, all of them well formed; <see cref="Mutator"/> makes malformed ones of
/// them.</summary>
internal sealed class FrameWriter(Dice dice, byte[] memory)
{
    /// <summary>Least source port of a drawn route.</summary>
    public const ushort FirstPort = 80;

    /// <summary>How many kinds of TCP options there are.</summary>
    public const int OptionKinds = 8;

    private const int MostBytesAtOnce = 70_000;
    private byte[] bytes = memory;
    private int at;
    private int ipStart;

    public byte[] Bytes => bytes;

    /// <summary>Free space after all written frames, enough for the longest frame; <see cref="Copy"/> keeps what is written
    /// there.</summary>
    public Span<byte> Room
    {
        get
        {
            // Begin may replace the array by a larger one, so it must run before the span is taken.
            int start = Begin();
            return bytes.AsSpan(start);
        }
    }

    /// <summary>Appends a frame unchanged.</summary>
    public Piece Copy(ReadOnlySpan<byte> frame)
    {
        int start = Begin();
        frame.CopyTo(bytes.AsSpan(start));
        at += frame.Length;
        return new Piece(start, frame.Length);
    }

    public Piece Tcp(Route route, in SegmentText text)
    {
        int start = Begin();
        Head(route, Protocol.Tcp);
        int transport = at;
        Put16(route.SourcePort);
        Put16(route.DestinationPort);
        Put32(text.Sequence);
        Put32(text.Ack);
        Put8(0);
        Put8(text.Flags);
        Put16(text.Window);
        Put16(Checksum());
        Put16(text.Urgent);
        PutTcpOptions(text.Options);
        bytes[transport + 12] = (byte)(((at - transport) / 4) << 4);
        PutContent(text.Sequence + (((text.Flags & Engine.Wire.Tcp.Syn) != 0) ? 1u : 0), text.Salt, text.PayloadLength);
        return End(start, route);
    }

    public Piece Udp(Route route, uint salt, int length)
    {
        int start = Begin();
        Head(route, Protocol.Udp);
        Put16(route.SourcePort);
        Put16(route.DestinationPort);
        Put16((ushort)(8 + length));
        Put16(dice.OneIn(8) ? (ushort)0 : Checksum());
        PutContent(0, salt, length);
        return End(start, route);
    }

    /// <summary>A datagram of any protocol: ICMP of each type, IGMP, GRE, SCTP, ESP, AH.</summary>
    public Piece Other(Route route, byte protocol, uint salt, int length)
    {
        int start = Begin();
        Head(route, protocol);
        PutContent(0, salt, length);
        return End(start, route);
    }

    /// <summary>A frame that is not IP.</summary>
    public Piece Ethernet(ushort type, uint salt, int length)
    {
        int start = Begin();
        PutMacs();
        Put16(type);
        PutContent(0, salt, length);
        return new Piece(start, at - start);
    }

    /// <summary>Cuts an IPv4 or IPv6 frame, written by this writer, into fragments.</summary>
    /// <param name="whole">The frame.</param>
    /// <param name="route">The route with which it was written.</param>
    /// <param name="id">The identification.</param>
    /// <param name="largest">Greatest length of a fragment, in bytes.</param>
    /// <param name="pieces">Receives the fragments, in order.</param>
    public void Fragment(Piece whole, Route route, uint id, int largest, List<Piece> pieces)
    {
        int network = whole.Offset + 14 + (4 * route.Vlans.Length);
        int headerBytes = route.IsV6 ? 40 : (bytes[network] & 0xF) * 4;
        int first = network + headerBytes;
        int total = whole.Offset + whole.Length - first;
        int unit = Math.Max(8, largest & ~7);
        for (int from = 0; from < total;)
        {
            int length = Math.Min(unit, total - from);
            PutFragment(whole, network, headerBytes, id, from, bytes.AsSpan(first + from, length).ToArray(), from + length < total, pieces);
            from += length;
        }
    }

    /// <summary>A fragment with any identification, offset, length and flags, which need not belong to a datagram.</summary>
    public Piece OddFragment(Route route, uint id, int start, int length, bool more, byte protocol, uint salt)
    {
        Piece whole = Other(route, protocol, salt, 8);
        int network = whole.Offset + 14 + (4 * route.Vlans.Length);
        byte[] payload = new byte[length];
        Content(0, salt ^ (uint)start, payload);
        List<Piece> one = [];
        PutFragment(whole, network, route.IsV6 ? 40 : (bytes[network] & 0xF) * 4, id, start & 0xFFF8, payload, more, one);
        return one[0];
    }

    private void PutFragment(Piece whole, int network, int headerBytes, uint id, int start, byte[] payload, bool more, List<Piece> pieces)
    {
        int begin = Begin();
        bytes.AsSpan(whole.Offset, network - whole.Offset + headerBytes).CopyTo(bytes.AsSpan(at));
        int header = at + network - whole.Offset;
        at = header + headerBytes;
        if (bytes[header] >> 4 == 6)
        {
            Put8(bytes[header + 6]);
            Put8(0);
            Put16((ushort)(start | (more ? 1 : 0)));
            Put32(id);
            bytes[header + 6] = Protocol.Fragment;
            Set16(header + 4, (ushort)(8 + payload.Length));
        }
        else
        {
            Set16(header + 2, (ushort)(headerBytes + payload.Length));
            Set16(header + 4, (ushort)id);
            Set16(header + 6, (ushort)((start / 8) | (more ? 0x2000 : 0)));
        }

        payload.CopyTo(bytes, at);
        at += payload.Length;
        pieces.Add(new Piece(begin, at - begin));
    }

    private int Begin()
    {
        if (bytes.Length - at < MostBytesAtOnce)
        {
            Array.Resize(ref bytes, 2 * bytes.Length);
        }

        return at;
    }

    private void Head(Route route, byte protocol)
    {
        PutMacs();
        for (int i = 0; i < route.Vlans.Length; i++)
        {
            Put16(i + 1 < route.Vlans.Length ? (ushort)0x88A8 : (ushort)0x8100);
            Put16(route.Vlans[i]);
        }

        ipStart = at + 2;
        if (route.IsV6)
        {
            Put16(0x86DD);
            Put32(0x60000000 | (uint)(dice.OneIn(8) ? dice.Below(1 << 20) : 0));
            Put16(0);
            Put8(route.Extensions.Length != 0 ? route.Extensions[0] : protocol);
            Put8((byte)(dice.OneIn(8) ? dice.Below(256) : 64));
            PutAddress6(route.Source);
            PutAddress6((byte)(100 + route.Destination));
            PutExtensions(route, protocol);
            return;
        }

        Put16(0x0800);
        Put8((byte)(0x45 + route.OptionWords));
        Put8((byte)(dice.OneIn(8) ? dice.Below(256) : 0));
        Put16(0);
        Put16((ushort)dice.Below(65536));
        Put16(0x4000);
        Put8((byte)(dice.OneIn(8) ? dice.Below(256) : 64));
        Put8(protocol);
        Put16(0);
        Put32(0x0A000000u | route.Source);
        Put32(0x0A000100u | route.Destination);
        PutContent(0, route.Source, 4 * route.OptionWords);
    }

    private void PutExtensions(Route route, byte protocol)
    {
        for (int i = 0; i < route.Extensions.Length; i++)
        {
            // Pad1 and PadN options; a fragment header has offset 0 and no more fragments (an atomic fragment).
            byte type = route.Extensions[i];
            int units = type == Protocol.Fragment || !dice.OneIn(4) ? 0 : dice.Between(0, 3);
            Put8(i + 1 < route.Extensions.Length ? route.Extensions[i + 1] : protocol);
            Put8((byte)units);
            PutContent(0, type == Protocol.Fragment ? 0u : type, 6 + (8 * units));
        }
    }

    private Piece End(int start, Route route)
    {
        int length = at - ipStart;
        Set16(ipStart + (route.IsV6 ? 4 : 2), (ushort)(route.IsV6 ? length - 40 : length));
        while (at - start < 60 && dice.OneIn(2))
        {
            Put8(0);
        }

        return new Piece(start, at - start);
    }

    private void PutTcpOptions(byte kind)
    {
        switch (kind % OptionKinds)
        {
            case 1:
                PutOptions([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
                bytes[at - 5] = (byte)dice.Below(256);
                break;
            case 2:
                PutOptions([2, 4, 5, 0xB4, 4, 2, 3, 3, 7, 1, 1, 1]);
                break;
            case 3:
                PutOptions([1, 1, 5, 10, 0, 0, 1, 0, 0, 0, 2, 0]);
                break;
            case 4:
                // Malformed options: longer than the header has room for, of length 0, without a length.
                PutOptions([2, 4, 5, 0xB4, 8, 10, 0, 1]);
                break;
            case 5:
                PutOptions([8, 0, 3, 1]);
                break;
            case 6:
                PutOptions([1, 1, 1, 5]);
                break;
            case 7:
                PutContent(0, 7, 4 * dice.Between(0, 10));
                break;
        }
    }

    private void PutOptions(ReadOnlySpan<byte> options)
    {
        options.CopyTo(bytes.AsSpan(at));
        at += options.Length;
    }

    private ushort Checksum() => dice.OneIn(4) ? (ushort)dice.Below(65536) : (ushort)0x1234;

    private void PutMacs()
    {
        Put32(0x02000000);
        Put16(0x0063);
        Put32(0x02000000);
        Put16((ushort)(dice.OneIn(16) ? 2 : 1));
    }

    private void PutAddress6(byte last)
    {
        Put32(0xFD000000);
        Put32(0);
        Put32(0);
        Put32(last);
    }

    private void PutContent(uint position, uint salt, int length)
    {
        Content(position, salt, bytes.AsSpan(at, length));
        at += length;
    }

    /// <summary>The bytes at a position of a stream: a function of position and salt only, so that both sides send the
    /// same.</summary>
    public static void Content(uint position, uint salt, Span<byte> content)
    {
        for (int i = 0; i < content.Length; i++, position++)
        {
            uint mixed = (position ^ (salt * 0x85EBCA77)) * 0x9E3779B1;
            content[i] = (byte)((mixed >> 24) ^ (mixed >> 11));
        }
    }

    private void Put8(byte value) => bytes[at++] = value;

    private void Put16(ushort value)
    {
        Set16(at, value);
        at += 2;
    }

    private void Put32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(at), value);
        at += 4;
    }

    private void Set16(int where, ushort value) => BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(where), value);
}
