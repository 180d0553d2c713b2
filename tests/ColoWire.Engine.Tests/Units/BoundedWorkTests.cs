// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

/// <summary>For all frames and options, a poll and a frame cost a bounded number of steps (R8).</summary>
internal sealed class BoundedWorkTests
{
    private const int ManyFrames = EngineLimits.StepsPerPoll + (EngineLimits.StepsPerPoll / 2);

    /// <summary>Steps that a poll may take beyond its bound: the step that reaches the bound may build an index.</summary>
    private const int LastStep = EngineLimits.IndexedAtOnce + EngineLimits.BatchFrames;

    private static readonly EngineOptions Large = TestBench.SmallOptions with
    {
        SlotsPerSide = 4 * ManyFrames,
        Flows = 4 * ManyFrames,
        MaxQueueSize = 2 * ManyFrames,
        ReorderWindow = EngineLimits.ReorderWindow.Maximum,
        GraceMs = EngineLimits.GraceMs.Maximum,
        CompareTimeoutMs = EngineLimits.CompareTimeoutMs.Maximum,
    };

    [Test]
    public void A_flush_reaches_many_flows_in_many_polls_and_no_frame_overtakes_what_its_flow_held()
    {
        using TestBench bench = new(Large);
        byte[][] held = [.. Enumerable.Range(0, ManyFrames).Select(i => Of(i, "held").Bytes())];
        Run(bench, () => Array.ForEach(held, bench.QueuePrimary));
        byte[] newest = Of(ManyFrames - 1, "new").Bytes();
        Cost cost = Run(bench, () =>
        {
            bench.Path.Flush();
            bench.Path.Poll(bench.NowNs);
            bench.QueuePrimary(newest);
        });
        Assert.That(cost.MostPerPoll, Is.LessThanOrEqualTo(EngineLimits.StepsPerPoll));
        Assert.That(cost.Total, Is.GreaterThan(EngineLimits.StepsPerPoll), "the work does not fit into one poll");
        Assert.That(bench.Counters.Unverified[(int)UnverifiedReason.Order], Is.EqualTo(ManyFrames));
        Run(bench, () => bench.Secondary.Feed(newest));
        Assert.That(bench.Counters.Verified, Is.EqualTo(1));
        List<string> left = [.. bench.Output.Frames.Select(Convert.ToHexString)];
        Assert.That(left.IndexOf(Convert.ToHexString(newest)), Is.GreaterThan(left.IndexOf(Convert.ToHexString(held[^1]))));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Of_several_flushes_the_first_one_says_why_a_frame_left()
    {
        using TestBench bench = new(Large);
        Run(bench, () => Repeat(ManyFrames, i => bench.QueuePrimary(Of(i, "held").Bytes())));
        bench.Path.Flush();
        bench.Path.Poll(bench.NowNs);
        bench.Path.Poll(bench.NowNs);
        bench.Path.BeginStop();
        Run(bench, () => { });
        Assert.That(bench.Counters.Unverified[(int)UnverifiedReason.Order], Is.EqualTo(ManyFrames));
        bench.StopAndCheckNothingLost();
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_flow_that_holds_more_than_a_poll_can_let_out_leaves_in_its_order(bool ofOrder)
    {
        using TestBench bench = new(Large with { MaxQueueSize = ManyFrames });
        Cost cost = Run(bench, () =>
        {
            Repeat(ManyFrames, i => bench.QueuePrimary(Of(0, $"{i}").Bytes()));
            if (!ofOrder)
            {
                bench.QueuePrimary(Of(0, "too many").Bytes());
            }
        });
        if (ofOrder)
        {
            cost = Run(bench, bench.Path.Flush);
        }

        Assert.That(cost.MostPerPoll, Is.LessThanOrEqualTo(EngineLimits.StepsPerPoll));
        Assert.That(bench.Counters.Held, Is.Zero);
        UnverifiedReason reason = ofOrder ? UnverifiedReason.Order : UnverifiedReason.Overflow;
        Assert.That(bench.Counters.Unverified[(int)reason], Is.EqualTo(ManyFrames + (ofOrder ? 0 : 1)));
        AssertInOrder(bench, i => Of(0, $"{i}"), ManyFrames);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void What_is_judged_all_at_once_takes_several_polls()
    {
        using TestBench bench = new(Large);
        Run(bench, () => Repeat(ManyFrames, i => bench.QueuePrimary(Of(0, $"{i}").Bytes())));
        Cost before = Run(bench, () => Repeat(ManyFrames - 1, i => bench.Secondary.Feed(Of(0, $"{i + 1}").Bytes())));
        Assert.That(bench.Output.Frames, Is.Empty);
        Cost cost = Run(bench, () => bench.Secondary.Feed(Of(0, "0").Bytes()));
        Assert.That(Math.Max(before.MostPerPoll, cost.MostPerPoll), Is.LessThanOrEqualTo(EngineLimits.StepsPerPoll + LastStep));
        Assert.That(bench.Counters.Verified, Is.EqualTo(ManyFrames));
        AssertInOrder(bench, i => Of(0, $"{i}"), ManyFrames);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void In_a_take_over_nothing_overtakes_what_waited_in_flows_that_it_has_not_reached()
    {
        using TestBench bench = new(Large);
        Run(bench, () => Repeat(ManyFrames, i => bench.Secondary.Feed(Of(i, "waits").Bytes())));
        Cost cost = Run(bench, () =>
        {
            bench.Path.FailOverTo(Side.Secondary);
            bench.Path.Poll(bench.NowNs);
            bench.Secondary.Feed(Of(ManyFrames - 1, "new").Bytes());
        });
        Assert.That(cost.MostPerPoll, Is.LessThanOrEqualTo(EngineLimits.StepsPerPoll));
        List<string> left = [.. bench.Output.Frames.Select(Convert.ToHexString)];
        Assert.That(left, Has.Count.EqualTo(ManyFrames + 1));
        Assert.That(left[^1], Is.EqualTo(Convert.ToHexString(Of(ManyFrames - 1, "new").Bytes())));
    }

    [TestCase(0)]
    [TestCase(ManyFrames - 1)]
    public void Slots_that_run_out_are_not_searched_for_among_more_flows_than_a_poll_can_visit(int holder)
    {
        using TestBench bench = new(Large with { SlotsPerSide = 256, Overflow = OverflowPolicy.Flush });
        Repeat(ManyFrames, i => Both(bench, Of(i, "known").Bytes()));
        Run(bench, () => { });
        Cost cost = Run(bench, () => Repeat(512, i => bench.QueuePrimary(Of(holder, $"{i}").Bytes())));
        Assert.That(cost.MostPerPoll, Is.LessThanOrEqualTo(EngineLimits.StepsPerPoll));
        Assert.That(bench.Counters.Unverified[(int)UnverifiedReason.Overflow], Is.Positive);
        bench.StopAndCheckNothingLost();
    }

    [TestCase(OverflowPolicy.Flush)]
    [TestCase(OverflowPolicy.Hold)]
    public void A_search_for_a_flow_to_forget_meets_each_busy_one_once(OverflowPolicy overflow)
    {
        const int Flows = 1024;
        const int More = 256;
        using TestBench bench = new(Large with { Flows = Flows, Overflow = overflow });
        Run(bench, () => Repeat(Flows, i => bench.QueuePrimary(Of(i, "held").Bytes())));
        Cost cost = Run(bench, () => Repeat(More, i => bench.QueuePrimary(Of(Flows + i, "held").Bytes())));
        Assert.That(cost.Total, Is.LessThanOrEqualTo(Flows + (4 * More)));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void A_flow_that_stood_aside_is_forgotten_once_it_is_idle()
    {
        const int Flows = 16;
        using TestBench bench = new(Large with { Flows = Flows, CompareTimeoutMs = 3000 });
        Repeat(Flows, i => bench.SendPrimary(Of(i, "held").Bytes()));
        // No flow is idle: every flow that eviction looks at is set aside, and the first one is evicted.
        bench.SendPrimary(Of(Flows, "held").Bytes());
        Assert.That(bench.Counters.Unverified[(int)UnverifiedReason.Overflow], Is.EqualTo(1));
        bench.SendSecondary(Of(5, "held").Bytes());
        bench.SendPrimary(Of(Flows + 1, "held").Bytes());
        Assert.That(bench.Counters.Unverified[(int)UnverifiedReason.Overflow], Is.EqualTo(1), "the idle sixth flow is evicted");
        Assert.That(bench.Counters.FlowsEvicted, Is.EqualTo(2));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void A_datagram_is_looked_for_in_what_is_kept_without_a_walk()
    {
        int window = EngineLimits.RetransmitWindow.Maximum;
        using TestBench bench = new(Large with { Duplicate = DuplicatePolicy.Pass, RetransmitWindow = window });
        Repeat(window, i => Both(bench, Of(0, $"{i}").Bytes()));
        Run(bench, () => { });
        Cost cost = Run(bench, () =>
        {
            bench.QueuePrimary(Of(0, "0").Bytes());
            bench.QueuePrimary(Of(0, "new").Bytes());
        });
        Assert.That(cost.Total, Is.LessThanOrEqualTo(8));
        Run(bench, () => bench.Secondary.Feed(Of(0, "new").Bytes()));
        Assert.That(bench.Counters.Unverified[(int)UnverifiedReason.Policy], Is.EqualTo(1), "the repeated datagram");
        // The oldest datagram was removed when the new one was recorded.
        Run(bench, () => bench.QueuePrimary(Of(0, "0").Bytes()));
        Assert.That(bench.Counters.Held, Is.EqualTo(1));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void A_segment_that_the_primary_repeats_is_looked_for_in_what_is_kept_without_a_walk()
    {
        const int Repeated = 16;
        int window = EngineLimits.RetransmitWindow.Maximum;
        using TestBench bench = new(Large with { RetransmitWindow = window, GraceMs = 20 });
        Repeat(window, i => Both(bench, At(i).Bytes()));
        Run(bench, () => bench.QueuePrimary(At(7).Bytes()));
        Cost ofRepeated = Run(bench, () => Repeat(Repeated, i => bench.QueuePrimary(At(i * 100).Bytes())));
        Cost ofNew = Run(bench, () => Repeat(Repeated, i => Both(bench, At(window + i).Bytes())));
        Cost ofBoth = Run(bench, () => Repeat(Repeated, i => bench.QueuePrimary(At((i * 100) + Repeated).Bytes())));
        Assert.That((bench.Counters.Held, bench.Reports.Count), Is.EqualTo((0, 0)));
        Assert.That(new[] { ofRepeated.Total, ofNew.Total, ofBoth.Total }, Has.All.LessThanOrEqualTo(Repeated * 64));

        bench.SendPrimary(At(100).Flipped(3).Bytes());
        bench.Wait(100);
        Assert.That(bench.Reports.Select(report => report.Divergence.Reason), Is.EqualTo([DivergenceReason.Retransmit]));
        bench.StopAndCheckNothingLost();

        static Segment At(int number) => new((uint)number * 100, Words.Fill((char)('a' + (number % 20))));
    }

    [Test]
    public void Kept_segments_from_all_around_the_circle_are_looked_at_one_by_one()
    {
        using TestBench bench = new(Large with { RetransmitWindow = 64, GraceMs = 20 });
        Repeat(64, i => Both(bench, At(i).Bytes()));
        bench.SendPrimary(At(63).Bytes());
        Assert.That(bench.Counters.Held, Is.Zero);
        bench.SendPrimary(At(63).Flipped(3).Bytes());
        bench.Wait(100);
        Assert.That(bench.Reports.Select(report => report.Divergence.Reason), Is.EqualTo([DivergenceReason.Retransmit]));
        bench.StopAndCheckNothingLost();

        static Segment At(int number) => new(((uint)number * 100) + ((uint)(number % 4) << 30), Words.Fill((char)('a' + (number % 20))));
    }

    [Test]
    public void Segments_beyond_the_window_are_not_searched_for_a_place_among_those_that_wait()
    {
        const int Waiting = 1000;
        using TestBench bench = new(Large);
        Run(bench, () => Repeat(Waiting, i => bench.Secondary.Feed(new Segment((uint)i * 200, Words.Fill('a')).Bytes())));
        Cost cost = Run(bench, () => Repeat(100, i => bench.Secondary.Feed(new Segment((3u << 29) + (uint)i, Words.Fill('b')).Bytes())));
        Assert.That(cost.Total, Is.LessThanOrEqualTo(200));
        Assert.That(bench.Counters.Drops[(int)DropReason.SecondaryOutOfWindow], Is.EqualTo(100));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Stragglers_still_give_way_to_what_the_new_secondary_says_beyond_their_window()
    {
        using TestBench bench = new(TestBench.SmallOptions);
        bench.Checkpoint();
        bench.SendSecondary(new Segment(1000, Words.Fill('a')).Bytes());
        bench.Wait(EngineLimits.GraceMs.Default + 10);
        Segment beyond = new(3u << 29, Words.Fill('b'));
        bench.SendSecondary(beyond.Bytes());
        Assert.That(bench.Counters.Drops[(int)DropReason.SecondaryStale], Is.EqualTo(1));
        bench.SendPrimary(beyond.Bytes());
        Assert.That(bench.Output.Frames, Has.Count.EqualTo(1));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Each_new_SYN_meets_no_more_segments_that_may_have_overtaken_it_than_a_guest_can_send()
    {
        const int Rounds = 50;
        using TestBench bench = new(Large);
        bench.SendPrimary(new Segment(0, []) { Syn = true }.Bytes());
        Run(bench, () => Repeat(1000, i => bench.Secondary.Feed(new Segment((uint)(2 * i) + 1, [1]).Bytes())));
        Run(bench, () => Alternate(bench, 0));
        Cost cost = Run(bench, () => Repeat(Rounds, i => Alternate(bench, (uint)i + 1)));
        Assert.That(cost.Total, Is.LessThanOrEqualTo(Rounds * (EngineLimits.OvertakenSynSegments + 16)));

        static void Alternate(TestBench bench, uint round)
        {
            bench.Secondary.Feed(new Segment((1u << 30) + (round << 20), []) { Syn = true }.Bytes());
            bench.Secondary.Feed(new Segment((3u << 29) + (round << 20), [1]).Bytes());
        }
    }

    [Test]
    public void Segments_in_no_order_cost_a_search_in_an_index_each()
    {
        int[] order = [.. Enumerable.Range(0, ManyFrames)];
        new Random(1).Shuffle(order);
        using TestBench bench = new(Large);
        Cost cost = Run(bench, () => Array.ForEach(order, i => bench.Secondary.Feed(new Segment((uint)i * 2, [(byte)i]).Bytes())));
        Assert.That(cost.MostPerPoll, Is.LessThanOrEqualTo(EngineLimits.StepsPerPoll + LastStep));
        Assert.That(cost.Total, Is.LessThanOrEqualTo(2 * ManyFrames));
        Assert.That(bench.Counters.SecondaryHeld, Is.EqualTo(ManyFrames));
    }

    private static Datagram Of(int flow, string word) =>
        new(word) { Source = [10, (byte)(flow >> 16), (byte)(flow >> 8), (byte)flow] };

    private static void Repeat(int count, Action<int> action)
    {
        for (int i = 0; i < count; i++)
        {
            action(i);
        }
    }

    private static void Both(TestBench bench, byte[] frame)
    {
        bench.QueuePrimary(frame);
        bench.Secondary.Feed(frame);
        bench.Path.Poll(bench.NowNs);
    }

    private static Cost Run(TestBench bench, Action feed)
    {
        feed();
        int most = 0;
        long total = 0;
        for (int idle = 0; idle < 3;)
        {
            idle = bench.Path.Poll(bench.NowNs) == 0 ? idle + 1 : 0;
            int taken = bench.Path.Shards[0].Steps.Taken;
            most = Math.Max(most, taken);
            total += taken;
        }

        return new Cost(most, total);
    }

    private static void AssertInOrder(TestBench bench, Func<int, Datagram> frame, int count) => Assert.That(
        bench.Output.Frames.Take(count).Select(Convert.ToHexString),
        Is.EqualTo(Enumerable.Range(0, count).Select(i => Convert.ToHexString(frame(i).Bytes()))));

    private readonly record struct Cost(int MostPerPoll, long Total);
}
