// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;

namespace ColoWire.Engine.Tests.Properties;

/// <summary>The change to one flow that makes the replicas differ.</summary>
public enum Harm
{
    None,

    /// <summary>One byte of the secondary differs.</summary>
    Flip,

    /// <summary>TCP: the secondary sends nothing from some position on. Datagrams: the secondary omits one.</summary>
    Missing,

    /// <summary>TCP: the secondary sends more bytes than the primary. Datagrams: the secondary sends one more.</summary>
    Extra,

    /// <summary>TCP: the secondary closes in another way.</summary>
    Close,

    /// <summary>TCP: the primary retransmits bytes with other values.</summary>
    Retransmit,

    /// <summary>TCP: the primary acknowledges bytes that the secondary never acknowledges.</summary>
    Ack,
}

/// <summary>A packet that arrives.</summary>
/// <param name="AtNs">Time of the arrival, in nanoseconds.</param>
/// <param name="Side">The replica that sent it.</param>
/// <param name="Packet">The unfragmented packet.</param>
/// <param name="Frames">Its frames: one, or its fragments.</param>
/// <param name="Shift">The number to add to the secondary's sequence numbers to get the primary's.</param>
public sealed record Arrival(long AtNs, Side Side, Packet Packet, byte[][] Frames, uint Shift);

/// <summary>
/// Two replicas that send the same content with different segmentation, retransmissions, delays, order, fragments, sequence
/// numbers and header fields; or the same but for one harm to one flow. Everything follows from one seed.
/// </summary>
public sealed class Replicas
{
    private const int TcpFlows = 3;
    private const int UdpFlows = 2;
    private const long NanosecondsPerUs = 1000;

    /// <summary>By how much a packet may arrive later than its twin, in microseconds: twice that stays below the grace of 20
    /// ms.</summary>
    private const int LatenessUs = 8000;

    private static readonly ushort[][] Vlans = [[], [5], [5, 6]];

    private readonly Random random;
    private readonly List<Arrival> arrivals = [];
    private readonly Dictionary<Packet, byte[][]> framesOf = new(ReferenceEqualityComparer.Instance);

    public Replicas(ulong seed, Harm harm)
    {
        random = new Random((int)(seed ^ (seed >> 32)));
        bool tcpOnly = harm is Harm.Close or Harm.Retransmit or Harm.Ack;
        int harmed = harm == Harm.None ? -1 : random.Next(tcpOnly ? TcpFlows : TcpFlows + UdpFlows);
        for (int flow = 0; flow < TcpFlows + UdpFlows; flow++)
        {
            Harm here = flow == harmed ? harm : Harm.None;
            ushort port = (ushort)(flow < TcpFlows ? 1000 + flow : 2000 + flow);
            if (here != Harm.None)
            {
                HarmedPort = port;
            }

            if (flow < TcpFlows)
            {
                AddStream(port, here);
            }
            else
            {
                AddDatagrams(port, here);
            }
        }

        // A stable sort: segments that one side of a TCP flow sends at the same instant keep their order.
        Arrivals = [.. arrivals.OrderBy(a => a.AtNs)];
    }

    /// <summary>All arrivals, in order.</summary>
    public IReadOnlyList<Arrival> Arrivals { get; }

    /// <summary>The port of the flow in which the replicas differ; 0 when they do not differ.</summary>
    public ushort HarmedPort { get; }

    /// <summary>Whether both replicas retransmit a byte of a stream with the same new value.</summary>
    public bool ChangesAlike { get; private set; }

    /// <summary>The frames in which a packet arrives.</summary>
    public byte[][] FramesOf(Packet packet) => framesOf[packet];

    private void AddStream(ushort port, Harm harm)
    {
        byte[] stream = RandomBytes(random.Next(2, 4000));
        byte[] others = [.. stream];
        StreamDress primary = new() { Start = (uint)random.NextInt64(uint.MaxValue + 1L), Syn = random.Next(2) == 0, Rst = random.Next(4) == 0 };
        if (harm == Harm.None && random.Next(4) == 0)
        {
            primary.SaysAgain = (random.Next(stream.Length), (byte)random.Next(256));
            ChangesAlike = true;
        }

        StreamDress secondary = primary;
        if (primary.Syn && random.Next(2) == 0)
        {
            // The secondary chose another initial sequence number; either a rewriter translates all segments after its SYN, or
            // nothing does.
            secondary.SynShift = (uint)random.NextInt64(1u << 20, 1u << 31);
            secondary.Shift = random.Next(2) == 0 ? secondary.SynShift : 0;
        }

        switch (harm)
        {
            case Harm.Flip:
                others[random.Next(others.Length)] ^= (byte)random.Next(1, 256);
                break;
            case Harm.Missing:
                secondary.EndsEarly = true;
                others = others[..random.Next(others.Length)];
                break;
            case Harm.Extra:
                others = [.. others, .. RandomBytes(random.Next(1, 50))];
                break;
            case Harm.Close:
                secondary.Rst = !primary.Rst;
                break;
            case Harm.Retransmit:
                primary.ChangesAt = random.Next(stream.Length);
                break;
            case Harm.Ack:
                primary.AckLead = 100_000;
                break;
        }

        long firstUs = Send(Side.Primary, Say(stream, primary, port), 0);
        // A rewriter gets the primary's number only from the answer to its SYN.
        bool isRewritten = secondary.SynShift != 0 && secondary.Shift == 0;
        Send(Side.Secondary, Say(others, secondary, port), 0 - secondary.Shift, isRewritten ? firstUs : 0);
    }

    private void AddDatagrams(ushort port, Harm harm)
    {
        byte[][] said = [.. Enumerable.Range(0, random.Next(2, 10)).Select(_ => RandomBytes(random.Next(1, 300)))];
        if (random.Next(2) == 0)
        {
            said[^1] = said[0];
        }

        List<byte[]> others = [.. said];
        int which = random.Next(said.Length);
        switch (harm)
        {
            case Harm.Flip:
                others[which] = [.. others[which]];
                others[which][random.Next(others[which].Length)] ^= (byte)random.Next(1, 256);
                break;
            case Harm.Missing:
                others.RemoveAt(which);
                break;
            case Harm.Extra:
                others.Insert(which, RandomBytes(20));
                break;
        }

        long atUs = random.Next(3000);
        for (int i = 0; i < Math.Max(said.Length, others.Count); i++, atUs += random.Next(2000))
        {
            if (i < said.Length)
            {
                Arrive(Side.Primary, atUs + random.Next(LatenessUs), new Datagram(said[i]) { SourcePort = port }, 0);
            }

            if (i < others.Count)
            {
                Arrive(Side.Secondary, atUs + random.Next(LatenessUs), new Datagram(others[i]) { SourcePort = port }, 0);
            }
        }
    }

    /// <summary>The stream as one replica sends it: with any segmentation, some bytes twice, some out of order, acknowledgments
    /// growing.</summary>
    private List<Segment> Say(byte[] stream, StreamDress dress, ushort port)
    {
        uint start = dress.Start + dress.Shift;
        List<Segment> segments = Cut(stream, start, closes: !dress.EndsEarly && !dress.Rst);
        if (dress.ChangesAt is { } changed)
        {
            byte[] again = [.. stream];
            again[changed] ^= (byte)random.Next(1, 256);
            int from = random.Next(changed + 1);
            segments.Add(new Segment(start + (uint)from, again[from..random.Next(changed + 1, stream.Length + 1)]));
        }

        if (dress.SaysAgain is { } known)
        {
            segments.Add(new Segment(start + (uint)known.At, [known.Value]));
        }

        uint acked = 5000;
        List<Segment> said = [.. segments.Select(s => s with { Ack = acked += (uint)random.Next(3) })];
        if (dress.Syn)
        {
            said.Insert(0, new Segment(dress.Start - 1 + dress.SynShift, []) { Syn = true, Ack = 5000 });
        }

        if (!dress.EndsEarly)
        {
            uint end = start + (uint)stream.Length;
            said.Add(new Segment(end + (dress.Rst ? 0u : 1u), []) { Ack = 9000 + dress.AckLead });
            if (dress.Rst)
            {
                said.Add(new Segment(end + (uint)random.Next(100), []) { Rst = true, HasAck = false });
            }
        }

        return [.. said.Select(s => s with { SourcePort = port, Window = (ushort)random.Next(65536), Psh = random.Next(2) == 0 })];
    }

    private List<Segment> Cut(byte[] stream, uint start, bool closes)
    {
        List<Segment> segments = [];
        bool finApart = random.Next(2) == 0;
        for (int at = 0; at < stream.Length;)
        {
            int count = Math.Min(random.Next(1, 1460), stream.Length - at);
            bool last = at + count == stream.Length;
            segments.Add(new Segment(start + (uint)at, stream[at..(at + count)]) { Fin = closes && last && !finApart });
            at += count;
            if (random.Next(4) == 0)
            {
                int from = random.Next(at);
                segments.Add(new Segment(start + (uint)from, stream[from..random.Next(from + 1, at + 1)]));
            }
        }

        if (closes && finApart)
        {
            segments.Add(new Segment(start + (uint)stream.Length, []) { Fin = true });
        }

        for (int i = 0; i + 1 < segments.Count; i++)
        {
            // A segment that shows where the stream ends may not be overtaken: another property covers a FIN that arrives early.
            if (random.Next(5) == 0 && !segments[i + 1].Fin)
            {
                (segments[i], segments[i + 1]) = (segments[i + 1], segments[i]);
            }
        }

        return segments;
    }

    /// <summary>Sends the segments of one side; all but the first not before a given instant.</summary>
    /// <returns>The time at which the first segment arrives.</returns>
    private long Send(Side side, List<Segment> segments, uint shift, long othersUs = 0)
    {
        // The first segments of both sides arrive within the greatest lateness of each other; all later ones have delays of their
        // own.
        long firstUs = random.Next(LatenessUs);
        long atUs = firstUs;
        int paceUs = random.Next(1, 3000);
        foreach (Segment segment in segments)
        {
            Arrive(side, atUs, segment, shift);
            atUs = Math.Max(atUs + random.Next(paceUs), othersUs);
        }

        return firstUs;
    }

    private void Arrive(Side side, long atUs, Packet packet, uint shift)
    {
        Packet dressed = packet with
        {
            Source = AddressOf(packet, 1),
            Destination = AddressOf(packet, 99),
            Vlans = Vlans[PortOf(packet) % Vlans.Length],
            Id = (ushort)random.Next(65536),
            Ttl = (byte)random.Next(1, 256),
            PadTo = random.Next(2) == 0 ? 60 : 0,
        };
        byte[][] frames = Fragment(dressed);
        framesOf[dressed] = frames;
        arrivals.Add(new Arrival(atUs * NanosecondsPerUs, side, dressed, frames, shift));
    }

    /// <summary>Addresses by which the flows of one case have all layouts: IPv4 and IPv6, untagged, one tag and two.</summary>
    private static byte[] AddressOf(Packet packet, byte last) =>
        PortOf(packet) % 2 == 0 ? [10, 0, 0, last] : [0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];

    private static ushort PortOf(Packet packet) => packet is Segment segment ? segment.SourcePort : ((Datagram)packet).SourcePort;

    /// <summary>Fragments one packet in four; the fragments arrive in any order.</summary>
    private byte[][] Fragment(Packet packet)
    {
        byte[] whole = (packet with { PadTo = 0 }).Bytes();
        int headerBytes = 14 + (packet.Vlans.Length * 4) + (packet.Source.Length == 4 ? 20 : 40);
        int units = (whole.Length - headerBytes - 1) / 8;
        if (random.Next(4) != 0 || units < 1)
        {
            return [packet.Bytes()];
        }

        int[] cuts = [.. Enumerable.Range(1, units).OrderBy(_ => random.Next()).Take(random.Next(1, 4)).Order().Select(unit => unit * 8)];
        byte[][] pieces = FragmentBuilder.Cut(whole, (uint)random.Next(65536), 0, cuts);
        random.Shuffle(pieces);
        return pieces;
    }

    private byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>How one replica sends a stream.</summary>
    private struct StreamDress
    {
        /// <summary>The primary's sequence number of the first byte.</summary>
        public uint Start;

        public bool Syn;
        public bool Rst;
        public uint SynShift;
        public uint Shift;
        public bool EndsEarly;
        public int? ChangesAt;

        /// <summary>A byte that both replicas retransmit with this value, which may differ from its first value.</summary>
        public (int At, byte Value)? SaysAgain;
        public uint AckLead;
    }
}
