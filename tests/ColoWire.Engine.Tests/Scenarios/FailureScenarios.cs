// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>
/// A duty throws, which is a fault of ColoWire: the path that replaces the failed one keeps the counters, goes on comparing, has
/// all slots, and passes the flow that caused the fault. The engine has no switch that makes it throw: instead a frame is given a
/// length that no frame can have, or a policy a prefix that no address can have, without the validation of the options.
/// </summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class FailureScenarios(int shards)
{
    private static readonly Datagram Held = new("held by another flow") { SourcePort = 54 };
    private static readonly Datagram Bad = new("bad") { Source = [10, 66, 0, 1] };
    private static readonly Segment BadSegment = new(7000, Fill('a')) { Source = Bad.Source };
    private static readonly Datagram Good = new("good") { SourcePort = 55 };

    /// <summary>A prefix longer than an address: comparing its last bit throws, for every address that begins with
    /// 10.66.0.1.</summary>
    private static readonly PolicyRule ThrowsAtBad = new(PolicyAction.Pass) { Network = new AddressPrefix([10, 66, 0, 1], 33) };

    private static readonly Failure[] Failures =
    [
        new("the capture of the primary, parsing", bench => { bench.Primary.BreaksNext = true; P(Bad)(bench); }, Lost: 2),
        new("the capture of the secondary, parsing", bench => { bench.Secondary.BreaksNext = true; S(Bad)(bench); }, Lost: 1),
        new("a shard at a frame of the primary", P(Bad), Lost: 2),
        new("a shard at a frame of the secondary", S(Bad), Lost: 1),
        new("a shard at the second of a batch", bench => { bench.QueuePrimary(Good.Bytes()); P(Bad)(bench); }, Lost: 3),
        new("a shard that judges what is held", bench => { HoldBroken(BadSegment)(bench); S(BadSegment.Flipped(9))(bench); }, Lost: 2) { IsCompared = true },
        new("a shard whose grace ends", bench => { S(Bad with { Payload = Fill('b') })(bench); HoldBroken(Bad)(bench); Wait(100)(bench); }, Lost: 2)
        {
            IsCompared = true,
        },
        new("a shard whose timeout ends", bench => { HoldBroken(Bad)(bench); Wait(10_000)(bench); }, Lost: 2) { IsCompared = true },
        new("the egress", bench => { bench.Output.BreaksNext = true; S(Held)(bench); }, Lost: 1) { HasFlow = false },
        new("the gate", bench => { bench.Requester.BreaksNext = true; bench.Poll(); }, Lost: 1) { HasFlow = false, HasFrame = false },
    ];

    private EngineOptions Options => TestBench.SmallOptions with { Shards = shards, Policies = [ThrowsAtBad] };

    [TestCaseSource(nameof(Failures))]
    public void A_failure_is_counted_and_nothing_is_sent_twice(Failure failure)
    {
        using TestBench bench = Bench(failure);
        long verified = bench.Sum(c => c.Verified);
        uint epoch = bench.Path.Guest.Epoch;
        bench.Fail(failure.Act);
        Assert.That(bench.Sum(c => c.Drops[(int)DropReason.PrimaryFailure]), Is.EqualTo(failure.Lost), "lost frames");
        Assert.That(bench.Sum(c => c.Verified), Is.AtLeast(verified), "no counter decreases");
        Assert.That(bench.Sum(c => c.Held + c.SecondaryHeld + c.Flows), Is.Zero, "no frame and no flow is left");
        Assert.That(bench.Path.Guest.Epoch, Is.GreaterThan(epoch));

        bench.Wait(10_000);
        bench.Checkpoint();
        Out(A)(bench);
        bench.StopAndCheckSlots();
    }

    [TestCaseSource(nameof(Failures))]
    public void A_failure_asks_for_one_checkpoint_and_compares_on(Failure failure)
    {
        using TestBench bench = Bench(failure);
        bench.Fail(failure.Act);
        bench.Poll();
        Cp(1)(bench);
        Assert.That(bench.Reports.Select(report => report.Cause), Does.Contain(CheckpointCause.Absence));
        bench.Checkpoint();
        P(Good)(bench);
        Out(A)(bench);
        S(Good)(bench);
        Out(A, Good)(bench);
        P(B)(bench);
        Out(A, Good)(bench);
        S(B)(bench);
        Out(A, Good, B)(bench);
        Cp(1)(bench);
        bench.StopAndCheckSlots();
    }

    [TestCaseSource(nameof(Failures))]
    public void The_flow_that_did_it_is_found_and_leaves_unverified_from_then_on(Failure failure)
    {
        using TestBench bench = Bench(failure);
        IReadOnlyList<Culprit> culprits = bench.Fail(failure.Act);
        Assert.That(culprits, Has.Count.EqualTo(failure.HasFrame ? 1 : 0));
        Assert.That(bench.Path.QuarantinedFlows, Is.EqualTo(failure.HasFlow ? 1 : 0));
        if (!failure.HasFlow)
        {
            return;
        }

        Assert.That(culprits[0].Flow.SourceAddress(), Is.EqualTo(Bad.Source));
        Assert.That(culprits[0].Frames.Select(frame => frame.Bytes[26..30]), Has.All.EqualTo(Bad.Source).And.Not.Empty);
        bench.Checkpoint();
        Packet again = culprits[0].Flow.Protocol == 6 ? BadSegment : Bad;
        P(again)(bench);
        Out(A, again)(bench);
        Unverified(UnverifiedReason.Quarantine, 1)(bench);
        S(again)(bench);
        Dropped(DropReason.SecondaryPassed, 1)(bench);
        Assert.That(bench.Sum(c => c.SecondaryHeld), Is.Zero);
        bench.StopAndCheckSlots();
    }

    [Test]
    public void What_the_flow_held_is_kept_for_both_sides()
    {
        using TestBench bench = new(Options with { Policies = [] });
        P(A, B, C)(bench);
        S(B)(bench);
        bench.Path.Pipelines[0].Arena[bench.Primary.Last].Length = -1;
        Culprit culprit = bench.Fail(bench => { S(A, C.Flipped(5))(bench); }).Single();
        Assert.That(culprit.Frames.Where(frame => frame.Side == Side.Primary).Select(frame => frame.Bytes.AsSpan(0, 154).ToArray()),
            Is.EqualTo(new[] { C.Bytes() }), "A and B had left by then");
        Assert.That(culprit.Frames.Where(frame => frame.Side == Side.Secondary).Select(frame => frame.Bytes),
            Is.EqualTo(new[] { A.Bytes(), B.Bytes(), C.Flipped(5).Bytes() }), "those that were verified are kept for a while");
    }

    [Test]
    public void Only_so_many_flows_are_kept_out_and_the_first_one_is_compared_again()
    {
        using TestBench bench = new(Options);
        for (ushort port = 1; port <= EngineLimits.QuarantinedFlows + 1; port++)
        {
            bench.Fail(P(Bad with { SourcePort = port }));
            Assert.That(bench.Path.QuarantinedFlows, Is.EqualTo(Math.Min((int)port, EngineLimits.QuarantinedFlows)));
        }

        P(Bad with { SourcePort = 2 })(bench);
        Unverified(UnverifiedReason.Quarantine, 1)(bench);
        bench.Fail(P(Bad with { SourcePort = 1 }));
    }

    [Test]
    public void Fragments_of_a_flow_that_did_it_leave_as_they_come()
    {
        using TestBench bench = new(Options);
        byte[][] first = Fragments(1);
        bench.Primary.BreaksNext = true;
        bench.Fail(bench => bench.SendPrimary(first[0]));
        Array.ForEach(Fragments(2), bench.SendPrimary);
        OutBytes(Fragments(2))(bench);
        Unverified(UnverifiedReason.Quarantine, 2)(bench);
        Array.ForEach(Fragments(2), bench.SendSecondary);
        bench.StopAndCheckSlots();

        static byte[][] Fragments(uint id) =>
            FragmentBuilder.Cut(new Datagram(Fill('f', 200)) { Source = Bad.Source }, id, 104);
    }

    [Test]
    public void During_a_checkpoint_the_epoch_that_both_stand_for_is_not_taken_back()
    {
        using TestBench bench = new(Options);
        P(A)(bench);
        Happens(CheckpointEvent.Began)(bench);
        bench.Wait(20);
        uint captured = bench.Path.Guest.CapturedEpoch;
        P(B)(bench);
        bench.Primary.BreaksNext = true;
        bench.Fail(P(Bad));
        Assert.That(bench.Path.Guest.Epoch, Is.GreaterThan(captured));
        Dropped(DropReason.PrimaryFailure, 3)(bench);
        bench.Checkpoint();
        P(C)(bench);
        S(C)(bench);
        Out(C)(bench);
        bench.StopAndCheckSlots();
    }

    [Test]
    public void Who_speaks_and_what_was_ordered_outlives_a_failure()
    {
        using TestBench bench = new(Options);
        bench.Path.SetMode(CompareMode.Observe);
        bench.Poll();
        bench.Fail(P(Bad));
        Assert.That(bench.Path.Guest.Mode, Is.EqualTo(CompareMode.Observe));
        P(A)(bench);
        Out(A)(bench);
        bench.Path.FailOverTo(Side.Secondary);
        bench.Poll();
        // Frames are no longer compared, so that no flow is created and no policy is read: another duty has to fail.
        bench.Primary.BreaksNext = true;
        bench.Fail(P(Held));
        Stands(Protection.SecondaryAlone)(bench);
        P(B)(bench);
        Out(A)(bench);
        S(C)(bench);
        Out(A, C)(bench);
        bench.StopAndCheckSlots();
    }

    [Test]
    public void What_was_only_observed_is_not_lost_with_it([Values] bool isSlow)
    {
        using TestBench bench = new(Options with { Mode = CompareMode.Observe });
        bench.Output.FramesPerCall = isSlow ? 1 : int.MaxValue;
        P(A, B)(bench);
        bench.Fail(P(Bad));
        Out(A, B)(bench);
        Dropped(DropReason.PrimaryFailure, 1)(bench);
        bench.StopAndCheckSlots();
    }

    private TestBench Bench(Failure failure)
    {
        TestBench bench = new(failure.IsCompared ? Options with { Policies = [] } : Options);
        P(A)(bench);
        S(A)(bench);
        P(Held)(bench);
        Out(A)(bench);
        return bench;
    }

    /// <summary>The primary sends a frame that is held and then becomes unreadable.</summary>
    private static Action<TestBench> HoldBroken(Packet packet) => bench =>
    {
        P(packet)(bench);
        bench.Path.Pipelines[0].Arena[bench.Primary.Last].Length = -1;
    };

    /// <summary>A way to make a duty fail.</summary>
    /// <param name="Name">Which duty fails, and at which work.</param>
    /// <param name="Act">The action that makes the duty fail.</param>
    /// <param name="Lost">Number of the primary's frames that are lost with the failed path.</param>
    public sealed record Failure(string Name, Action<TestBench> Act, int Lost)
    {
        /// <summary>Whether the failure can be attributed to a frame.</summary>
        public bool HasFrame { get; init; } = true;

        /// <summary>Whether the failure can be attributed to a flow.</summary>
        public bool HasFlow { get; init; } = true;

        /// <summary>Whether the flow is compared until the failure.</summary>
        public bool IsCompared { get; init; }

        public override string ToString() => Name;
    }
}
