// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>The rows in which one of the two replicas is lost: 84 and 85 of the page of scenarios.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class ProtectionScenarios(int shards)
{
    private static readonly Datagram One = new("one");
    private static readonly Datagram Two = new("two");
    private static readonly Datagram Three = new("three");
    private static readonly Action<TestBench> LinkDown = bench => { bench.Secondary.HasLink = false; bench.Poll(); };
    private static readonly Action<TestBench> LinkUp = bench => { bench.Secondary.HasLink = true; bench.Poll(); };

    private static readonly Action<TestBench> Absent = bench => { bench.Path.Gate.NoteBypass(); bench.Poll(); };

    /// <summary>Frames that were in flight when both replicas were stopped have arrived.</summary>
    private static readonly Action<TestBench> Settled = bench => bench.Jump(1);

    /// <summary>A segment with a lower acknowledgment number than the connection before.</summary>
    private static readonly Segment Later = new(1100, []) { Ack = 100 };

    private static readonly Action<TestBench> Bypassed = bench => { bench.Primary.IsBypassed = true; bench.Poll(); };
    private static readonly Action<TestBench> BackAgain = bench => { bench.Primary.IsBypassed = false; bench.Poll(); };

    private static Action<TestBench> Reported(int count) => bench => Assert.That(bench.Reports, Has.Count.EqualTo(count), "reports");

    private static readonly Scenario[] Rows =
    [
        new("84 failover to the primary during a hold: flush, then bypass", P(One, A), Out(), FailOver(Side.Primary), OutAnyOrder(One, A),
            P(Two), S(Three), OutAnyOrder(One, A, Two), Unverified(UnverifiedReason.Failover, 3), Dropped(DropReason.SecondaryAlone, 1),
            Wait(10_000), Cp(0)),
        new("84 failover while a checkpoint is asked for", P(A), S(A.Flipped(1)), Cp(1), FailOver(Side.Primary), Out(A), Checkpointed, P(B), Out(A, B),
            Stands(Protection.PrimaryAlone)),
        new("85 the secondary's port goes down: one CP, then bypass", P(One), Out(), LinkDown, Stands(Protection.DegradedNoSecondary), Out(One),
            Cp(1, CheckpointCause.SecondaryLink), P(A, Two), OutAnyOrder(One, A, Two), Unverified(UnverifiedReason.SecondaryLost, 3), Wait(2000), Cp(1)),
        new("85 it is back before the checkpoint has finished: that one protects again", P(A), LinkDown, LinkUp, P(B), Out(A, B), S(B),
            Stands(Protection.DegradedNoSecondary), Checkpointed, Stands(Protection.InStep), P(C), Out(A, B), S(C), Out(A, B, C), Wait(10_000), Cp(1)),
        new("85 it is back after the checkpoint has finished: another one protects again", P(A), LinkDown, Checkpointed, Stands(Protection.DegradedNoSecondary), P(B),
            Out(A, B), LinkUp, Cp(2), Stands(Protection.DegradedNoSecondary), Checkpointed, Stands(Protection.InStep), P(C), Out(A, B), S(C), Out(A, B, C),
            Wait(10_000), Cp(2)),
        new("85 it is back while both stand for the checkpoint: what is said then waits for its end", P(A), LinkDown, Out(A), Happens(CheckpointEvent.Began),
            Settled, LinkUp, S(B, C), P(B), Out(A), Checkpointed, Out(A, B), Stands(Protection.InStep), P(C), Out(A, B, C), Verified(2), Wait(10_000), Cp(1)),
        new("85 it is back while both stand for a checkpoint that fails: what is said then leaves", LinkDown, Happens(CheckpointEvent.Began), Settled, LinkUp,
            P(B), Out(), Happens(CheckpointEvent.Failed), Out(B), Unverified(UnverifiedReason.SecondaryLost, 1)),
        new("85 the link and the hypervisor tell of the same loss: one report", LinkDown, Happens(CheckpointEvent.SecondaryLost), LinkUp, Reported(1), Cp(1),
            Checkpointed, Stands(Protection.InStep), Happens(CheckpointEvent.SecondaryLost), Reported(2), Cp(2)),
        new("85 the same while ColoWire only observes", LinkDown, Happens(CheckpointEvent.SecondaryLost), Reported(1), Cp(1), LinkUp,
            Stands(Protection.InStep), Happens(CheckpointEvent.SecondaryLost), Reported(2), Cp(2))
        {
            Options = options => options with { Mode = CompareMode.Observe },
        },
        new("frames went past while nobody took them: one CP, and a new epoch when it has finished", P(A), S(B), Absent, Cp(1, CheckpointCause.Absence),
            Stands(Protection.InStep), Absent, Cp(1), Checkpointed, Out(A), P(C), S(C), Out(A, C), Wait(10_000), Cp(1)),
        new("a connection that began while frames went past has its own acknowledgments", P(A), S(A),
            Out(A), Absent, Checkpointed, P(Later), Wait(100), Out(A), S(Later),
            Out(A, Later), Cp(1)),
        new("the same before that is mended by a checkpoint", P(A), S(A), Out(A), Absent, P(Later), Wait(100), Out(A), S(Later), Out(A, Later), Cp(1)),
        new("what was held when frames went past waits for the checkpoint", P(A, B), S(A), Out(A), Absent, S(B), Out(A), Wait(1000), Out(A), Checkpointed,
            Out(A, B), Unverified(UnverifiedReason.Checkpoint, 1), Cp(1)),
        new("frames of the primary go past: not protected; what comes is compared; one CP when they come again", P(A), Bypassed,
            Stands(Protection.Bypassed), Cp(0), S(A), Out(A), LinkDown, Stands(Protection.Bypassed), LinkUp, BackAgain,
            Stands(Protection.DegradedNoSecondary), Cp(1), Checkpointed, Stands(Protection.InStep), P(B), S(B), Out(A, B)),
        new("the same with the secondary there all the time", Bypassed, Stands(Protection.Bypassed), BackAgain, Stands(Protection.InStep),
            Cp(1, CheckpointCause.Absence), P(A), S(A), Out(A), Checkpointed, P(B), S(B), Out(A, B), Cp(1)),
        new("85 secondary_loss=hold: nothing leaves before both are in step again", P(A), LinkDown, P(B), Wait(2000), Out(), LinkUp, Wait(2000), Out(),
            Checkpointed, Out(A, B), P(C), S(C), Out(A, B, C), Wait(10_000), Cp(1))
        {
            Options = options => options with { SecondaryLoss = SecondaryLossPolicy.Hold },
        },
        new("85 secondary_loss=hold: what differs is no news while nobody is in step", P(One), LinkDown, S(Two), Wait(10_000), Out(), Cp(1), LinkUp,
            Checkpointed, Out(One), Cp(1))
        {
            Options = options => options with { SecondaryLoss = SecondaryLossPolicy.Hold },
        },
    ];

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(Options);

    private EngineOptions Options => TestBench.SmallOptions with { Shards = shards };

    [Test]
    public void Scenario_85_without_a_requester_it_is_compared_again_as_soon_as_it_is_back()
    {
        using TestBench bench = new(Options, new NoCheckpoints());
        LinkDown(bench);
        P(A)(bench);
        Out(A)(bench);
        LinkUp(bench);
        Stands(Protection.InStep)(bench);
        P(B)(bench);
        Out(A)(bench);
        S(A, B)(bench);
        Out(A, B)(bench);
        bench.Wait(10_000);
        Cp(1, CheckpointCause.SecondaryLink)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Absence_without_a_requester_begins_an_epoch_at_once()
    {
        using TestBench bench = new(Options, new NoCheckpoints());
        P(A)(bench);
        Out()(bench);
        Absent(bench);
        Out(A)(bench);
        P(B)(bench);
        Out(A)(bench);
        S(B)(bench);
        Out(A, B)(bench);
        Cp(1, CheckpointCause.Absence)(bench);
        Assert.That(bench.Path.Guest.Epoch, Is.EqualTo(1));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Absence_without_a_requester_forgives_frames_whose_twins_went_past_while_the_ports_opened()
    {
        using TestBench bench = new(Options, new NoCheckpoints());
        Absent(bench);
        P(One, A)(bench);
        S(Two, B.Flipped(0))(bench);
        Out()(bench);
        bench.Wait(20);
        OutAnyOrder(One, A)(bench);
        Assert.That(bench.Path.Guest.Epoch, Is.EqualTo(2));
        Assert.That(bench.Sum(counters => counters.Divergences.ToArray().Sum()), Is.Zero);
        P(Three)(bench);
        S(Three)(bench);
        OutAnyOrder(One, A, Three)(bench);
        bench.Wait(10_000);
        Cp(1, CheckpointCause.Absence)(bench);
    }

    [TestCase(CompareMode.Lockstep)]
    [TestCase(CompareMode.Observe)]
    public void Scenario_84_failover_to_the_secondary_drops_what_the_primary_waits_with_and_goes_on_from_its_own(CompareMode mode)
    {
        using TestBench bench = new(Options with { Mode = mode });
        bool observes = mode == CompareMode.Observe;
        P(A)(bench);
        S(A, B, One, Two)(bench);
        bench.SendPrimaryInVain(C.Bytes());
        FailOver(Side.Secondary)(bench);
        Dropped(DropReason.PrimaryFailover, observes ? 0 : 1)(bench);
        bench.SendPrimaryInVain(Three.Bytes());
        bench.SendPrimaryInVain([2, 0, 0, 0, 0, 99, 2, 0, 0, 0, 0, 1, 8, 6, 1, 2]);
        S(C)(bench);
        Dropped(DropReason.PrimaryFailover, observes ? 2 : 3)(bench);
        OutAnyOrder(observes ? [A, C, B, One, Two, C] : [A, B, One, Two, C])(bench);
        Assert.That(bench.Sum(c => c.SecondaryReleased), Is.EqualTo(4));
        Cp(0)(bench);
        bench.Path.BeginStop();
        bench.Poll();
        Assert.That(bench.Path.IsDrained, Is.True, "a slot was not returned");
    }

    [Test]
    public void Scenario_84_the_secondary_goes_on_for_as_long_as_it_likes()
    {
        using TestBench bench = new(Options with { SlotsPerSide = 128 });
        FailOver(Side.Secondary)(bench);
        Datagram[] all = [.. Enumerable.Range(0, 1000).Select(i => new Datagram($"number {i}"))];
        S(all)(bench);
        Out(all)(bench);
    }

    private static Action<TestBench> FailOver(Side side) => bench =>
    {
        bench.Path.FailOverTo(side);
        bench.Poll();
    };

    private static Action<TestBench> OutAnyOrder(params Packet[] packets) => bench => Assert.That(
        bench.Output.Frames.Select(Convert.ToHexString).Order(),
        Is.EqualTo(packets.Select(p => Convert.ToHexString(p.Bytes())).Order()));
}
