// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>
/// TCP sequence numbers that serial arithmetic (RFC 1982) cannot order because they are 2^31 or more apart: any process in a
/// guest that may open a raw socket can send them, and a long stream reaches them without such a process.
/// </summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class CircleScenarios(int shards)
{
    private const uint Half = 1u << 31;

    private const uint OwnIsn = 3_000_000_000;

    private static readonly Segment SynAck = new(999, []) { Syn = true };
    private static readonly Segment OwnSynAck = SynAck with { Sequence = OwnIsn };

    /// <summary>A segment of an earlier connection between the same ports, nearer to the stream than the greatest
    /// window.</summary>
    private static readonly Segment Stray = new(1000 + (1 << 29), Fill('Y'));
    private static readonly Segment BehindStray = Stray with { Sequence = Stray.Sequence + 100 };

    private static readonly Segment Acknowledging = new(1100, []) { Ack = 8000 };

    private static readonly Segment Full = new(1000, Fill('A', 1400));

    private static readonly Scenario[] Rows =
    [
        new("a byte half the circle away from what is kept meets nothing of it", Both(Full, Far(1700, 1)), P(Full), Wait(2000), Cp(0), S(Full),
            Out(Full, Far(1700, 1), Full), Wait(10_000), Cp(0)),
        new("what both said half the circle away is all that is remembered", Both(Full, Far(1700, 1)), S(At(2500, 'X')), P(Full), S(Full),
            Out(Full, Far(1700, 1), Full), P(At(2500, 'X')), Out(Full, Far(1700, 1), Full, At(2500, 'X')), Cp(0)),
        new("what was verified half the circle away joins nothing to what was not", Both(At(0, 'A', 1), Far(50, 1), At(100, 'B')),
            P(At(1, 'C', 50)), Wait(2900), Out(At(0, 'A', 1), Far(50, 1), At(100, 'B')), Cp(0), Wait(1100), Cp(1, DivergenceReason.Timeout)),
        new("a FIN half the circle away closes nothing here", Both(A), Both(Far(1150, 0) with { Fin = true }), P(B), Wait(2000),
            Out(A, Far(1150, 0) with { Fin = true }), Cp(0), S(B), Out(A, Far(1150, 0) with { Fin = true }, B), Wait(10_000), Cp(0)),
        new("a RST half the circle away resets nothing here", P(A), S(A, Far(1150, 0) with { Rst = true }), P(B), Wait(2000), Out(A), S(B), Out(A, B),
            Wait(4000), Cp(1, DivergenceReason.Control)),
        new("a byte of the secondary half the circle away is no beginning of what it says", S(At(1200, 'C')), S(Far(1300, 1)), P(A), Wait(30),
            Cp(1, DivergenceReason.Position)),
        new("a segment of another connection moves nothing that a checkpoint shares", Both(A), P(Stray), Checkpointed, Out(A, Stray), P(B), Out(A, Stray), S(B),
            Out(A, Stray, B), Verified(2)),
        new("two in a row are where the stream goes on", Both(A), P(Stray, BehindStray), Checkpointed, Out(A, Stray, BehindStray), P(Stray),
            Out(A, Stray, BehindStray, Stray), Cp(0)),
        new("a segment of another connection of the primary shares no acknowledgment", Both(A), P(Stray with { Ack = 9000 }), Checkpointed,
            Out(A, Stray with { Ack = 9000 }), P(Acknowledging), Out(A, Stray with { Ack = 9000 }), S(Acknowledging),
            Out(A, Stray with { Ack = 9000 }, Acknowledging)),
        new("a segment of another connection of the secondary acknowledges nothing", Both(A), S(Stray with { Ack = 9000 }), P(Acknowledging), Out(A),
            S(Acknowledging), Out(A, Acknowledging)),
        new("a SYN that answers another one opens another connection", P(SynAck), S(OwnSynAck with { Ack = 1_000_000 }), Out(), S(SynAck), Out(SynAck)),
        new("a segment overtaken by a SYN says nothing of the secondary's numbers", P(SynAck), S(OwnSynAck, Stray, A with { Sequence = OwnIsn + 1 }),
            P(A), Out(SynAck, A), Cp(0)),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(TestBench.SmallOptions with { Shards = shards });

    /// <summary>Both sides send the same segments, the primary first.</summary>
    private static Action<TestBench> Both(params Segment[] segments) => bench =>
    {
        foreach (Segment segment in segments)
        {
            P(segment)(bench);
            S(segment)(bench);
        }
    };

    private static Segment At(uint sequence, char letter, int count = 100) => new(sequence, Fill(letter, count));

    private static Segment Far(uint sequence, int count) => new(sequence + Half, Fill('Z', count));
}
