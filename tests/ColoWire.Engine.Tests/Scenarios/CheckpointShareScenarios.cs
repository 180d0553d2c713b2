// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.RequesterFault;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>
/// A guest that puts a random byte into each packet causes a checkpoint request with each: <c>checkpoint_interval_ms</c> bounds
/// how often the guest is stopped, <c>checkpoint_share</c> how often one flow may be the reason.
/// </summary>
public sealed class CheckpointShareScenarios
{
    private const int Share = 10;
    private const int PacketPauseMs = 10;
    private const int GraceMs = 20;

    /// <summary>How long a flow that has used up its share stays unverified, in milliseconds.</summary>
    private const int UnverifiedMs = (int)(EngineLimits.CheckpointShareNs / 1_000_000);

    private static readonly EngineOptions Unbounded = TestBench.SmallOptions with { CheckpointIntervalMs = 0, CheckpointShare = 0 };

    [TestCase(0, 0, false, 100, 300, TestName = "{m}(as often as it likes)")]
    [TestCase(0, 0, true, 100, 300, TestName = "{m}(as often as it likes, on a flow of its own each time)")]
    [TestCase(100, 0, false, 30, 60, TestName = "{m}(once in 100 ms)")]
    [TestCase(100, 0, true, 30, 60, TestName = "{m}(once in 100 ms, on a flow of its own each time)")]
    [TestCase(0, Share, false, Share, Share, TestName = "{m}(as often as its share allows)")]
    [TestCase(100, Share, false, Share, Share + 1, TestName = "{m}(as often as its share allows, once in 100 ms)")]
    public void A_random_byte_in_each_packet_makes_checkpoints_for_six_seconds(int intervalMs, int share, bool manyFlows, int least, int most)
    {
        FailingRequester requester = Answering();
        using TestBench bench = new(Unbounded with { CheckpointIntervalMs = intervalMs, CheckpointShare = share }, requester);
        for (int ms = 0; ms < 6000; ms += PacketPauseMs)
        {
            Differ(bench, (ushort)(manyFlows ? 1000 + (ms / PacketPauseMs) : 1000), ms);
            bench.Wait(PacketPauseMs);
        }

        TestContext.Out.WriteLine($"{requester.AskedAtNs.Count} checkpoints in 6 s");
        Assert.That(requester.AskedAtNs, Has.Count.InRange(least, most));
        long[] pausesMs = [.. requester.AskedAtNs.Zip(requester.AskedAtNs.Skip(1), (earlier, later) => (later - earlier) / 1_000_000)];
        Assert.That(pausesMs.Min(), Is.GreaterThanOrEqualTo(intervalMs), "least time between two requests");
        bench.Wait(intervalMs);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void The_defaults_bound_both() => Assert.That(
        (new EngineOptions().CheckpointIntervalMs, new EngineOptions().CheckpointShare), Is.EqualTo((100, Share)));

    [Test]
    public void A_flow_that_has_used_up_its_share_leaves_unverified_is_reported_once_and_all_others_are_compared()
    {
        using TestBench bench = new(Unbounded with { CheckpointShare = Share }, Answering());
        UseUpShare(bench);
        int reported = bench.Reports.Count;
        long unverified = KeepsDiffering(bench);
        int left = bench.Output.Frames.Count;
        for (int i = 0; i < 5; i++)
        {
            Differ(bench, 1000, i);
        }

        Assert.That(bench.Output.Frames, Has.Count.EqualTo(left + 5), "frames of the flow leave at once");
        Assert.That(KeepsDiffering(bench), Is.EqualTo(unverified + 5));
        Assert.That(bench.Reports, Has.Count.EqualTo(reported), "the flow is not reported a second time");
        Assert.That(bench.Reports.Count(report => report.ExceedsShare), Is.EqualTo(1));
        Assert.That(bench.Reports[^1].ExceedsShare, Is.True);
        Assert.That(bench.Path.Guest.Protection, Is.EqualTo(Protection.InStep));

        bench.SendPrimary(A.Bytes());
        Assert.That(bench.Output.Frames, Has.Count.EqualTo(left + 5), "another flow is held");
        bench.SendSecondary(A.Bytes());
        Assert.That(bench.Output.Frames[^1], Is.EqualTo(A.Bytes()));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void When_its_time_is_over_its_next_frame_waits_for_a_checkpoint_and_is_compared_from_then_on()
    {
        FailingRequester requester = Answering();
        using TestBench bench = new(Unbounded with { CheckpointShare = Share }, requester);
        UseUpShare(bench);
        bench.Wait(UnverifiedMs - 100);
        Differ(bench, 1000, 1);
        Assert.That(requester.AskedAtNs, Has.Count.EqualTo(Share), "the flow is still unverified");
        bench.Wait(100);
        bench.SendPrimary(Packet(1000, "said by both").Bytes());
        bench.Wait(PacketPauseMs);
        Assert.That(requester.AskedAtNs, Has.Count.EqualTo(Share + 1));
        Assert.That(bench.Reports[^1].Cause, Is.EqualTo(CheckpointCause.ComparedAgain));
        bench.SendPrimary(Packet(1000, "held").Bytes());
        Assert.That(bench.Output.Frames[^1], Is.EqualTo(Packet(1000, "said by both").Bytes()));
        bench.Wait(100);
        bench.SendSecondary(Packet(1000, "held").Bytes());
        Assert.That(bench.Output.Frames[^1], Is.EqualTo(Packet(1000, "held").Bytes()), "compared");

        Differ(bench, 1000, 2);
        bench.Wait(100);
        Assert.That(requester.AskedAtNs, Has.Count.EqualTo(Share + 1), "the flow differs again and is unverified at once");
        Assert.That(bench.Reports[^1].ExceedsShare, Is.True);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void A_checkpoint_for_another_reason_has_it_compared_again_too()
    {
        FailingRequester requester = Answering();
        using TestBench bench = new(Unbounded with { CheckpointShare = Share }, requester);
        UseUpShare(bench);
        Differ(bench, 2000, 1);
        bench.Wait(2 * GraceMs);
        Assert.That(requester.AskedAtNs, Has.Count.EqualTo(Share + 1));
        bench.Wait(100);
        int left = bench.Output.Frames.Count;
        bench.SendPrimary(Packet(1000, "held").Bytes());
        Assert.That(bench.Output.Frames, Has.Count.EqualTo(left));
        bench.SendSecondary(Packet(1000, "held").Bytes());
        Assert.That(bench.Output.Frames, Has.Count.EqualTo(left + 1));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void A_flow_that_differs_less_often_than_its_share_allows_waits_for_a_checkpoint_each_time()
    {
        FailingRequester requester = Answering();
        using TestBench bench = new(Unbounded with { CheckpointShare = Share }, requester);
        for (int i = 0; i < 60; i++)
        {
            Differ(bench, 1000, i);
            bench.Wait((UnverifiedMs / Share) + PacketPauseMs);
        }

        Assert.That(requester.AskedAtNs, Has.Count.EqualTo(60));
        Assert.That(KeepsDiffering(bench), Is.Zero);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void A_flow_that_floods_without_an_answer_uses_up_its_share_as_well()
    {
        FailingRequester requester = Answering();
        using TestBench bench = new(Unbounded with { CheckpointShare = Share, MaxQueueSize = 4 }, requester);
        for (int i = 0; i < 1000; i++)
        {
            bench.SendPrimary(Packet(1000, $"flood {i}").Bytes());
            bench.Wait(PacketPauseMs);
        }

        Assert.That(requester.AskedAtNs, Has.Count.InRange(Share, Share + 2));
        Assert.That(KeepsDiffering(bench), Is.Positive);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void What_an_operator_orders_does_not_wait_for_the_interval()
    {
        FailingRequester requester = Answering();
        using TestBench bench = new(Unbounded with { CheckpointIntervalMs = 60_000 }, requester);
        Differ(bench, 1000, 1);
        bench.Wait(100);
        Differ(bench, 1000, 2);
        bench.Wait(1000);
        Assert.That(requester.AskedAtNs, Has.Count.EqualTo(1));
        bench.Path.RequestCheckpoint();
        bench.Wait(PacketPauseMs);
        Assert.That(requester.AskedAtNs, Has.Count.EqualTo(2));
        bench.Wait(100);
        Assert.That(bench.Sum(counters => counters.Held), Is.Zero);
        bench.StopAndCheckNothingLost();
    }

    private static FailingRequester Answering() => new(new RequesterFault("answers at once") { OnRequest = [Says(CheckpointEvent.Completed)] });

    private static Datagram Packet(ushort port, string text) => new(text) { SourcePort = port };

    private static long KeepsDiffering(TestBench bench) => bench.Sum(counters => counters.Unverified[(int)UnverifiedReason.KeepsDiffering]);

    private static void Differ(TestBench bench, ushort port, int number)
    {
        bench.SendPrimary(Packet(port, $"p{number}").Bytes());
        bench.SendSecondary(Packet(port, $"s{number}").Bytes());
    }

    private static void UseUpShare(TestBench bench)
    {
        for (int i = 0; i <= Share; i++)
        {
            Differ(bench, 1000, i);
            // The suspect has been resolved, the checkpoint has finished, and the frames that the secondary sent before it are no
            // longer expected.
            bench.Wait(3 * GraceMs);
        }

        Assert.That(KeepsDiffering(bench), Is.Positive);
    }
}
