// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Pipelines;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>Commands of an operator while frames flow.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class OrderScenarios(int shards)
{
    private static readonly Datagram One = new("one");
    private static readonly Datagram Two = new("two");

    private static readonly Action<TestBench> RequestCheckpoint = Ordered(path => path.RequestCheckpoint());
    private static readonly Action<TestBench> Flush = Ordered(path => path.Flush());
    private static readonly Action<TestBench> Observe = Ordered(path => path.SetMode(CompareMode.Observe));
    private static readonly Action<TestBench> Lockstep = Ordered(path => path.SetMode(CompareMode.Lockstep));

    private static readonly Scenario[] Rows =
    [
        new("a checkpoint is asked for as for a divergence", P(A), RequestCheckpoint, Cp(1, CheckpointCause.Order), Asked(1), Out(), RequestCheckpoint, Cp(1),
            Checkpointed, Out(A), P(B), S(B), Out(A, B), RequestCheckpoint, Cp(2)),
        new("a flush lets out what is held, unverified, and compares afresh", P(A, One), Flush, Out(A, One), Unverified(UnverifiedReason.Order, 2), P(B), Out(A, One),
            S(B), Out(A, One, B), Verified(1), Wait(10_000), Cp(0)),
        new("a flush forgives what the secondary still says of the time before", P(A), S(B), Flush, S(A), P(B), S(B), Out(A, B), Cp(0)),
        new("a flush between a datagram and its twin is no difference", S(One), Flush, P(One, Two), S(Two), Out(), Wait(30), Out(One, Two), Verified(1),
            Unverified(UnverifiedReason.Unseen, 1), Wait(10_000), Cp(0)),
        new("a flush between a segment and its twin is no difference", P(A), S(A, B), Flush, P(B, C), S(C), Out(A), Wait(30), Out(A, B, C), Verified(2),
            Unverified(UnverifiedReason.Unseen, 1), Wait(10_000), Cp(0)),
        new("a datagram whose twin a flush has dropped, and that nothing follows, leaves at its time", S(One), Flush, P(One), Wait(10_000), Out(One), Cp(0)),
        new("segments whose twins a flush has dropped, and that nothing follows, leave together at their time", S(A, B, C), Flush, P(A, B, C),
            Wait(2900), Out(), Wait(1200), Out(A, B, C), Unverified(UnverifiedReason.Unseen, 3), Cp(0)),
        new("what differs after that counts", S(One), Flush, Wait(30), P(One), S(Two), Wait(30), Out(), Cp(1)),
        new("a flush does not answer a request", P(A), S(A.Flipped(1)), Cp(1), Flush, Out(A), Wait(3010), Asked(2), Checkpointed, Wait(3010), Asked(2)),
        new("a flush while both stand for a checkpoint waits for that", P(A), S(A.Flipped(1)), Happens(CheckpointEvent.Began), Flush, Out(), Checkpointed, Out(A),
            Unverified(UnverifiedReason.Checkpoint, 1)),
        new("to observe: what is held leaves, and all that comes; differences are told and nobody is asked", P(A, One), Observe, Out(A, One), P(B), Out(A, One, B),
            S(B), Verified(1), Wait(30), P(Two), S(One), Wait(30), Out(A, One, B, Two), Cp(1, DivergenceReason.Payload), Asked(0)),
        new("to observe and back with frames still unjudged", Observe, P(A, One), Out(A, One), Lockstep, Cp(1, CheckpointCause.Order), Checkpointed, P(B),
            Out(A, One), S(B), Out(A, One, B), Verified(1)),
        new("to observe while a request stands: it is forgotten", P(A), S(A.Flipped(1)), Asked(1), Observe, Out(A), Wait(10_000), Asked(1)),
        new("the mode that it has changes nothing", P(A), Lockstep, Out(), S(A), Out(A), Cp(0)),
        new("from observe to lockstep: a checkpoint mends what diverged meanwhile", P(A), S(A.Flipped(1)), Lockstep, Asked(1), P(B), Out(A), Checkpointed, Out(A, B),
            P(C), S(C), Out(A, B, C), Verified(1))
        {
            Options = options => options with { Mode = CompareMode.Observe },
        },
    ];

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(TestBench.SmallOptions with { Shards = shards });

    [Test]
    public void Without_a_requester_a_mode_begins_at_once_and_a_checkpoint_cannot_be_ordered()
    {
        using TestBench bench = new(TestBench.SmallOptions with { Shards = shards, Mode = CompareMode.Observe }, new NoCheckpoints());
        P(A)(bench);
        S(A.Flipped(1))(bench);
        Cp(1, DivergenceReason.Payload)(bench);
        Lockstep(bench);
        P(B)(bench);
        Out(A)(bench);
        S(B)(bench);
        Out(A, B)(bench);
        RequestCheckpoint(bench);
        Cp(1)(bench);
        bench.StopAndCheckNothingLost();
    }

    private static Action<TestBench> Ordered(Action<FramePath> order) => bench =>
    {
        order(bench.Path);
        bench.Poll();
    };
}
