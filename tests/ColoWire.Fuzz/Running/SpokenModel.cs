// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Fuzz.Running;

/// <summary>
/// Everything that the secondary has ever sent, byte by byte: of the primary's frames only the same bytes may leave, and frames
/// that were counted as unverified. The model has no windows, no order and no epochs; therefore it checks less than the engine
/// does, but each failure is certain.
/// </summary>
internal sealed class SpokenModel
{
    private const ulong AnyByte = 1UL << 63;
    private const ulong NoByte = 1UL << 61;
    private const ulong HasLeft = 1UL << 62;

    private readonly HashSet<ulong> bytes = [];
    private readonly Dictionary<ulong, int> datagrams = [];
    private readonly List<FlowWords> flows = [];

    /// <summary>Number of the primary's frames that have left without the secondary having sent the same.</summary>
    public int Unspoken { get; private set; }

    /// <summary>Description of the last of those frames.</summary>
    public string LastUnspoken { get; private set; } = "";

    public void Take(Side side, int flow, ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        while (flows.Count <= flow)
        {
            flows.Add(new FlowWords());
        }

        FlowWords words = flows[flow];
        ReadOnlySpan<byte> payload = frame.Slice(layout.PayloadOffset, layout.PayloadLength);
        if (layout.Kind != FrameKind.Tcp)
        {
            if (side == Side.Secondary)
            {
                datagrams[Name(flow, payload)] = datagrams.GetValueOrDefault(Name(flow, payload)) + 1;
            }

            return;
        }

        (uint sequence, uint ack, byte flags) = Read(frame, in layout);
        if ((flags & Tcp.Syn) != 0)
        {
            words.Learn(side, sequence);
            // A client takes no byte at the position of a SYN for data.
            SayPlaces(flow, sequence, 0, flags);
        }

        if (side == Side.Primary)
        {
            return;
        }

        words.Flags |= flags;
        words.LearnFirst(sequence);
        SayPlaces(flow, sequence, payload.Length, flags);
        if ((flags & Tcp.Ack) != 0)
        {
            words.Acks.Add(ack);
        }

        Say(flow, sequence + ((flags & Tcp.Syn) != 0 ? 1u : 0), payload);
    }

    public void Leave(int flow, ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        ReadOnlySpan<byte> payload = frame.Slice(layout.PayloadOffset, layout.PayloadLength);
        string? missing = layout.Kind switch
        {
            FrameKind.Tcp => MissingOfSegment(flow, frame, in layout, payload),
            // ICMP messages are compared only in part, and protocols that always pass are not compared.
            FrameKind.Udp => TakeDatagram(flow, payload) ? null : "a datagram",
            _ => null,
        };
        if (missing is not null)
        {
            Unspoken++;
            LastUnspoken = $"{missing} of {Convert.ToHexString(frame)}";
        }
    }

    private string? MissingOfSegment(int flow, ReadOnlySpan<byte> frame, in FrameLayout layout, ReadOnlySpan<byte> payload)
    {
        (uint sequence, uint ack, byte flags) = Read(frame, in layout);
        FlowWords words = flows[flow];
        bool isReset = (flags & Tcp.Rst) != 0;
        int unsaid = flags & (isReset ? Tcp.Rst : Tcp.Syn | Tcp.Fin) & ~words.Flags;
        uint start = sequence + ((flags & Tcp.Syn) != 0 ? 1u : 0);
        // A FIN at a position for which the secondary has sent a byte or a flag is old to the client and is ignored.
        bool isOldFin = unsaid == Tcp.Fin && IsPlaceSaid(flow, start + (uint)payload.Length, words, AnyByte);
        string? missing = null;
        if (unsaid != 0 && !isOldFin)
        {
            missing = "a SYN, FIN or RST";
        }
        else if (!isReset && (flags & Tcp.Ack) != 0 && !words.HasAcked(ack))
        {
            missing = "an acknowledgment";
        }

        if (isReset)
        {
            return missing;
        }

        if (!IsSaid(flow, start, payload, words))
        {
            missing = "bytes";
        }

        for (uint i = 0; i < payload.Length; i++)
        {
            bytes.Add(Place(flow, start + i, 0) | HasLeft);
        }

        return missing;
    }

    private bool IsSaid(int flow, uint start, ReadOnlySpan<byte> payload, FlowWords words)
    {
        for (int i = 0; i < payload.Length; i++)
        {
            // The client ignores bytes that it has already received; the engine detects changes only in the last of such bytes
            // (retransmit_window).
            bool found = bytes.Contains(Place(flow, start + (uint)i, payload[i])) || bytes.Contains(Place(flow, start + (uint)i, 0) | HasLeft);
            // One byte at a position that the secondary has sent is a keepalive, which no client takes for data (RFC 1122 section
            // 4.2.3.6).
            found |= payload.Length == 1 && IsPlaceSaid(flow, start, words, AnyByte);
            // In a connection that began before the capture, bytes before the secondary's first segment count as sent by the
            // secondary (scenario 37).
            found |= words.IsBeforeFirst(start + (uint)i);
            // A client takes no byte at the position of a SYN or a FIN.
            found |= IsPlaceSaid(flow, start + (uint)i, words, NoByte);
            for (int k = 0; k < words.Shifts.Count && !found; k++)
            {
                found = bytes.Contains(Place(flow, start + (uint)i - words.Shifts[k], payload[i]));
            }

            if (!found)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether the secondary has sent something at a position: anything, or a SYN or a FIN.</summary>
    private bool IsPlaceSaid(int flow, uint position, FlowWords words, ulong what)
    {
        bool found = bytes.Contains(Place(flow, position, 0) | what);
        for (int k = 0; k < words.Shifts.Count && !found; k++)
        {
            found = bytes.Contains(Place(flow, position - words.Shifts[k], 0) | what);
        }

        return found;
    }

    private void Say(int flow, uint start, ReadOnlySpan<byte> payload)
    {
        for (int i = 0; i < payload.Length; i++)
        {
            bytes.Add(Place(flow, start + (uint)i, payload[i]));
        }
    }

    private void SayPlaces(int flow, uint sequence, int payloadLength, byte flags)
    {
        uint end = sequence + (uint)payloadLength;
        if ((flags & Tcp.Syn) != 0)
        {
            bytes.Add(Place(flow, sequence, 0) | NoByte);
            end++;
        }

        if ((flags & Tcp.Fin) != 0)
        {
            bytes.Add(Place(flow, end, 0) | NoByte);
            end++;
        }

        uint count = end - sequence;
        for (uint i = 0; i < count; i++)
        {
            bytes.Add(Place(flow, sequence + i, 0) | AnyByte);
        }
    }

    private bool TakeDatagram(int flow, ReadOnlySpan<byte> payload)
    {
        ulong name = Name(flow, payload);
        int left = datagrams.GetValueOrDefault(name) - 1;
        datagrams[name] = Math.Max(0, left);
        return left >= 0;
    }

    private static (uint Sequence, uint Ack, byte Flags) Read(ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        ReadOnlySpan<byte> header = frame[layout.TransportOffset..];
        return (BinaryPrimitives.ReadUInt32BigEndian(header[4..]), BinaryPrimitives.ReadUInt32BigEndian(header[8..]), header[13]);
    }

    private static ulong Place(int flow, uint position, byte content) => ((ulong)flow << 40) | ((ulong)position << 8) | content;

    /// <summary>FNV-1a (Fowler, Noll and Vo), 64 bits.</summary>
    private static ulong Name(int flow, ReadOnlySpan<byte> payload)
    {
        ulong hash = 0xCBF29CE484222325 ^ (ulong)flow;
        foreach (byte part in payload)
        {
            hash = (hash ^ part) * 0x100000001B3;
        }

        return hash;
    }

    /// <summary>What the secondary has sent in one TCP flow.</summary>
    private sealed class FlowWords
    {
        /// <summary>Number of successive connections between the same ports of which frames may still be held.</summary>
        private const int MostConnections = 12;

        private readonly List<uint> primaryIsns = [];
        private readonly List<uint> secondaryIsns = [];

        private uint? first;

        public byte Flags { get; set; }

        public List<uint> Acks { get; } = [];

        /// <summary>Differences that may have to be added to the secondary's sequence numbers to get the primary's.</summary>
        public List<uint> Shifts { get; } = [];

        public bool IsBeforeFirst(uint position) => first is { } known && secondaryIsns.Count == 0 && (int)(position - known) < 0;

        public void LearnFirst(uint sequence) => first ??= sequence;

        public bool HasAcked(uint ack)
        {
            foreach (uint given in Acks)
            {
                if ((int)(ack - given) <= 0)
                {
                    return true;
                }
            }

            return false;
        }

        public void Learn(Side side, uint isn)
        {
            List<uint> own = side == Side.Primary ? primaryIsns : secondaryIsns;
            if (own.Contains(isn))
            {
                return;
            }

            own.Add(isn);
            if (own.Count > MostConnections)
            {
                own.RemoveAt(0);
            }

            Shifts.Clear();
            foreach (uint ours in primaryIsns)
            {
                foreach (uint theirs in secondaryIsns)
                {
                    if (ours != theirs)
                    {
                        Shifts.Add(ours - theirs);
                    }
                }
            }
        }
    }
}
