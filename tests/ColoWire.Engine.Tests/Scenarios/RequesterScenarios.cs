// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Checkpoint.CheckpointEvent;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>A checkpoint that reports its beginning and its end, and a requester that cannot make one.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class RequesterScenarios(int shards)
{
    private static readonly Datagram One = new("one");
    private static readonly Datagram Two = new("two");
    private static readonly Datagram Three = new("three");

    /// <summary>Both replicas are stopped, and the frames that they sent before have arrived.</summary>
    private static readonly Action<TestBench> Stop = bench =>
    {
        Happens(Began)(bench);
        bench.Jump(1);
    };

    private static readonly Func<EngineOptions, EngineOptions> Holds = options => options with { RequesterLoss = RequesterLossPolicy.Hold };

    private static readonly Func<EngineOptions, EngineOptions> Patient = options => options with { CompareTimeoutMs = 100_000 };

    private static readonly Scenario[] Rows =
    [
        new("what was held when both were stopped leaves when they run again, not before", P(A), S(A.Flipped(1)), Cp(1), Stop, Out(), Wait(60), Out(),
            Checkpointed, Out(A), Unverified(UnverifiedReason.Checkpoint, 1)),
        new("a frame that was under way when they were stopped belongs to the time before", P(A), S(A.Flipped(1)), Happens(Began), P(B), S(C), Wait(10),
            Out(), Checkpointed, Out(A, B), Unverified(UnverifiedReason.Checkpoint, 2), Dropped(DropReason.SecondaryUnmatched, 2),
            P(C), Out(A, B), S(C), Out(A, B, C), Cp(1)),
        new("the secondary runs before the primary: what it says is compared with what the primary says then", P(A), S(A.Flipped(1)), Stop,
            S(B, C), Out(), Checkpointed, Out(A), P(B, C), Out(A, B, C), Verified(2), Cp(1)),
        new("the primary runs before its checkpoint is known to be finished: its frames wait for that, and are compared", P(A), S(A.Flipped(1)), Stop,
            P(B), S(B), Wait(100), Out(), Checkpointed, Out(A, B), Verified(1), Cp(1)),
        new("what the primary says then and the secondary does not is held", P(A), S(A.Flipped(1)), Stop, P(B), Checkpointed, Out(A), Wait(100), Out(A),
            S(B.Flipped(1)), Cp(2), Checkpointed, Out(A, B)),
        new("datagrams of both sides of a checkpoint are not mixed up", P(One), S(Two), Stop, S(Three), P(Three), Checkpointed, Out(One, Three), Verified(1),
            Wait(10_000), Cp(0)),
        new("a checkpoint that nobody asked for is one all the same", P(A), Stop, S(B), Checkpointed, Out(A), P(B), Out(A, B), Cp(0), Asked(0)),
        new("a difference that shows while both stand is mended by that checkpoint", P(One), S(Two), Stop, Wait(30), Cp(0), Checkpointed, Out(One),
            Wait(10_000), Cp(0), Asked(0)),
        new("no retry while both stand", P(A), S(A.Flipped(1)), Asked(1), Stop, Wait(10_000), Asked(1), Out(), Checkpointed, Out(A)),
        new("a checkpoint that begins and fails is asked for at once", P(A), S(A.Flipped(1)), Cp(1), Stop, P(B), S(B), Happens(Failed),
            Cp(2, CheckpointCause.BrokenCheckpoint), Asked(2), Out(), Stop, Checkpointed, Out(A, B)),
        new("what was said between one that failed and the next is of the time before", P(A), S(A.Flipped(1)), Stop, Happens(Failed), P(B), S(C), Stop, S(C),
            Checkpointed, Out(A, B), Unverified(UnverifiedReason.Checkpoint, 1), Unverified(UnverifiedReason.StaleEpoch, 1), P(C), Out(A, B, C), Verified(1)),
        new("what was lost on the way before a checkpoint is shared by it as well", P(A), S(A.Flipped(1)), Stop, Happens(Failed), P(C), Stop, Checkpointed, Out(A, C),
            P(B), Out(A, C, B), Cp(2)),
        new("one that nobody asked for, too", P(A), Stop, Happens(Failed), Cp(1, CheckpointCause.BrokenCheckpoint), Checkpointed, Out(A)),
        new("told that it began twice, it began once", P(A), Stop, Stop, S(B), Checkpointed, Out(A), P(B), Out(A, B), Cp(0)),
        new("no answer, and none to two retries: degraded, and what differs leaves unverified", P(A, B), S(A.Flipped(1)), P(One), Wait(8990), Asked(3), Out(),
            Stands(Protection.InStep), Wait(20), Stands(Protection.DegradedNoCheckpoints), Out(A, B), Unverified(UnverifiedReason.AfterDivergence, 2),
            P(C), Out(A, B, C), Cp(1))
        {
            Options = Patient,
        },
        new("degraded: what agrees is still held and compared", P(A), S(A.Flipped(1)), Wait(9010), P(One), Out(A), S(One), Out(A, One), Verified(1),
            Stands(Protection.DegradedNoCheckpoints)),
        new("degraded: another difference leaves too, and asks for nothing more than what is asked for", P(A), S(A.Flipped(1)), Wait(9010), P(One),
            S(Two), Wait(30), Out(A, One), Cp(1)),
        new("degraded: it is asked for on and on, and a checkpoint ends it", P(A), S(A.Flipped(1)), Wait(9010), Asked(4), Wait(3000), Asked(5), Checkpointed,
            Stands(Protection.InStep), P(B), Out(A), S(B), Out(A, B), Verified(1), Wait(10_000), Asked(5)),
        new("degraded, requester_loss=hold: what differs waits for a checkpoint, all else goes on", P(A), S(A.Flipped(1)), Wait(20_000),
            Stands(Protection.DegradedNoCheckpoints), Out(), P(One), S(One), Out(One), Checkpointed, Out(One, A), Stands(Protection.InStep))
        {
            Options = Holds,
        },
        new("three failures are as good as no answer", P(A), S(A.Flipped(1)), Happens(Failed), Wait(3010), Asked(2), Happens(Failed), Out(), Wait(3010), Asked(3),
            Stands(Protection.InStep), Happens(Failed), Stands(Protection.DegradedNoCheckpoints), Out(A)),
        new("a failure that nobody asked for is none of our business", P(A), Happens(Failed), Stands(Protection.InStep), S(A), Out(A), Cp(0)),
        new("a requester that cannot be reached is lost after checkpoint_retry_ms, and found again, if nothing differs", Ready(false), P(A), Wait(2990),
            Stands(Protection.InStep), Wait(20), Stands(Protection.DegradedNoCheckpoints), S(A), Out(A), Ready(true), Stands(Protection.InStep), Cp(0))
        {
            Options = Patient,
        },
        new("what differs while it cannot be reached is asked for when it can", Ready(false), Wait(3010), P(A), S(A.Flipped(1)), Out(A), Cp(1), Asked(0),
            Ready(true), Asked(1), Stands(Protection.DegradedNoCheckpoints), Checkpointed, Stands(Protection.InStep), P(B), S(B), Out(A, B), Verified(1)),
        new("what differs while it is away for a moment waits for it", Ready(false), P(A), S(A.Flipped(1)), Wait(1000), Out(), Asked(0), Ready(true), Asked(1), Checkpointed,
            Out(A), Stands(Protection.InStep)),
        new("the hypervisor says that there is no secondary: as if its link were down", P(A), Happens(SecondaryLost), Out(A),
            Stands(Protection.DegradedNoSecondary), Cp(1, CheckpointCause.SecondaryLink), P(B), S(C), Out(A, B), Checkpointed,
            Stands(Protection.InStep), P(C), Out(A, B), S(C), Out(A, B, C)),
        new("there is no secondary any more in the middle of a checkpoint", P(A), S(A.Flipped(1)), Stop, P(B), Out(), Happens(SecondaryLost), Out(A, B)),
        new("nothing is asked of a requester while ColoWire only observes", P(A), Out(A), S(A.Flipped(1)), Cp(1), Asked(0), Wait(10_000), Asked(0))
        {
            Options = options => options with { Mode = CompareMode.Observe },
        },
    ];

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(TestBench.SmallOptions with { Shards = shards });

    private static Action<TestBench> Ready(bool isReady) => bench =>
    {
        bench.Requester.IsReady = isReady;
        bench.Poll();
    };
}
