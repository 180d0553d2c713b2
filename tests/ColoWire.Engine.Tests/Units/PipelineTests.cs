// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

/// <summary>Pipelines compare independently of each other; they share only the gate.</summary>
internal sealed class PipelineTests
{
    private const int Pipelines = 2;

    private static readonly EngineOptions Options = TestBench.SmallOptions with { SlotsPerSide = 64, LargeSlotsPerSide = 2 };
    private static readonly byte[] One = new Datagram("one").Bytes();
    private static readonly byte[] Two = new Datagram("two").Bytes();

    private readonly List<MemoryCapturePort> primaries = [];
    private readonly List<MemoryCapturePort> secondaries = [];
    private readonly List<MemoryInjectPort> outputs = [];
    private ScriptedRequester requester = null!;
    private FramePath path = null!;
    private long nowNs;

    [SetUp]
    public void SetUp()
    {
        List<PipelinePorts> ports = [];
        for (int i = 0; i < Pipelines; i++)
        {
            primaries.Add(new MemoryCapturePort("primary"));
            secondaries.Add(new MemoryCapturePort("secondary"));
            outputs.Add(new MemoryInjectPort());
            ports.Add(new PipelinePorts(FramePath.MakeArena(Options), primaries[i], secondaries[i], outputs[i]));
        }

        requester = new ScriptedRequester();
        path = new FramePath(Options, ports, requester);
    }

    [TearDown]
    public void TearDown()
    {
        path.Dispose();
        primaries.Clear();
        secondaries.Clear();
        outputs.Clear();
    }

    [Test]
    public void A_twin_counts_in_its_own_lane_only()
    {
        primaries[0].Feed(One);
        secondaries[1].Feed(One);
        Poll();
        Assert.That(Left(), Is.EqualTo(new[] { 0, 0 }), "the twin was captured by the other pipeline");
        secondaries[0].Feed(One);
        primaries[1].Feed(One);
        Poll();
        Assert.That(Left(), Is.EqualTo(new[] { 1, 1 }));
        Assert.That(path.Pipelines.Select(pipeline => pipeline.Shards[0].Counters.Verified), Is.All.EqualTo(1));
    }

    [Test]
    public void A_divergence_in_the_second_lane_makes_one_request_and_its_checkpoint_flushes_both()
    {
        primaries[0].Feed(One);
        primaries[1].Feed(One);
        secondaries[1].Feed(Two);
        Poll();
        Wait(30);
        Assert.That((path.Gate.Requests, requester.Asked), Is.EqualTo((1, 1)));
        Assert.That(path.Gate.TryReadReport(out CheckpointReport report), Is.True);
        Assert.That(report.Divergence.Reason, Is.EqualTo(DivergenceReason.Payload));
        Assert.That(Left(), Is.EqualTo(new[] { 0, 0 }), "held until the checkpoint");

        requester.Happen(CheckpointEvent.Completed);
        Poll();
        Assert.That(path.Guest.Epoch, Is.EqualTo(1));
        Assert.That(Left(), Is.EqualTo(new[] { 1, 1 }));
        Assert.That(path.Shards.Select(shard => shard.Counters.Unverified[(int)UnverifiedReason.Checkpoint]), Is.EqualTo(new[] { 1, 1 }));
        Wait(30);
        Assert.That(requester.Asked, Is.EqualTo(1));
    }

    [Test]
    public void Divergences_of_both_lanes_merge_into_one_request()
    {
        for (int i = 0; i < Pipelines; i++)
        {
            primaries[i].Feed(One);
            secondaries[i].Feed(Two);
        }

        Poll();
        Wait(30);
        Assert.That(path.Shards.Select(shard => shard.Counters.Divergences[(int)DivergenceReason.Payload]), Is.EqualTo(new[] { 1, 1 }));
        Assert.That(requester.Asked, Is.EqualTo(1));
    }

    [Test]
    public void The_path_is_drained_when_every_lane_is([Range(0, Pipelines - 1)] int slow)
    {
        for (int i = 0; i < Pipelines; i++)
        {
            primaries[i].Feed(One);
        }

        Poll();
        outputs[slow].FramesPerCall = 0;
        path.BeginStop();
        Poll();
        Assert.That(path.Pipelines.Select(pipeline => pipeline.IsDrained), Is.EqualTo(Enumerable.Range(0, Pipelines).Select(i => i != slow)));
        Assert.That(path.IsDrained, Is.False);
        outputs[slow].FramesPerCall = int.MaxValue;
        Poll();
        Assert.That(path.IsDrained, Is.True);
        Assert.That(Left(), Is.EqualTo(new[] { 1, 1 }));
    }

    [Test]
    public void The_link_of_the_secondary_and_a_take_over_are_of_all_lanes()
    {
        secondaries[0].HasLink = false;
        Poll();
        primaries[0].Feed(One);
        primaries[1].Feed(One);
        Poll();
        Assert.That(Left(), Is.EqualTo(new[] { 1, 1 }), "bypassed");
        path.FailOverTo(Side.Secondary);
        Poll();
        secondaries[0].Feed(Two);
        secondaries[1].Feed(Two);
        Poll();
        Assert.That(Left(), Is.EqualTo(new[] { 2, 2 }), "frames of the secondary leave");
    }

    [Test]
    public void The_earliest_instant_of_any_lane_is_the_path_s()
    {
        primaries[1].Feed(One);
        secondaries[1].Feed(Two);
        Poll();
        Assert.That(path.NextDueNs, Is.EqualTo(nowNs + (Options.GraceMs * 1_000_000L)));
    }

    [Test]
    public void Slots_are_of_each_lane_and_flows_of_all()
    {
        EngineOptions options = new() { Flows = 1 << 16, Shards = 2 };
        // Four pipelines have six more flow tables than one (two shards each), and each table has a few records beside those of
        // its flows.
        long ownRecords = 6 * FlowTable.ByteCount(0);
        Dictionary<string, long> one = FramePath.MemoryPlan(options).ToDictionary(part => part.Name, part => part.Bytes);
        Dictionary<string, long> four = FramePath.MemoryPlan(options, pipelines: 4).ToDictionary(part => part.Name, part => part.Bytes);
        Assert.That(four.Keys, Is.EquivalentTo(one.Keys));
        foreach ((string name, long bytes) in one)
        {
            Assert.That(four[name], Is.EqualTo(name == "flow tables" ? bytes + ownRecords : 4 * bytes), name);
        }
    }

    [Test]
    public void A_path_needs_a_lane() =>
        Assert.That(() => new FramePath(Options, [], requester), Throws.InstanceOf<ArgumentOutOfRangeException>());

    private int[] Left() => [.. outputs.Select(output => output.Frames.Count)];

    private void Poll()
    {
        for (int idle = 0; idle < 3;)
        {
            idle = path.Poll(nowNs) == 0 ? idle + 1 : 0;
        }
    }

    private void Wait(int ms)
    {
        nowNs += ms * 1_000_000L;
        Poll();
    }
}
