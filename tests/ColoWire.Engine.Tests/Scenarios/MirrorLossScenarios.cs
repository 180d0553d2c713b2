// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.ClientWords;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>Scenario 109: frames of clients that the port of a replica does not take; with one shard and with three.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class MirrorLossScenarios(int shards)
{
    private static readonly Segment AnswerOfSecondary = ToSecondary(Answer);

    private static readonly Scenario[] Rows =
    [
        new("109 TCP: no acknowledgment leaves, the client sends again, both recover",
            [.. Opened, SecondaryTakes(0), W(Request), Wait(50), SecondaryTakes(int.MaxValue), P(Answer), Out(SynAck),
            ToP(Syn, Ack, Request), ToS(Syn, ToSecondary(Ack)), Missed(0, 1), Wait(200), W(Request), S(AnswerOfSecondary),
            ToS(Syn, ToSecondary(Ack), ToSecondary(Request)), Out(SynAck, Answer), Wait(4000), Cp(0)]),
        new("109 the protection says so while it lasts",
            [.. Opened, Stands(Protection.InStep), SecondaryTakes(0), W(Request), Wait(10), Stands(Protection.InStep), Wait(40),
            Stands(Protection.DegradedMirrorLoss), SecondaryTakes(int.MaxValue), W(Request), Wait(900),
            Stands(Protection.DegradedMirrorLoss), Wait(100), Stands(Protection.InStep), Cp(0)]),
        new("109 a checkpoint ends it",
            [.. Opened, SecondaryTakes(0), W(Request), Wait(50), SecondaryTakes(int.MaxValue),
            Stands(Protection.DegradedMirrorLoss), Checkpointed, Stands(Protection.InStep)]),
        new("109 the frames are compared meanwhile",
            [.. Opened, SecondaryTakes(0), W(Ack), Wait(50), Stands(Protection.DegradedMirrorLoss),
            P(Answer with { Ack = 5000 }), Out(SynAck), S(AnswerOfSecondary with { Ack = 5000 }),
            Out(SynAck, Answer with { Ack = 5000 }), Cp(0)]),
        new("109 a reset behind bytes that the secondary has missed ends nothing",
            [.. Opened, SecondaryTakes(0), W(Request), Wait(50), SecondaryTakes(int.MaxValue), P(Answer), W(Reset), Out(SynAck),
            Wait(4000), Cp(1, DivergenceReason.Timeout)]),
        new("109 the same where the primary has missed them",
            [.. Opened, PrimaryTakes(0), W(Request), Wait(50), PrimaryTakes(int.MaxValue), Missed(1, 0), S(AnswerOfSecondary),
            W(Reset), Wait(4000), Cp(1, DivergenceReason.Timeout)]),
        new("109 the bytes come again before the reset",
            [.. Opened, SecondaryTakes(0), W(Request), Wait(50), SecondaryTakes(int.MaxValue), P(Answer), W(Request), W(Reset),
            Out(SynAck, Answer), Wait(4000), Cp(0)]),
        new("109 a reset that was accepted before the loss was known ends nothing",
            [.. Opened, SecondaryTakes(0), W(Request, Reset), P(Answer), Out(SynAck, Answer), Wait(50),
            SecondaryTakes(int.MaxValue), S(AnswerOfSecondary), Wait(4000), Cp(1, DivergenceReason.Timeout)]),
        new("109 a reset that the secondary has missed ends nothing",
            [.. Opened, W(Request), SecondaryTakes(0), W(Reset), Wait(50), SecondaryTakes(int.MaxValue), S(AnswerOfSecondary),
            Wait(4000), Cp(1, DivergenceReason.Timeout)]),
        new("109 a reset is accepted although an acknowledgment before it was missed",
            [.. Opened, W(Request), SecondaryTakes(0), W(Client(5100, 2001)), Wait(50), SecondaryTakes(int.MaxValue),
            S(AnswerOfSecondary), W(Reset), Wait(4000), Cp(0)]),
        new("109 what the port itself has lost",
            [.. Opened, SecondaryLoses(1), W(Request), Missed(0, 1), P(Answer), W(Reset), Out(SynAck), Wait(4000),
            Cp(1, DivergenceReason.Timeout)]),
        new("109 UDP: a checkpoint by difference",
            SecondaryTakes(0), W(Query), Wait(50), SecondaryTakes(int.MaxValue), Missed(0, 1), Cp(0), P(Response), Wait(4000),
            Cp(1, DivergenceReason.Timeout)),
    ];

    private static Datagram Query => new(Fill('q'))
    {
        Source = [10, 0, 0, 99],
        Destination = [10, 0, 0, 1],
        MacSource = ClientMac,
        MacDestination = GuestMac,
    };

    private static Datagram Response => new(Fill('r'));

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(TestBench.SmallOptions with { Shards = shards, Inbound = InboundMode.Mirror });

    private static Action<TestBench> SecondaryTakes(int frames) => bench => bench.ToSecondary.FramesPerCall = frames;

    private static Action<TestBench> PrimaryTakes(int frames) => bench => bench.ToPrimary.FramesPerCall = frames;

    private static Action<TestBench> SecondaryLoses(int frames) => bench => bench.ToSecondary.LosesNext = frames;

    private static Action<TestBench> Missed(int primary, int secondary) => bench => Assert.That(
        (bench.Path.Pipelines[0].Inbound!.ToPrimary.Missed, bench.Path.Pipelines[0].Inbound!.ToSecondary.Missed),
        Is.EqualTo((primary, secondary)), "frames that the primary and the secondary have missed");
}
