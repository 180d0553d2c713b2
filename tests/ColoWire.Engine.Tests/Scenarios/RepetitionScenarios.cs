// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>TCP: bytes that both sides retransmit with the same values are no difference, even where the first copy had other
/// values; and segments with RST.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class RepetitionScenarios(int shards)
{
    private static readonly Segment Changed = A.Flipped(57);

    /// <summary>The position of the last byte of A, with another value.</summary>
    private static readonly Segment Garbage = new(1099, [0]);

    private static readonly Segment AThenB = A with { Payload = [.. A.Payload, .. B.Payload] };

    private static readonly Segment SynAck = new(1, []) { Syn = true };

    private static readonly Segment RstText = new(1100, Fill('r', 27)) { Rst = true };

    private static readonly Segment SynRst = new(5, []) { Syn = true, Rst = true, HasAck = false };

    private static readonly Segment FinRst = new(1100, []) { Fin = true, Rst = true };

    private static readonly Scenario[] Rows =
    [
        new("8 both change alike, the primary first", P(A), S(A), P(Changed), Wait(10), Out(A), S(Changed), Out(A, Changed),
            Tolerated(ToleratedField.ConflictingRetransmission, 1), Wait(10_000), Cp(0)),
        new("8 both change alike, the secondary first", P(A), S(A, Changed), Wait(500), P(Changed), Out(A, Changed),
            Tolerated(ToleratedField.ConflictingRetransmission, 1), Wait(10_000), Cp(0)),
        new("8 both change alike, the secondary is all of it ahead", S(A, Changed), P(A, Changed), Out(A, Changed),
            Tolerated(ToleratedField.ConflictingRetransmission, 1), Wait(10_000), Cp(0)),
        new("8 both change alike and then say the first again", P(A), S(A), P(Changed), S(Changed), P(A), S(A), Out(A, Changed, A),
            Tolerated(ToleratedField.ConflictingRetransmission, 2), Wait(10_000), Cp(0)),
        new("8 both change alike, cut otherwise", P(A, B), S(A, B), P(AThenB.Flipped(57).Flipped(150)), S(Changed), Wait(10), Out(A, B), S(B.Flipped(50)),
            Out(A, B, AThenB.Flipped(57).Flipped(150)), Tolerated(ToleratedField.ConflictingRetransmission, 1), Wait(10_000), Cp(0)),
        new("8 both change alike, and what follows is new", P(A), S(A), P(AThenB.Flipped(57)), Out(A), S(AThenB.Flipped(57)), Out(A, AThenB.Flipped(57)),
            Wait(10_000), Cp(0)),
        new("8 both change, each otherwise", P(A), S(A), P(Changed), S(A.Flipped(58)), Wait(30), Out(A), Cp(1, DivergenceReason.Retransmit, 57)),
        new("8 the secondary changes too late", P(A), S(A), P(Changed), Wait(30), S(Changed), Out(A), Cp(1, DivergenceReason.Retransmit, 57)),
        new("8 only the secondary changes what it says again", P(A), S(A, Changed), Tolerated(ToleratedField.SecondaryOverlap, 1), P(A), Out(A, A), Wait(10_000), Cp(0)),
        new("97 a keepalive of both with one garbage byte", P(A), S(A), Wait(500), P(Garbage), Out(A), S(Garbage), Out(A, Garbage),
            Tolerated(ToleratedField.Keepalive, 1), Wait(10_000), Cp(0)),
        new("97 a keepalive of both with one garbage byte, the secondary's first, ten times", P(A), S(A), Wait(500), S(Garbage), P(Garbage), S(Garbage),
            P(Garbage), Out(A, Garbage, Garbage), Tolerated(ToleratedField.Keepalive, 2), Tolerated(ToleratedField.SecondaryOverlap, 1), Wait(10_000), Cp(0)),
        new("97 a keepalive of the primary only, when nothing was said for a second", P(A), S(A), Wait(1000), P(Garbage), Out(A), Wait(30), Out(A, Garbage),
            Tolerated(ToleratedField.Keepalive, 1), P(B), S(B), Out(A, Garbage, B), Wait(10_000), Cp(0)),
        new("97 a keepalive of the primary only, soon after data", P(A), S(A), Wait(500), P(Garbage), Wait(30), Out(A),
            Cp(1, DivergenceReason.Retransmit, 0)),
        new("97 an old byte that is not the last one is no keepalive", P(A), S(A), Wait(1000), P(new Segment(1098, [0])), Wait(30), Out(A),
            Cp(1, DivergenceReason.Retransmit, 0)),
        new("97 one byte beyond is data", P(A), S(A), Wait(1000), P(new Segment(1100, [0])), Wait(30), Out(A), Cp(0), S(new Segment(1100, [0])),
            Out(A, new Segment(1100, [0])), Cp(0)),
        new("97 a keepalive that acknowledges what the secondary has not still waits for that", P(A), S(A), Wait(1000), P(Garbage with { Ack = 6000 }),
            Wait(100), Out(A), S(new Segment(1100, []) { Ack = 6000 }), Out(A, Garbage with { Ack = 6000 }), Wait(10_000), Cp(0)),
        new("32 a RST with a text on both", P(A), S(A), P(RstText), Out(A), S(RstText), Out(A, RstText), Wait(10_000), Cp(0)),
        new("32 a RST with a text on both, the secondary's first", P(A), S(A, RstText), P(RstText, RstText), Out(A, RstText, RstText), Wait(10_000), Cp(0)),
        new("32 a RST with another text", P(A), S(A, RstText.Flipped(5)), P(RstText), Out(A), Cp(1, DivergenceReason.Payload)),
        new("32 a RST with a text on one side only", P(A), S(A, RstText with { Payload = [] }), P(RstText), Out(A), Cp(1, DivergenceReason.Payload)),
        new("32 the text of a RST takes no numbers of the stream", P(A), S(A), P(RstText), S(RstText), Checkpointed, P(B.Flipped(0)), Wait(2000),
            Out(A, RstText), S(B.Flipped(0)), Out(A, RstText, B.Flipped(0)), Cp(0)),
        new("32 SYN and RST in one on both", P(SynRst), Out(), S(SynRst), Out(SynRst), Wait(10_000), Cp(0)),
        new("32 SYN and RST in one opens nothing", P(SynRst), S(SynRst), P(SynAck), Out(SynRst), S(SynAck), P(new Segment(2, A.Payload)),
            S(new Segment(2, A.Payload)), Out(SynRst, SynAck, new Segment(2, A.Payload)), Wait(10_000), Cp(0)),
        new("32 FIN and RST in one on both", P(A), S(A), P(FinRst), Out(A), S(FinRst), Out(A, FinRst), Wait(10_000), Cp(0)),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(TestBench.SmallOptions with { Shards = shards });
}
