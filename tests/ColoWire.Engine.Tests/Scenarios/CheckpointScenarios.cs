// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Shards;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>The rows that concern checkpoints: which frames leave, which flows go on, and which frames arrive too late for a
/// checkpoint.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class CheckpointScenarios(int shards)
{
    private static readonly Datagram One = new("one");
    private static readonly Datagram Two = new("two");
    private static readonly Datagram Three = new("three");
    private static readonly Segment NextSyn = new(500_000, []) { Syn = true, Ack = 7001 };
    private static readonly Segment NextAck = new(500_001, []) { Ack = 8000 };
    private static readonly Segment SameSyn = new(799, []) { Syn = true };
    private static readonly Segment SameData = new(800, C.Payload);

    private static readonly Scenario[] Rows =
    [
        new("82 a straggler 5 ms after the checkpoint, a datagram", P(One), S(Two), Wait(30), Cp(1), Checkpointed, Out(One), Wait(5), S(Three), Wait(10_000),
            Cp(1), Dropped(DropReason.SecondaryStale, 1)),
        new("82 a straggler that others overtake", P(One), Checkpointed, Wait(5), S(Three), Wait(30), P(Two), S(Two), Out(One, Two), Wait(2000), Cp(0),
            Dropped(DropReason.SecondaryStale, 1)),
        new("82 a straggler 5 ms after the checkpoint, TCP", P(A), S(A.Flipped(1)), Cp(1), Checkpointed, Out(A), Wait(5), S(B.Flipped(0)), P(B),
            Dropped(DropReason.SecondaryStale, 1), Out(A), S(B), Out(A, B), Wait(10_000), Cp(1)),
        new("82 a straggler that the new secondary contradicts", P(A), Checkpointed, Wait(5), S(B.Flipped(0)), Wait(30), S(B), P(B), Out(A, B),
            Dropped(DropReason.SecondaryStale, 1), Wait(10_000), Cp(0)),
        new("82 a straggler that ends what goes on", P(A), Checkpointed, Wait(5), S(new Segment(1100, []) { Fin = true }), Wait(10_000), Cp(0)),
        new("82 a straggler that opens another connection acknowledges nothing in this one", P(A), Checkpointed, Wait(5),
            S(NextSyn), Wait(10_000), Cp(0), P(Acking(6000)), Out(A), S(Acking(6000)), Out(A, Acking(6000)), Cp(0)),
        new("82 a difference after the stragglers' time", P(A), Checkpointed, Wait(30), S(B.Flipped(0)), P(B), Out(A), Cp(1, DivergenceReason.Payload)),
        new("33 an old ACK that the secondary's new SYN has overtaken acknowledges nothing in the next connection", P(A), S(A), S(NextSyn),
            S(new Segment(1100, []) { Ack = 9000 }), P(NextSyn, NextAck), Out(A, NextSyn), S(NextAck), Out(A, NextSyn, NextAck), Wait(10_000), Cp(0)),
        new("33 what the secondary says behind its new SYN is new, even where the connection before had the same numbers", P(A), Checkpointed, Wait(30),
            S(SameSyn, SameData), P(SameSyn, SameData), Out(A, SameSyn, SameData), Wait(10_000), Cp(0)),
        new("81 a checkpoint while the third is half verified", P(A, B, C), S(C with { Payload = C.Payload[..50] }), Checkpointed, Out(A, B, C),
            bench => Assert.That(bench.Path.Guest.Epoch, Is.EqualTo(1)),
            Dropped(DropReason.SecondaryUnmatched, 1)),
        new("81 a checkpoint while of three only half of the third is missing", P(A, B, C), S(A, B, C with { Payload = C.Payload[..50] }), Out(A, B),
            Checkpointed, Out(A, B, C), Verified(2), Unverified(UnverifiedReason.Checkpoint, 1),
            bench => Assert.That(bench.Sum(c => c.SecondaryHeld), Is.Zero), bench => Assert.That(bench.Path.Guest.Epoch, Is.EqualTo(1)), Cp(0)),
        new("94 what the secondary said before a checkpoint comes after it", P(A), S(A.Flipped(1)), Checkpointed, Wait(5), S(A.Flipped(2)), P(B), S(B),
            Out(A, B), Wait(10_000), Cp(1)),
        new("83 a checkpoint twice", P(A), Checkpointed, Checkpointed, Out(A), P(B), S(B), Out(A, B), Cp(0)),
        new("83 a divergence while a request stands merges with it", P(One), S(Two), Wait(30), Cp(1), P(A), S(A.Flipped(0)), Cp(1), Checkpointed,
            bench => Assert.That(bench.Output.Frames, Has.Count.EqualTo(2)), Wait(10_000), Asked(1)),
        new("after a checkpoint both streams go on from the primary's", P(A), S(A.Flipped(1)), P(B), Checkpointed, Out(A, B), P(C), S(C),
            Out(A, B, C), P(A), Out(A, B, C, A), Cp(1)),
        new("a diverged flow asks once, however much it sends", P(One), S(Two), Wait(30), P(Two, Three), S(One, Three), Wait(500), Cp(1), Checkpointed,
            Out(One, Two, Three)),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(Options);

    private static Segment Acking(uint ack) => new(1100, []) { Ack = ack };

    private EngineOptions Options => TestBench.SmallOptions with { Shards = shards };

    [Test]
    public void Scenario_33_the_SYN_of_the_next_connection_is_shared_by_a_checkpoint_and_nothing_of_the_one_before_counts()
    {
        using TestBench bench = new(Options);
        Segment old = new(500_000, A.Payload) { Ack = 9000 };
        Segment synAck = new(1000, []) { Syn = true, Ack = 100 };
        Segment next = new(1001, B.Payload) { Ack = 200 };
        P(old)(bench);
        S(old)(bench);
        bench.Checkpoint();
        // The capture takes the SYN before it reads the second checkpoint, the shard after that.
        bench.QueuePrimary(synAck.Bytes());
        bench.Path.Pipelines[0].PrimaryCapture.Poll(bench.NowNs);
        bench.Requester.Happen(CheckpointEvent.Completed);
        bench.Path.Gate.Poll(bench.NowNs);
        P(next)(bench);
        Out(old, synAck)(bench);
        S(new Segment(1001, []) { Ack = 150 })(bench);
        Out(old, synAck)(bench);
        S(new Segment(1001, []) { Ack = 200 })(bench);
        Out(old, synAck)(bench);
        S(next)(bench);
        Out(old, synAck, next)(bench);
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Scenario_82_and_94_a_secondary_frame_of_the_old_epoch_is_dropped_as_stale()
    {
        using TestBench bench = new(Options);
        // The gate reads the checkpoint after the captures of the same round have polled: the frames that they took have the old
        // epoch.
        bench.QueuePrimary(A.Bytes());
        bench.Secondary.Feed(A.Flipped(0).Bytes());
        bench.Path.Pipelines[0].PrimaryCapture.Poll(bench.NowNs);
        bench.Path.Pipelines[0].SecondaryCapture.Poll(bench.NowNs);
        bench.Requester.Happen(CheckpointEvent.Completed);
        bench.Path.Gate.Poll(bench.NowNs);
        bench.Poll();
        Out(A)(bench);
        Dropped(DropReason.SecondaryStale, 1)(bench);
        Assert.That(bench.Sum(c => c.Unverified[(int)UnverifiedReason.StaleEpoch]), Is.EqualTo(1));
        P(A, B)(bench);
        S(B)(bench);
        Out(A, A, B)(bench);
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Scenario_82_and_94_frames_of_the_old_epoch_are_told_apart_in_a_flow_that_was_in_step_as_well()
    {
        using TestBench bench = new(Options);
        P(A)(bench);
        S(A)(bench);
        bench.QueuePrimary(B.Bytes());
        bench.Secondary.Feed(B.Bytes());
        bench.Path.Pipelines[0].PrimaryCapture.Poll(bench.NowNs);
        bench.Path.Pipelines[0].SecondaryCapture.Poll(bench.NowNs);
        bench.Requester.Happen(CheckpointEvent.Completed);
        bench.Path.Gate.Poll(bench.NowNs);
        bench.Poll();
        Out(A, B)(bench);
        Unverified(UnverifiedReason.StaleEpoch, 1)(bench);
        Dropped(DropReason.SecondaryStale, 1)(bench);
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Scenario_33_a_RST_of_the_connection_before_the_checkpoint_acknowledges_nothing_in_the_one_that_the_secondary_has_begun()
    {
        using TestBench bench = new(Options);
        Segment[] before = [.. Enumerable.Repeat(A, EngineLimits.BatchFrames), new Segment(1100, []) { Rst = true, Ack = 9000 }];
        Segment syn = new(500_000, []) { Syn = true, Ack = 7001 };
        Segment ahead = new(500_001, []) { Ack = 8000 };
        // The checkpoint has finished, and the shard takes the secondary's SYN before the last of the frames that the primary
        // sent before the checkpoint.
        TakeTooLate(bench, before, syn);
        P(syn, ahead)(bench);
        Out([.. before, syn])(bench);
        S(ahead with { Ack = 7500 })(bench);
        Out([.. before, syn])(bench);
        S(ahead)(bench);
        Out([.. before, syn, ahead])(bench);
        bench.Wait(10_000);
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Scenario_33_a_SYN_of_before_the_checkpoint_that_the_secondary_has_repeated_since_is_matched()
    {
        using TestBench bench = new(Options);
        Segment syn = new(500_000, []) { Syn = true, Ack = 7001 };
        Segment rst = new(500_101, []) { Rst = true };
        Segment data = new(500_001, A.Payload);
        Segment[] before = [.. Enumerable.Repeat(A, EngineLimits.BatchFrames), syn];
        TakeTooLate(bench, before, syn);
        P(data)(bench);
        S(data, rst)(bench);
        P(rst)(bench);
        Out([.. before, data, rst])(bench);
        bench.Wait(10_000);
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    /// <summary>The shard takes frames of before a checkpoint after it has read the checkpoint, the last of these frames after
    /// the secondary's next one.</summary>
    private static void TakeTooLate(TestBench bench, Segment[] before, Segment secondary)
    {
        foreach (Segment segment in before)
        {
            bench.QueuePrimary(segment.Bytes());
        }

        while (bench.Path.Pipelines[0].PrimaryCapture.Poll(bench.NowNs) != 0)
        {
        }

        bench.Requester.Happen(CheckpointEvent.Completed);
        bench.Path.Gate.Poll(bench.NowNs);
        S(secondary)(bench);
    }

    [Test]
    public void Scenario_83_a_divergence_that_races_with_a_checkpoint_asks_for_no_second_one()
    {
        using TestBench bench = new(Options);
        bench.QueuePrimary(A.Bytes());
        bench.Secondary.Feed(A.Flipped(0).Bytes());
        bench.Path.Pipelines[0].PrimaryCapture.Poll(bench.NowNs);
        bench.Path.Pipelines[0].SecondaryCapture.Poll(bench.NowNs);
        foreach (Shard shard in bench.Path.Shards)
        {
            shard.Poll(bench.NowNs);
        }

        // The report waits on the ring to the gate when the gate reads the checkpoint, which has resolved the reported
        // divergence.
        Assert.That(bench.Sum(c => c.Divergences[(int)DivergenceReason.Payload]), Is.EqualTo(1));
        Checkpointed(bench);
        Out(A)(bench);
        P(B)(bench);
        S(B)(bench);
        Out(A, B)(bench);
        bench.Wait(10_000);
        Cp(0)(bench);
        Asked(0)(bench);
        bench.StopAndCheckNothingLost();
    }
}
