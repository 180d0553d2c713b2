// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Pipelines;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>The rows that concern the whole system: time, memory, order, checkpoints, the stop.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class SystemScenarios(int shards)
{
    private static readonly Datagram One = new("one");
    private static readonly Datagram Two = new("two");
    private static readonly Datagram Three = new("three");

    private static readonly Scenario[] Rows =
    [
        new("56 a burst beyond the limit leaves in order, unverified, with one CP", OverflowingBurst),
        new("56 overflow=hold: nothing more is read until there is room", P(One, Two, Three), Out(), Cp(0), S(One), Out(One), S(Two, Three),
            Out(One, Two, Three), Wait(10_000), Cp(0), Verified(3))
        {
            Options = options => options with { MaxQueueSize = 2, Overflow = OverflowPolicy.Hold },
        },
        new("56 overflow=hold: the others behind it wait too, and the timeout ends it", P(One, Two, Three, One with { SourcePort = 99 }),
            S(One with { SourcePort = 99 }), Wait(2990), Cp(0), Wait(1020), Cp(1, DivergenceReason.Timeout), Out(), Checkpointed, Wait(10),
            bench => Assert.That(bench.Output.Frames, Has.Count.EqualTo(4)), Cp(1))
        {
            Options = options => options with { MaxQueueSize = 1, Overflow = OverflowPolicy.Hold, Shards = 1 },
        },
        new("56 overflow=hold: the stop lets all go", P(One, Two, Three), Out())
        {
            Options = options => options with { MaxQueueSize = 1, Overflow = OverflowPolicy.Hold },
        },
        new("a policy passes a flow", P(One), S(Two), Out(One), Wait(10_000), Cp(0), Dropped(DropReason.SecondaryPassed, 1))
        {
            Options = options => options with { Policies = [new(PolicyAction.Pass) { Protocol = 17, Ports = new PortRange(50, 53) }] },
        },
        new("the first policy that matches counts", P(One, One with { SourcePort = 54 }), Out(One))
        {
            Options = options => options with
            {
                Policies = [new(PolicyAction.Pass) { Ports = new PortRange(53, 53) }, new(PolicyAction.Compare) { Protocol = 17 }],
            },
        },
        new("a policy for a network", P(One, A), Out(One, A))
        {
            Options = options => options with { Policies = [new(PolicyAction.Pass) { Network = new AddressPrefix([10, 0, 0, 96], 27) }] },
        },
        new("a policy for another network", P(One), Out(), S(One), Out(One))
        {
            Options = options => options with { Policies = [new(PolicyAction.Pass) { Network = new AddressPrefix([10, 0, 0, 32], 27) }] },
        },
        new("a policy for a VLAN, the inner one", P(One, One with { Vlans = [9, 5] }), Out(One with { Vlans = [9, 5] }))
        {
            Options = options => options with { Policies = [new(PolicyAction.Pass) { Vlan = 5 }], Shards = 1 },
        },
        new("75 a silent secondary: one CP at the timeout", P(One), Wait(2990), Cp(0), Wait(1020), Cp(1, DivergenceReason.Timeout), Out()),
        new("75 and a retry as configured", P(One), Wait(4010), Asked(1), Wait(1900), Asked(1), Wait(1100), Asked(2), Cp(1), Checkpointed,
            Out(One), Wait(10_000), Asked(2)),
        new("76 a silent primary: CP at the timeout, the secondary cleared", S(One), Wait(2990), Cp(0), Wait(1020),
            Cp(1, DivergenceReason.Timeout), Out(), Dropped(DropReason.SecondaryUnmatched, 1)),
        new("76 a silent primary, TCP", S(A), Wait(2990), Cp(0), Wait(1020), Cp(1, DivergenceReason.Timeout), Out()),
        new("77 what the mirror lost: the client sends it again", S(Acking(5000)), P(Acking(6000)), Wait(200), Out(), P(Acking(6000)),
            S(Acking(6000)), Out(Acking(6000), Acking(6000)), P(A with { Ack = 6000 }), S(A with { Ack = 6000 }),
            Out(Acking(6000), Acking(6000), A with { Ack = 6000 }), Wait(10_000), Cp(0)),
        new("78 none is idle: the one held for longest leaves, with one CP", P(Flows(17)), Out(Flows(1)[0]), Cp(1, DivergenceReason.Overflow),
            Unverified(UnverifiedReason.Overflow, 1), Checkpointed, Unverified(UnverifiedReason.Checkpoint, 16), Wait(10_000), Cp(1))
        {
            Options = options => options with { Flows = 16, Shards = 1 },
        },
        new("78 none is idle, overflow=hold: the new one waits until one is", P(Flows(17)), Wait(2000), Out(), Cp(0), S(Flows(1)), Out(Flows(1)[0]),
            S(Flows(17)[1..]), OutAnyOrder(Flows(17)), Verified(17), Wait(10_000), Cp(0))
        {
            Options = options => options with { Flows = 16, Shards = 1, Overflow = OverflowPolicy.Hold },
        },
    ];

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(Options);

    [TestCase(CompareMode.Lockstep)]
    [TestCase(CompareMode.Observe)]
    public void A_policy_drops_a_flow_and_counts_it(CompareMode mode)
    {
        using TestBench bench = new(Options with { Mode = mode, Policies = [new(PolicyAction.Drop) { Protocol = 17 }] });
        bench.Primary.Feed(One.Bytes());
        S(One)(bench);
        Out()(bench);
        Dropped(DropReason.PrimaryPolicy, 1)(bench);
        Dropped(DropReason.SecondaryPolicy, 1)(bench);
        bench.StopAndCheckNothingLost();
    }

    private EngineOptions Options => TestBench.SmallOptions with { Shards = shards };

    [Test]
    public void Scenario_78_20000_connections_with_one_held_frame_each_lose_nothing()
    {
        using TestBench bench = new(Options with { Flows = 12_000, SlotsPerSide = 32_768 });
        Datagram[] all = Flows(20_000);
        foreach (Datagram packet in all)
        {
            bench.QueuePrimary(packet.Bytes());
        }

        bench.Poll();
        Assert.That(bench.Sum(c => c.FlowsEvicted), Is.GreaterThanOrEqualTo(8_000));
        Assert.That(bench.Sum(c => c.Divergences[(int)DivergenceReason.Overflow]), Is.GreaterThan(0));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Scenario_78_the_flow_idle_for_longest_makes_room()
    {
        using TestBench bench = new(Options with { Flows = 16, Shards = 1 });
        foreach (Datagram packet in Flows(16))
        {
            P(packet)(bench);
            S(packet)(bench);
            bench.Wait(100);
        }

        // The first flow gets another datagram, so the second flow is the least recently used: it must be evicted, and the first
        // must stay.
        Datagram first = Flows(1)[0];
        P(first)(bench);
        S(first)(bench);
        bench.Wait(100);
        P(Flows(17)[16])(bench);
        Assert.That(bench.Counters.FlowsEvicted, Is.EqualTo(1));
        Assert.That(bench.Counters.Flows, Is.EqualTo(16));
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Scenario_93_17000_flows_primary_first_all_leave()
    {
        using TestBench bench = new(Options with { Flows = 20_000 * shards, SlotsPerSide = 17_100 });
        Datagram[] all = Flows(17_000);
        Array.ForEach(all, packet => bench.QueuePrimary(packet.Bytes()));
        bench.Poll();
        Array.ForEach(all, packet => bench.Secondary.Feed(packet.Bytes()));
        bench.Poll();
        Assert.That(bench.Sum(c => c.Verified), Is.EqualTo(17_000));
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Scenario_80_a_slow_out_port_neither_inverts_nor_loses()
    {
        using TestBench bench = new(Options with { Shards = 1 });
        bench.Output.FramesPerCall = 1;
        Datagram[] all = [.. Enumerable.Range(0, 600).Select(i => new Datagram($"number {i}"))];
        Array.ForEach(all, packet => bench.QueuePrimary(packet.Bytes()));
        Array.ForEach(all, packet => bench.Secondary.Feed(packet.Bytes()));
        bench.Poll();
        Out(all)(bench);
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Scenario_80_a_slow_out_port_that_uses_up_all_slots_costs_no_checkpoint()
    {
        using TestBench bench = new(Options with { Shards = 1, SlotsPerSide = 128 });
        bench.Output.FramesPerCall = 1;
        Datagram[] all = [.. Enumerable.Range(0, 600).Select(i => new Datagram($"number {i}"))];
        Array.ForEach(all, packet => bench.QueuePrimary(packet.Bytes()));
        Array.ForEach(all, packet => bench.Secondary.Feed(packet.Bytes()));
        bench.Poll();
        Out(all)(bench);
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    [TestCase(true, 1000)]
    [TestCase(false, 0)]
    public void Scenario_86_stop_takes_what_lies_in_a_port_only_when_nothing_more_comes_to_it(bool handedOver, int expected)
    {
        using TestBench bench = new(Options);
        bench.Poll();
        for (int i = 0; i < 1000; i++)
        {
            bench.Primary.Feed(new Datagram($"number {i}").Bytes());
        }

        bench.Primary.HasHandedOver = handedOver;
        bench.Path.BeginStop();
        bench.Poll();
        Assert.That(bench.Output.Frames, Has.Count.EqualTo(expected));
        Assert.That(bench.Primary.Waiting, Is.EqualTo(1000 - expected));
        Assert.That(bench.Path.IsDrained, Is.True, "a slot was not returned");
    }

    [Test]
    public void Scenario_86_stop_releases_what_is_held_in_order()
    {
        using TestBench bench = new(Options);
        P(A, B, C)(bench);
        S(A, C)(bench);
        Out(A)(bench);
        bench.Path.BeginStop();
        bench.Poll();
        Out(A, B, C)(bench);
        Assert.That(bench.Sum(c => c.Unverified[(int)UnverifiedReason.Stop]), Is.EqualTo(2));
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Slots_that_run_out_release_what_is_held_and_nothing_is_lost()
    {
        using TestBench bench = new(Options with { SlotsPerSide = 256 });
        Datagram[] all = Flows(1000);
        Array.ForEach(all, packet => bench.QueuePrimary(packet.Bytes()));
        for (int i = 0; i < 100 && bench.Primary.Waiting > 0; i++)
        {
            bench.Wait(10);
        }

        Assert.That(bench.Primary.Waiting, Is.Zero, "the primary's port must not be blocked");
        Assert.That(bench.Checkpoints, Is.EqualTo(1));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void A_secondary_that_floods_costs_a_checkpoint_and_no_primary_frame()
    {
        using TestBench bench = new(Options with { SlotsPerSide = 256 });
        Array.ForEach(Flows(1000), packet => bench.Secondary.Feed(packet.Bytes()));
        P(A)(bench);
        for (int i = 0; i < 100 && bench.Secondary.Waiting > 0; i++)
        {
            bench.Wait(10);
        }

        Assert.That(bench.Secondary.Waiting, Is.Zero);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Without_checkpoints_a_diverged_flow_passes_and_the_others_are_compared_on()
    {
        using TestBench bench = new(Options, new NoCheckpoints());
        Datagram other = One with { SourcePort = 99 };
        P(other, One)(bench);
        S(Two)(bench);
        Wait(30)(bench);
        Out(One)(bench);
        P(Two)(bench);
        S(Three)(bench);
        Out(One, Two)(bench);
        S(other)(bench);
        Out(One, Two, other)(bench);
        Cp(1, DivergenceReason.Payload)(bench);
        Assert.That(bench.Sum(c => c.Verified), Is.EqualTo(1));
        Assert.That(bench.Sum(c => c.Unverified[(int)UnverifiedReason.AfterDivergence]), Is.EqualTo(2));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Observe_lets_the_primary_go_at_once_and_still_reports()
    {
        using TestBench bench = new(Options with { Mode = CompareMode.Observe }, new NoCheckpoints());
        P(A, B)(bench);
        Out(A, B)(bench);
        S(A)(bench);
        Verified(1)(bench);
        S(B.Flipped(9))(bench);
        Cp(1, DivergenceReason.Payload, 9)(bench);
        Out(A, B)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Two_paths_in_one_process_do_not_know_of_each_other()
    {
        using TestBench first = new(Options);
        using TestBench second = new(Options);
        P(A)(first);
        S(A)(second);
        Out()(first);
        Out()(second);
        S(A)(first);
        Out(A)(first);
        first.StopAndCheckNothingLost();
        second.StopAndCheckNothingLost();
    }

    [Test]
    public void A_report_shows_both_frames_around_the_difference()
    {
        using TestBench bench = new(Options);
        Segment large = new(1000, Fill('L', 1000));
        P(AckFirst, large)(bench);
        S(large.Flipped(700))(bench);
        CheckpointReport report = bench.Reports.Single();
        FrameSnapshot primary = report.Divergence.Primary;
        FrameSnapshot secondary = report.Divergence.Secondary;
        Assert.Multiple(() =>
        {
            Assert.That(report.Flow.SourcePort, Is.EqualTo(80));
            Assert.That(report.Flow.DestinationAddress(), Is.EqualTo(new byte[] { 10, 0, 0, 99 }));
            Assert.That(primary.Number, Is.EqualTo(2));
            Assert.That(secondary.Number, Is.EqualTo(1));
            Assert.That(primary.DifferenceOffset, Is.EqualTo(54 + 700));
            Assert.That(primary.Window[primary.DifferenceOffset - primary.WindowOffset], Is.EqualTo((byte)'L'));
            Assert.That(secondary.Window[secondary.DifferenceOffset - secondary.WindowOffset], Is.EqualTo((byte)('L' ^ 0xFF)));
            Assert.That(primary.Head.ToArray(), Is.EqualTo(large.Bytes()[..EngineLimits.SnapshotHeadBytes]));
        });
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Scenario_88_the_engine_knows_no_clock_but_the_one_it_is_given()
    {
        using FileStream file = File.OpenRead(typeof(FramePath).Assembly.Location);
        using PEReader image = new(file);
        MetadataReader metadata = image.GetMetadataReader();
        IEnumerable<string> types = metadata.TypeReferences.Select(h => metadata.GetString(metadata.GetTypeReference(h).Name));
        Assert.That(types, Has.None.AnyOf("DateTime", "DateTimeOffset", "Stopwatch", "TimeProvider", "Environment", "Random"));
        Assert.That(types, Has.None.AnyOf("Monitor", "Lock", "Interlocked", "Thread", "Task"), "no type waits for a thread");
    }

    private static Packet AckFirst => new Datagram("before") { SourcePort = 1 };

    private static Segment Acking(uint ack) => new(1000, []) { Ack = ack };

    private static Action<TestBench> OutAnyOrder(params Packet[] packets) => bench => Assert.That(
        bench.Output.Frames.Select(Convert.ToHexString).Order(),
        Is.EqualTo(packets.Select(p => Convert.ToHexString(p.Bytes())).Order()));

    private static Action<TestBench> Asked(int count) =>
        bench => Assert.That(bench.Requester.Asked, Is.EqualTo(count), "requests and retries");

    private static Datagram[] Flows(int count) =>
    [
        .. Enumerable.Range(0, count).Select(i => One with { SourcePort = (ushort)(i + 1), Source = [10, 1, (byte)(i >> 16), 1] }),
    ];

    private static void OverflowingBurst(TestBench bench)
    {
        List<Packet> burst = [.. Enumerable.Range(0, 1500).Select(i => new Datagram($"datagram {i}"))];
        P([.. burst])(bench);
        Assert.That(bench.Output.Frames, Has.Count.GreaterThanOrEqualTo(1025));
        Cp(1, DivergenceReason.Overflow)(bench);
        Checkpointed(bench);
        Out([.. burst])(bench);
        Unverified(UnverifiedReason.Overflow, 1025)(bench);
        Unverified(UnverifiedReason.Checkpoint, 1500 - 1025)(bench);
        Cp(1)(bench);
    }
}
