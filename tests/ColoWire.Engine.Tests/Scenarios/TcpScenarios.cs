// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>The rows that concern TCP, by their numbers on the page of scenarios; with one shard and with three.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class TcpScenarios(int shards)
{
    private static readonly Segment AckOnly = new(1000, []);
    private static readonly Segment SynAck = new(1, []) { Syn = true };
    private static readonly Segment AThenB = A with { Payload = [.. A.Payload, .. B.Payload] };
    private static readonly Segment BThenC = B with { Payload = [.. B.Payload, .. C.Payload] };
    private static readonly Segment Long = new(1000, Fill('L', 60_000));
    private static readonly Packet[] Whole =
    [
        SynAck, .. Cut(Long with { Sequence = 2 }, 1500), .. Cut(Long with { Sequence = 60_002 }, 1500), At(120_002, 'Z') with { Fin = true },
    ];

    private static readonly Segment Alone = Long with { DestinationPort = 99 };
    private static readonly Segment LastAck = new(1100, []) { Ack = 6000 };
    private static readonly Segment GarbageByte = new(101, [0]);
    private static readonly Segment NextSyn = new(500_000, []) { Syn = true, Ack = 100 };
    private static readonly Segment NextSynAhead = NextSyn with { Ack = 9000 };
    private static readonly Segment NextAck = new(500_001, []) { Ack = 200 };
    private static readonly Segment NextData = new(500_001, Fill('N')) { Ack = 200 };
    private static readonly Segment FinAfterA = new(1100, []) { Fin = true };
    private static readonly Segment RstAfterA = new(1100, []) { Rst = true };
    private static readonly Segment AndFin = A with { Fin = true };

    private static readonly Scenario[] Rows =
    [
        new("1 same data", P(A), Out(), S(A), Out(A), Wait(10_000), Cp(0)),
        new("2 other data", P(A), S(A with { Payload = B.Payload }), Out(), Cp(1, DivergenceReason.Payload, 0), Checkpointed, Out(A)),
        new("2 other data behind the same data", P(A), S(A), P(B), S(B.Flipped(57)), Out(A), Cp(1, DivergenceReason.Payload, 57), Checkpointed,
            Out(A, B)),
        new("3 one segment against two", P(AThenB), S(A), Out(), S(B), Out(AThenB), Cp(0)),
        new("3 one segment against its first half, then against all of it: what follows still waits", P(A), S(A), P(BThenC), S(B), Out(A), S(BThenC),
            Out(A, BThenC), P(At(1300, 'D')), Wait(2000), Out(A, BThenC), S(At(1300, 'D')), Out(A, BThenC, At(1300, 'D')), Cp(0)),
        new("4 two segments against one", P(A), P(B), Out(), S(AThenB), Out(A, B), Cp(0)),
        new("5 a super-frame against 40 segments", P(Long), S(Cut(Long, 1500)[..39]), Out(), S(Cut(Long, 1500)[39]), Out(Long), Cp(0)),
        new("5 a secondary that has closed before the primary's SYN has come", S(Whole), P(Whole), Out(Whole), Cp(0)),
        new("6 one byte differs", P(A), S(A.Flipped(57)), Out(), Cp(1, DivergenceReason.Payload, 57)),
        new("7 a retransmission of what was verified leaves at once", P(A), S(A), P(A), Out(A, A), Cp(0)),
        new("7 a retransmission behind new data leaves with it", P(A), S(A), P(B, A), Out(A), S(B), Out(A, B, A), Cp(0)),
        new("5 a thousand pieces in any order against one segment", Pieces),
        new("8 a retransmission with changed bytes", P(A), S(A), P(A.Flipped(57)), Wait(10), Cp(0), Wait(20), Out(A), Cp(1, DivergenceReason.Retransmit, 57), Checkpointed,
            Out(A, A.Flipped(57))),
        new("8 cut otherwise", P(A, B), S(A, B), P(new Segment(1040, [.. A.Payload[40..], .. B.Payload[..40]]).Flipped(70)), Wait(30), Out(A, B),
            Cp(1, DivergenceReason.Retransmit, 70)),
        new("8 the first copy still waited", P(A, A.Flipped(99)), S(A), Wait(30), Out(A), Cp(1, DivergenceReason.Retransmit, 99)),
        new("8 the secondary's segment says more and still waits", P(A), S(new Segment(1000, [.. A.Payload, .. B.Payload])), P(A.Flipped(3)), Wait(30), Out(A),
            Cp(1, DivergenceReason.Retransmit, 3)),
        new("8 more was verified since than is kept", P(A, B, C), S(A, B, C), P(A.Flipped(0)), Out(A, B, C, A.Flipped(0)), Cp(0))
        {
            Options = options => options with { RetransmitWindow = 2 },
        },
        new("8 nothing is kept for longer than a frame may wait", P(A), S(A), Wait(4010), P(A.Flipped(0)), Out(A, A.Flipped(0)), Cp(0)),
        new("8 what many flows keep in large slots leaves room for others", bench => SayInManyFlows(bench, A, Long with { Sequence = 1100 }), Verified(80),
            Cp(0))
        {
            Options = options => options with { RetransmitWindow = 1, LargeSlotsPerSide = 24 },
        },
        new("8 a short segment that takes the place of a long one leaves its room to others", bench => SayInManyFlows(bench, Long, At(61_000, 'C')), P(Alone),
            S(Alone), P(Alone.Flipped(7)), Wait(30), Verified(81), Cp(1, DivergenceReason.Retransmit, 7))
        {
            Options = options => options with { RetransmitWindow = 1, LargeSlotsPerSide = 24 },
        },
        new("8 nothing is kept of the connection before", P(At(501, 'A')), S(At(501, 'A')), P(SynAck with { Sequence = 500 }),
            S(SynAck with { Sequence = 500 }), P(At(501, 'B')), S(At(501, 'B')), P(At(501, 'B')),
            Out(At(501, 'A'), SynAck with { Sequence = 500 }, At(501, 'B'), At(501, 'B')), Cp(0)),
        new("9 out of order on the primary", P(B), P(A), S(A), Out(), S(B), Out(B, A), Cp(0)),
        new("10 out of order, interleaved", P(B), S(A), P(A), Out(), S(B), Out(B, A), Cp(0)),
        new("11 overlapping the verified", P(A), S(A), P(Overlapping()), Out(A),
            S(new Segment(1100, B.Payload[..50])), Out(A, Overlapping()), Cp(0)),
        new("12 conflicting copies: the first one counts", S(A), S(A.Flipped(3)), P(A), Out(A), Tolerated(ToleratedField.SecondaryOverlap, 1), Cp(0)),
        new("12 conflicting copies that overlap in part: the first one counts", S(A), S(Overlapping().Flipped(7)), Tolerated(ToleratedField.SecondaryOverlap, 1),
            P(A, new Segment(1100, B.Payload[..50])), Out(A, new Segment(1100, B.Payload[..50])), Wait(10_000), Cp(0)),
        new("12 conflicting copies: the primary agrees with the loser", S(A.Flipped(3), A), P(A), Out(), Tolerated(ToleratedField.SecondaryOverlap, 1),
            Cp(1, DivergenceReason.Payload, 3)),
        new("12 conflicting copies, the longer one later: the first one counts", S(Inner.Flipped(0)), S(A), Tolerated(ToleratedField.SecondaryOverlap, 1), P(A), Out(),
            Cp(1, DivergenceReason.Payload, 40)),
        new("12 conflicting copies behind the same data: the first one counts", P(A), S(A, new Segment(1140, Fill('x', 20))), P(B), S(B), Out(A),
            Tolerated(ToleratedField.SecondaryOverlap, 1), Cp(1, DivergenceReason.Payload, 40)),
        new("13 wrap within the stream", P(At(0xFFFFFFB0, 'A'), At(0x14, 'B')), S(At(0xFFFFFFB0, 'A')), Out(At(0xFFFFFFB0, 'A')),
            S(At(0x14, 'B')), Out(At(0xFFFFFFB0, 'A'), At(0x14, 'B')), Cp(0)),
        new("14 a segment that ends at 0", P(At(0xFFFFFF9C, 'A'), At(0, 'B')), S(At(0xFFFFFF9C, 'A'), At(0, 'B')),
            Out(At(0xFFFFFF9C, 'A'), At(0, 'B')), Cp(0)),
        new("15 the streams begin elsewhere", P(A), S(A with { Sequence = 1001 }), Out(), Wait(30), Out(), Cp(1, DivergenceReason.Position)),
        new("15 the streams begin far apart", P(A), S(At(501000, 'Z')), Wait(30), Out(), Cp(1, DivergenceReason.Position)),
        new("16 the secondary is complete before", S(A, B, C), Out(), P(A), Out(A), P(B), Out(A, B), P(C), Out(A, B, C), Cp(0)),
        new("17 a pure ACK that the secondary has given", S(AckOnly), P(AckOnly), Out(AckOnly), Cp(0)),
        new("18 an ACK ahead of the secondary's waits", S(AckOnly), P(Acking(6000)), Out(), S(Acking(6000)), Out(Acking(6000)), Cp(0)),
        new("18 and diverges when it never comes", S(AckOnly), P(Acking(6000)), Wait(2900), Cp(0), Wait(1100), Out(),
            Cp(1, DivergenceReason.Ack)),
        new("18 an ACK of the secondary counts even when its queue is full", S(B, C), S(At(1300, 'D')), Dropped(DropReason.SecondaryQueueFull, 1),
            S(Acking(6000)), P(Acking(6000)), Out(Acking(6000)), Cp(0))
        {
            Options = options => options with { MaxQueueSize = 2 },
        },
        new("19 data with an ACK ahead waits", P(A with { Ack = 6000 }), S(A), Out(), S(Acking(6000)), Out(A with { Ack = 6000 }), Cp(0)),
        new("19 what data acknowledges need not be acknowledged again", P(A), S(A), P(B with { Ack = 6000 }), S(B with { Ack = 6000 }),
            P(Acking(6000) with { Sequence = 1200 }), Out(A, B with { Ack = 6000 }, Acking(6000) with { Sequence = 1200 }), Cp(0)),
        new("20 ACK wrap: the primary is ahead", S(Acking(0xFFFFFFF0)), P(Acking(0x10)), Out(), S(Acking(0x10)), Out(Acking(0x10)), Cp(0)),
        new("20 ACK wrap: the secondary is ahead", S(Acking(0x10)), P(Acking(0xFFFFFFF0)), Out(Acking(0xFFFFFFF0)), Cp(0)),
        new("21 duplicate ACKs", S(AckOnly), P(AckOnly, AckOnly, AckOnly), Out(AckOnly, AckOnly, AckOnly), Cp(0)),
        new("22 SACK blocks differ", S(A with { Options = Sack(1) }), P(A with { Options = Sack(2) }), Out(A with { Options = Sack(2) }),
            Tolerated(ToleratedField.TcpOptions, 1), Cp(0)),
        new("22 SACK blocks on the secondary only", S(A with { Options = Sack(1) }), P(A), Out(A), Tolerated(ToleratedField.TcpOptions, 1), Cp(0)),
        new("22 timestamps differ", S(A with { Options = [.. Timestamps[..^1], 9] }), P(A with { Options = Timestamps }),
            Out(A with { Options = Timestamps }), Tolerated(ToleratedField.TcpOptions, 1), Cp(0)),
        new("22 timestamps on one side only", S(A), P(A with { Options = Timestamps }), Out(A with { Options = Timestamps }),
            Tolerated(ToleratedField.TcpOptions, 1), Cp(0)),
        new("23 window differs", S(A with { Window = 200 }), P(A with { Window = 100 }), Out(A with { Window = 100 }), Tolerated(ToleratedField.Window, 1),
            Tolerated(ToleratedField.ZeroWindow, 0), Cp(0)),
        new("23 window of an ACK differs", S(AckOnly with { Window = 200 }), P(AckOnly), Out(AckOnly), Tolerated(ToleratedField.Window, 1), Cp(0)),
        new("23 strict promotes the window behind the same data", P(A), S(A), P(B with { Window = 200 }), S(B), Out(A), Cp(1, DivergenceReason.Header))
        {
            Options = options => options with { Strict = [ToleratedField.Window] },
        },
        new("23 zero window on both", S(A with { Window = 0 }), P(A with { Window = 0 }), Out(A with { Window = 0 }),
            Tolerated(ToleratedField.ZeroWindow, 0), Cp(0)),
        new("23 zero window on the primary only", S(A), P(A with { Window = 0 }), Out(A with { Window = 0 }),
            Tolerated(ToleratedField.ZeroWindow, 1), Cp(0)),
        new("24 a zero-window probe with a new byte waits", P(A), S(A), P(Probe(1100)), Wait(2000), Out(A), S(Probe(1100)),
            Out(A, Probe(1100)), Cp(0)),
        new("24 a zero-window probe with an old byte leaves", P(A), S(A), P(Probe(1099)), Out(A, Probe(1099)), Cp(0)),
        new("25 a keepalive of the primary only", P(A), S(A), P(Acking(5000) with { Sequence = 1099 }),
            Out(A, Acking(5000) with { Sequence = 1099 }), Cp(0)),
        new("25 a keepalive of the primary only, with one old byte", P(A), S(A), P(Probe(1099), Probe(1099)), Out(A, Probe(1099), Probe(1099)),
            Wait(10_000), Cp(0)),
        new("25 a keepalive of the primary only, before anything else was seen", S(new Segment(1000, [])), P(new Segment(999, [0])), Out(), Wait(30),
            Out(new Segment(999, [0])), Unverified(UnverifiedReason.Unseen, 1), Cp(0)),
        new("26 other ISN, a rewriter before the secondary", P(SynAck), S(SynAck with { Sequence = 77 }), P(At(2, 'A')), S(At(2, 'A')),
            Out(SynAck, At(2, 'A')), Cp(0)),
        new("26 the numbers stay absolute", P(SynAck), S(SynAck with { Sequence = 77 }), P(At(2, 'A')), S(At(2, 'A')), P(At(102, 'B')),
            S(At(178, 'B')), Wait(4000), Out(SynAck, At(2, 'A')), Cp(1, DivergenceReason.Timeout)),
        new("27 other ISN, no rewriter", P(SynAck), S(SynAck with { Sequence = 77 }), P(At(2, 'A')), S(At(78, 'A')),
            Out(SynAck, At(2, 'A')), Cp(0)),
        new("27 the numbers stay relative", P(SynAck), S(SynAck with { Sequence = 77 }), P(At(2, 'A')), S(At(78, 'A')), P(At(102, 'B')),
            S(At(102, 'B')), Wait(4000), Out(SynAck, At(2, 'A')), Cp(1)),
        new("27 and the secondary is far ahead", S(SynAck with { Sequence = 77 }, At(78, 'A'), At(178, 'B')), P(SynAck, At(2, 'A'), At(102, 'B')),
            Out(SynAck, At(2, 'A'), At(102, 'B')), Cp(0)),
        new("28 what the SYNs offer differs", P(SynAck with { Options = Offer(1460, 7) }), S(SynAck with { Options = Offer(1400, 7) }),
            Out(SynAck with { Options = Offer(1460, 7) }), Tolerated(ToleratedField.SynOptions, 1), Cp(0)),
        new("28 the window scale of a SYN differs", P(SynAck with { Options = Offer(1460, 7) }), S(SynAck with { Options = Offer(1460, 8) }),
            Out(SynAck with { Options = Offer(1460, 7) }), Tolerated(ToleratedField.SynOptions, 1), Cp(0)),
        new("28 only one SYN permits SACK", P(SynAck with { Options = [4, 2, 0, 0] }), S(SynAck), Out(SynAck with { Options = [4, 2, 0, 0] }),
            Tolerated(ToleratedField.SynOptions, 1), Cp(0)),
        new("28 timestamps of a SYN differ, which is no offer", P(SynAck with { Options = Timestamps }), S(SynAck),
            Out(SynAck with { Options = Timestamps }), Tolerated(ToleratedField.SynOptions, 0), Cp(0)),
        new("28 strict promotes what the SYNs offer", P(SynAck with { Options = Offer(1460, 7) }), S(SynAck with { Options = Offer(1400, 7) }),
            Out(), Cp(1, DivergenceReason.Header))
        {
            Options = options => options with { Strict = [ToleratedField.SynOptions] },
        },
        new("29 the secondary refuses", P(SynAck), S(new Segment(0, []) { Rst = true }), Out(), Cp(1, DivergenceReason.Control)),
        new("30 data and FIN against both apart", P(AndFin), S(A), Out(), S(FinAfterA), Out(AndFin), Wait(10_000), Cp(0)),
        new("30 a FIN that the secondary does not send", P(AndFin), S(A), Wait(2900), Out(), Cp(0), Wait(1100), Out(),
            Cp(1, DivergenceReason.Timeout)),
        new("31 a RST that the secondary does not send", P(new Segment(1000, []) { Rst = true }), Wait(2900), Cp(0), Wait(1100), Out(),
            Cp(1, DivergenceReason.Timeout)),
        new("31 rst=pass: it leaves at once", P(new Segment(1000, []) { Rst = true }), Out(new Segment(1000, []) { Rst = true }),
            Unverified(UnverifiedReason.Policy, 1), S(new Segment(1000, []) { Rst = true }), Wait(10_000), Cp(0))
        {
            Options = options => options with { Reset = ResetPolicy.Pass },
        },
        new("31 a RST of the secondary only", P(A), S(A, new Segment(1100, []) { Rst = true }), Wait(2900), Cp(0), Wait(1100), Out(A),
            Cp(1, DivergenceReason.Control)),
        new("31 rst=pass: a RST of the secondary only", P(A), S(A, new Segment(1100, []) { Rst = true }), Wait(10_000), Cp(0))
        {
            Options = options => options with { Reset = ResetPolicy.Pass },
        },
        new("31 rst=pass: both reset and open again, the secondary later", P(A), S(A), P(new Segment(1100, []) { Rst = true }),
            S(new Segment(1100, []) { Rst = true }), P(SynAck with { Sequence = 5000 }), Cp(0), S(SynAck with { Sequence = 5000 }),
            Out(A, new Segment(1100, []) { Rst = true }, SynAck with { Sequence = 5000 }), Wait(10_000), Cp(0))
        {
            Options = options => options with { Reset = ResetPolicy.Pass },
        },
        new("31 rst=pass: only the primary opens again", P(A), S(A), P(new Segment(1100, []) { Rst = true }),
            S(new Segment(1100, []) { Rst = true }), P(SynAck with { Sequence = 5000 }), Wait(100), Cp(1, DivergenceReason.Control))
        {
            Options = options => options with { Reset = ResetPolicy.Pass, GraceMs = 20 },
        },
        new("30 a FIN of the secondary only", P(A), S(AndFin), Out(A), Wait(2900), Cp(0), Wait(1100), Cp(1, DivergenceReason.Control)),
        new("30 a FIN of the secondary first", P(A), S(AndFin), Wait(2000), P(FinAfterA), Out(A, FinAfterA), Wait(10_000), Cp(0)),
        new("29 a SYN of the secondary only", S(SynAck), Wait(2900), Cp(0), Wait(1100), Cp(1, DivergenceReason.Control)),
        new("32 a RST of the secondary in the next connection", P(A), S(A), P(new Segment(1100, []) { Rst = true }), S(SynAck with { Sequence = 5000 }),
            S(new Segment(5001, []) { Rst = true }), Out(A), Wait(4000), Cp(1, DivergenceReason.Timeout)),
        new("32 both closed; a RST of the secondary says nothing new", P(AndFin), S(AndFin, new Segment(1101, []) { Rst = true }), Out(AndFin),
            Wait(10_000), Cp(0)),
        new("32 both closed, then a RST of both", P(AndFin), S(AndFin), P(RstAfterA with { Sequence = 1101 }), Out(AndFin), S(RstAfterA with { Sequence = 1101 }),
            Out(AndFin, RstAfterA with { Sequence = 1101 }), Wait(10_000), Cp(0)),
        new("32 both closed, then a RST of both, the secondary's first", P(AndFin), S(AndFin, RstAfterA with { Sequence = 1101 }), P(RstAfterA with { Sequence = 1101 }),
            Out(AndFin, RstAfterA with { Sequence = 1101 }), Wait(10_000), Cp(0)),
        new("32 behind a rewriter the secondary's RST bears its own number", P(SynAck), S(SynAck with { Sequence = 2_000_000_001 }), P(At(2, 'A')), S(At(2, 'A')),
            P(RstAfterA with { Sequence = 102 }), S(RstAfterA with { Sequence = 2_000_000_102 }), Out(SynAck, At(2, 'A'), RstAfterA with { Sequence = 102 }), Wait(10_000), Cp(0)),
        new("32 RST on both, one beyond any window", P(new Segment(1000, []) { Rst = true }), S(new Segment(1u << 31, []) { Rst = true }), Out(),
            Cp(1, DivergenceReason.Control)),
        new("32 RST on both at other places", P(new Segment(1000, []) { Rst = true }), S(new Segment(1010, []) { Rst = true }),
            Out(new Segment(1000, []) { Rst = true }), Cp(0)),
        new("32 RST on both at other places: the connection has ended", P(A), S(A), P(RstAfterA), S(RstAfterA with { Sequence = 1110 }), P(SynAck),
            S(SynAck), P(At(2, 'B')), S(At(2, 'B')), Out(A, RstAfterA, SynAck, At(2, 'B')), Wait(10_000), Cp(0), Verified(4)),
        new("33 port reuse, and the new streams differ", P(At(500000, 'A')), S(At(500000, 'A')), P(SynAck with { Sequence = 100 }),
            S(SynAck with { Sequence = 100 }), P(At(101, 'B')), S(At(101, 'C')),
            Out(At(500000, 'A'), SynAck with { Sequence = 100 }), Cp(1, DivergenceReason.Payload, 0)),
        new("33 port reuse, and the new numbers are half a circle away", S(At(500000, 'A')), S(SynAck with { Sequence = 0x80000000 }),
            S(At(0x80000001, 'B')), P(SynAck with { Sequence = 0x80000000 }, At(0x80000001, 'B')),
            Out(SynAck with { Sequence = 0x80000000 }, At(0x80000001, 'B')), Wait(10_000), Cp(0)),
        new("33a the last ACK of the connection before, behind the secondary's next SYN", P(A), S(A), S(LastAck, NextSyn),
            P(LastAck), Out(A, LastAck), P(NextSyn), Out(A, LastAck, NextSyn), Wait(10_000), Cp(0)),
        new("33a a keepalive of the connection before, behind the secondary's next SYN", P(SynAck), S(SynAck), P(At(2, 'A')),
            S(At(2, 'A')), S(GarbageByte, NextSyn), P(GarbageByte, NextSyn), Out(SynAck, At(2, 'A'), GarbageByte, NextSyn),
            Wait(10_000), Cp(0)),
        new("33a what the secondary's next SYN acknowledges does not count in the connection before", P(A), S(A), S(NextSynAhead),
            P(LastAck), Out(A), S(LastAck), Out(A, LastAck), P(NextSynAhead), Out(A, LastAck, NextSynAhead), Wait(10_000), Cp(0)),
        new("33a an overtaken ACK of the secondary does not count in the next connection", P(SynAck), S(SynAck),
            S(NextSyn, LastAck), P(LastAck, NextSyn, NextAck), Out(SynAck, LastAck, NextSyn), S(NextAck),
            Out(SynAck, LastAck, NextSyn, NextAck), Wait(10_000), Cp(0)),
        new("33a the primary's next SYN is overtaken by data", P(A), S(A), S(NextSyn, NextData), P(NextData), Out(A, NextData),
            P(NextSyn), Out(A, NextData, NextSyn), Wait(10_000), Cp(0)),
        new("33a strict compares no window of the connection before with that of the next SYN", P(A), S(A),
            S(LastAck, NextSyn with { Window = 7 }), P(LastAck), Out(A, LastAck), P(NextSyn with { Window = 7 }),
            Out(A, LastAck, NextSyn with { Window = 7 }), Wait(10_000), Cp(0))
        {
            Options = options => options with { Strict = [ToleratedField.Window] },
        },
        new("33a strict compares no window of the next SYN with that of an overtaken ACK", P(A), S(A),
            S(NextSyn with { Window = 7 }, LastAck), P(LastAck, NextSyn with { Window = 7 }),
            Out(A, LastAck, NextSyn with { Window = 7 }), Wait(10_000), Cp(0))
        {
            Options = options => options with { Strict = [ToleratedField.Window] },
        },
        new("a segment beyond any window is dropped", S(A), S(At(1000 + (1u << 30), 'Z')), Dropped(DropReason.SecondaryOutOfWindow, 1),
            P(A), Out(A), Wait(10_000), Cp(0)),
        new("34 port reuse seen on the primary only", P(At(500000, 'A')), S(At(500000, 'A')), P(SynAck with { Sequence = 100 }),
            S(At(500100, 'B')), Out(At(500000, 'A')), S(SynAck with { Sequence = 100 }), P(At(101, 'C')),
            Out(At(500000, 'A'), SynAck with { Sequence = 100 }), S(At(101, 'C')),
            Out(At(500000, 'A'), SynAck with { Sequence = 100 }, At(101, 'C')), Wait(10_000), Cp(0)),
        new("35 Fast Open", P(SynAck with { Payload = A.Payload }), S(SynAck), Out(), S(At(2, 'A')),
            Out(SynAck with { Payload = A.Payload }), Cp(0)),
        new("36 URG and its pointer differ", P(A with { UrgentPointer = 5 }), S(A), Out(A with { UrgentPointer = 5 }), Tolerated(ToleratedField.Urgent, 1), Cp(0)),
        new("36 strict promotes URG", P(A with { UrgentPointer = 5 }), S(A), Out(), Cp(1, DivergenceReason.Header))
        {
            Options = options => options with { Strict = [ToleratedField.Urgent] },
        },
        new("37 mid-stream, the primary begins with old bytes", P(Middle(950)), S(Middle(1000)), Out(), Wait(30), Out(Middle(950)),
            Unverified(UnverifiedReason.Unseen, 1), P(At(1100, 'B')), S(At(1100, 'B')), Out(Middle(950), At(1100, 'B')), Wait(10_000), Cp(0)),
        new("37 mid-stream, the primary begins with old bytes and goes on apart", P(Middle(900, 100), Middle(1000)), S(Middle(1000)), Out(), Wait(30),
            Out(Middle(900, 100), Middle(1000)), Unverified(UnverifiedReason.Unseen, 1), Verified(1), Wait(10_000), Cp(0)),
        new("37 mid-stream, the secondary begins with old bytes", P(Middle(1000)), S(Middle(950)), Out(Middle(1000)), Wait(10_000), Cp(0)),
        new("37 mid-stream, the secondary was only late", P(Middle(950, 50), Middle(1000)), S(Middle(1000)), Wait(10), S(Middle(950, 50)),
            Out(Middle(950, 50), Middle(1000)), Verified(2), Wait(10_000), Cp(0)),
        new("37 mid-stream, the overlap differs", P(Middle(950)), S(Middle(1000).Flipped(9)), Wait(30), Out(), Cp(1, DivergenceReason.Payload, 59)),
        new("37 after a checkpoint both begin at the same place", P(A), Checkpointed, P(B, C), S(C), Wait(2000), Out(A), Cp(0), S(B), Out(A, B, C)),
        new("37 after a checkpoint nothing is said again that stood before it, a retransmission or not", P(A, B), S(A, B), P(A), Checkpointed, P(B),
            Out(A, B, A, B), Cp(0)),
        new("38 the primary's checksum is full, the secondary's partial", P(A), S(A with { Checksum = 0x0F0F }), Out(A),
            Tolerated(ToleratedField.Checksum, 1), Cp(0)),
        new("39 the primary's checksum is wrong and the payload differs", P(A with { Checksum = 0xBAD }), S(A.Flipped(5)), Out(),
            Cp(1, DivergenceReason.Payload, 5)),
        new("39 the primary's checksum is wrong", P(A with { Checksum = 0xBAD }), S(A), Out(A with { Checksum = 0xBAD }), Tolerated(ToleratedField.Checksum, 1),
            Cp(0)),
        new("89 a bare FIN against one with data", P(A), P(FinAfterA), S(AndFin), Out(A, FinAfterA), Cp(0)),
        new("90 the greatest ACK never falls", S(AckOnly), S(Acking(1)), P(AckOnly), Out(AckOnly), Cp(0)),
        new("91 padded ACKs do not hide a difference", P(Padded(100)), S(Padded(100)), P(new Segment(100, "abc"u8.ToArray())),
            S(new Segment(100, "xyz"u8.ToArray())), Out(Padded(100)), Cp(1, DivergenceReason.Payload, 0)),
        new("92 both repeat themselves", P(A), S(A), S(A), S(new Segment(1100, [1])), P(A), Out(A, A), Wait(2000), Cp(0),
            P(new Segment(1100, [1])), Out(A, A, new Segment(1100, [1])), Cp(0)),
        new("95 the same hole on both sides", P(A), S(A), P(C), S(C), Out(A, C), Wait(10_000), Cp(0)),
        new("95 what fills the hole has to be said by both", P(A), S(A), P(C), S(C), P(B), Wait(2000), Out(A, C), S(B), Out(A, C, B), Cp(0)),
    ];

    private static byte[] Timestamps => [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(TestBench.SmallOptions with { Shards = shards });

    private static Segment At(uint sequence, char letter) => new(sequence, Fill(letter));

    private static Segment Acking(uint ack) => AckOnly with { Ack = ack };

    private static Segment Probe(uint sequence) => new(sequence, [(byte)(sequence < 1100 ? 'A' : 'B')]);

    private static Segment Padded(uint sequence) => new(sequence, []) { PadTo = 60 };

    /// <summary>A part of A.</summary>
    private static Segment Inner => new(1040, A.Payload[40..60]);

    private static Segment Overlapping() => new(1050, [.. A.Payload[50..], .. B.Payload[..50]]);

    private static void Pieces(TestBench bench)
    {
        byte[] stream = new byte[20_000];
        Random random = new(5);
        random.NextBytes(stream);
        // A stream across the wrap of sequence numbers, in pieces of different lengths.
        Segment whole = new(uint.MaxValue - 7000, stream);
        int[] edges = [0, .. Enumerable.Range(1, stream.Length - 1).OrderBy(_ => random.Next()).Take(999).Order(), stream.Length];
        Segment[] pieces = [.. edges.Zip(edges.Skip(1)).Select(e => new Segment(whole.Sequence + (uint)e.First, stream[e.First..e.Second]))];
        P(whole)(bench);
        S([.. pieces.OrderBy(_ => random.Next())])(bench);
        Out(whole)(bench);
        S([.. pieces.OrderBy(_ => random.Next())])(bench);
        Assert.That(bench.Sum(c => c.SecondaryRepeated), Is.EqualTo(1000));
        Wait(10_000)(bench);
        Cp(0)(bench);
    }

    /// <summary>Both sides send the same segments in 40 flows, one after the other.</summary>
    private static void SayInManyFlows(TestBench bench, params Segment[] segments)
    {
        for (ushort port = 1; port <= 40; port++)
        {
            foreach (Segment segment in segments)
            {
                P(segment with { DestinationPort = port })(bench);
                S(segment with { DestinationPort = port })(bench);
            }
        }
    }

    /// <summary>The stream's bytes from a position on, by default up to 1100; each position has another content.</summary>
    private static Segment Middle(uint sequence, uint count = 0) =>
        new(sequence, [.. Enumerable.Range((int)sequence, (int)(count == 0 ? 1100 - sequence : count)).Select(i => (byte)(i * 7))]);

    private static byte[] Offer(ushort segmentSize, byte windowScale) =>
        [2, 4, (byte)(segmentSize >> 8), (byte)segmentSize, 1, 3, 3, windowScale];

    private static byte[] Sack(byte start) => [1, 1, 5, 10, 0, 0, 0, start, 0, 0, 0, 9];

    private static Packet[] Cut(Segment segment, int size) =>
    [
        .. segment.Payload.Chunk(size).Select((part, i) => new Segment(segment.Sequence + (uint)(i * size), part)),
    ];
}
