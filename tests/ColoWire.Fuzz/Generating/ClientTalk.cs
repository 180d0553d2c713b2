// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Wire;

namespace ColoWire.Fuzz.Generating;

/// <summary>
/// Writes the frames of clients: segments of the guests' connections near the right numbers and far from them, resets, fragments,
/// ICMP errors that quote the guest, frames for no guest, and garbage.
/// </summary>
internal sealed class ClientTalk(Dice dice, FrameWriter writer, Mutator mutator)
{
    private readonly List<Piece> pieces = [];

    /// <summary>The next frame of a client of a connection, or several fragments.</summary>
    public IReadOnlyList<Piece> Say(TcpTalk talk)
    {
        pieces.Clear();
        switch (dice.Below(20))
        {
            case 0:
                pieces.Add(Error(talk));
                break;
            case 1:
                Span<byte> room = writer.Room[..dice.LogBetween(0, 200)];
                dice.Fill(room);
                pieces.Add(writer.Copy(room));
                break;
            case 2:
                pieces.Add(Reverse(writer.Udp(talk.Route, (uint)dice.Below(40), dice.LogBetween(0, 200))));
                break;
            case 3:
                pieces.Add(ForNoGuest(Segment(talk)));
                break;
            case 4:
                writer.Fragment(Segment(talk), talk.Route, (uint)dice.Below(6), dice.LogBetween(8, 200), pieces);
                break;
            case 5:
                pieces.Add(mutator.Change(Segment(talk)));
                break;
            default:
                pieces.Add(Segment(talk));
                break;
        }

        return pieces;
    }

    private Piece Segment(TcpTalk talk) => Reverse(writer.Tcp(talk.Route, new SegmentText
    {
        Sequence = talk.ClientNext + Jitter(),
        Ack = talk.Next + Jitter(),
        Flags = Flags(),
        Window = 1000,
        Options = (byte)(dice.OneIn(2) ? dice.Below(FrameWriter.OptionKinds) : 1),
        PayloadLength = dice.OneIn(30) ? dice.Between(1400, 5000) : dice.OneIn(2) ? 0 : dice.LogBetween(1, 200),
        Salt = 3,
    }));

    private uint Jitter() => dice.Below(6) switch
    {
        0 => (uint)dice.Between(-200, 200),
        1 => dice.OneIn(4) ? (uint)dice.Next() : 0,
        _ => 0,
    };

    private byte Flags() => dice.Below(24) switch
    {
        0 => Tcp.Syn,
        1 => Tcp.Syn | Tcp.Ack,
        2 => Tcp.Rst,
        3 => Tcp.Rst | Tcp.Ack,
        4 => Tcp.Fin | Tcp.Ack,
        5 => (byte)dice.Below(256),
        _ => Tcp.Ack,
    };

    private Piece Error(TcpTalk talk)
    {
        Piece quoted = writer.Tcp(talk.Route, new SegmentText { Sequence = talk.Next, Flags = Tcp.Ack, PayloadLength = 20 });
        int network = 14 + (4 * talk.Route.Vlans.Length);
        byte[] quote = writer.Bytes.AsSpan(quoted.Offset + network, dice.Below(quoted.Length - network)).ToArray();
        Piece error = Reverse(writer.Other(talk.Route, talk.Route.IsV6 ? (byte)58 : (byte)1, 0, 8 + quote.Length));
        Span<byte> bytes = writer.Bytes.AsSpan(error.Offset, error.Length);
        FrameParser.Parse(bytes, out FrameLayout layout);
        if (layout.Kind is FrameKind.Icmp or FrameKind.IcmpV6)
        {
            Span<byte> message = bytes.Slice(layout.PayloadOffset, layout.PayloadLength);
            message[0] = talk.Route.IsV6 ? (byte)dice.Between(1, 4) : dice.Pick<byte>([3, 4, 5, 11, 12]);
            quote.CopyTo(message[8..]);
        }

        return error;
    }

    private Piece ForNoGuest(Piece piece)
    {
        Span<byte> bytes = writer.Bytes.AsSpan(piece.Offset, piece.Length);
        ReadOnlySpan<byte> address = dice.Below(4) switch
        {
            0 => [1, 0x80, 0xC2, 0, 0, 2],
            1 => [2, 0, 0, 0, 0, 77],
            2 => [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            _ => [0x33, 0x33, 0, 0, 0, 1],
        };
        address.CopyTo(bytes);
        if (dice.OneIn(4))
        {
            // A loop, or a client that uses the guest's address.
            new byte[] { 2, 0, 0, 0, 0, 1 }.CopyTo(bytes[6..]);
        }

        return piece;
    }

    /// <summary>Exchanges source and destination in a frame that was written for the guest.</summary>
    private Piece Reverse(Piece piece)
    {
        Span<byte> bytes = writer.Bytes.AsSpan(piece.Offset, piece.Length);
        FrameParser.Parse(bytes, out FrameLayout layout);
        Exchange(bytes, 0, 6);
        if (layout.Kind < FrameKind.NotCompared)
        {
            Exchange(bytes, layout.NetworkOffset + (layout.IpVersion == 4 ? 12 : 8), layout.IpVersion == 4 ? 4 : 16);
        }

        if (layout.Kind is FrameKind.Tcp or FrameKind.Udp)
        {
            Exchange(bytes, layout.TransportOffset, 2);
        }

        return piece;
    }

    private static void Exchange(Span<byte> bytes, int at, int count)
    {
        Span<byte> first = stackalloc byte[count];
        bytes.Slice(at, count).CopyTo(first);
        bytes.Slice(at + count, count).CopyTo(bytes[at..]);
        first.CopyTo(bytes[(at + count)..]);
    }
}
