// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Pipelines;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>A whole path with ports in memory, a scripted requester and a clock that the test sets.</summary>
public sealed class TestBench : IDisposable
{
    private const long NanosecondsPerMs = 1_000_000;

    private FramePath path;
    private readonly List<byte[]> primarySent = [];

    public TestBench(EngineOptions options, bool headersLeave)
        : this(options, output: new MemoryInjectPort { KeepsVnetHeader = headersLeave })
    {
    }

    public TestBench(EngineOptions options, ICheckpointRequester? requester = null, MemoryInjectPort? output = null)
    {
        Output = output ?? new MemoryInjectPort();
        Requester = requester as ScriptedRequester ?? new ScriptedRequester();
        InboundPorts? inbound = options.Inbound == InboundMode.Mirror ? new InboundPorts(World, ToPrimary, ToSecondary) : null;
        PipelinePorts ports = new(FramePath.MakeArena(options), Primary, Secondary, Output, inbound);
        path = new FramePath(options, [ports], requester ?? Requester);
        Poll();
    }

    /// <summary>Memory small enough for speed and large enough for every scenario; a checkpoint may follow the one before at
    /// once.</summary>
    public static EngineOptions SmallOptions =>
        new() { SlotsPerSide = 4096, LargeSlotsPerSide = 8, Flows = 1024, CheckpointIntervalMs = 0 };

    public MemoryCapturePort Primary { get; } = new("primary");

    public MemoryCapturePort Secondary { get; } = new("secondary");

    public MemoryInjectPort Output { get; }

    /// <summary>The port on which the frames of clients arrive, where they pass.</summary>
    public MemoryCapturePort World { get; } = new("world");

    /// <summary>What the primary receives of clients.</summary>
    public MemoryInjectPort ToPrimary { get; } = new();

    /// <summary>What the secondary receives of clients.</summary>
    public MemoryInjectPort ToSecondary { get; } = new();

    public ScriptedRequester Requester { get; }

    public FramePath Path => path;

    public long NowNs { get; private set; } = 1_000_000_000;

    public List<CheckpointReport> Reports { get; } = [];

    public long Checkpoints => path.Gate.Requests;

    public ShardCounters Counters => path.Shards[0].Counters;

    public void SendPrimary(byte[] frame) => SendPrimary(frame, frame);

    /// <summary>The primary sends a frame that has to leave in another form.</summary>
    public void SendPrimary(byte[] frame, byte[] leavesAs)
    {
        primarySent.Add(leavesAs);
        Primary.Feed(frame);
        Poll();
    }

    public void SendSecondary(byte[] frame)
    {
        Secondary.Feed(frame);
        Poll();
    }

    /// <summary>A client sends.</summary>
    public void SendWorld(byte[] frame)
    {
        World.Feed(frame);
        Poll();
    }

    /// <summary>Feeds a frame without polling, so that it waits in the port.</summary>
    public void QueuePrimary(byte[] frame)
    {
        primarySent.Add(frame);
        Primary.Feed(frame);
    }

    /// <summary>The primary sends a frame that must not leave.</summary>
    public void SendPrimaryInVain(byte[] frame)
    {
        Primary.Feed(frame);
        Poll();
    }

    /// <summary>Polls until no duty has work left at this instant.</summary>
    public void Poll()
    {
        for (int idle = 0; idle < 3;)
        {
            idle = path.Poll(NowNs) == 0 ? idle + 1 : 0;
        }

        while (path.Gate.TryReadReport(out CheckpointReport report))
        {
            Reports.Add(report);
        }
    }

    /// <summary>Runs an action that makes a duty throw, and recovers as the program does.</summary>
    /// <returns>The cause that is recorded for the failure.</returns>
    public IReadOnlyList<Culprit> Fail(Action<TestBench> act)
    {
        Assert.That(() => act(this), Throws.InstanceOf<SystemException>(), "a duty throws");
        IReadOnlyList<Culprit> culprits = path.FindCulprits();
        path = path.Succeed(culprits);
        return culprits;
    }

    /// <summary>Advances the clock in steps of 10 ms, with a poll after each.</summary>
    public void Wait(int ms)
    {
        for (long end = NowNs + (ms * NanosecondsPerMs); NowNs < end;)
        {
            NowNs = Math.Min(end, NowNs + (10 * NanosecondsPerMs));
            Poll();
        }
    }

    /// <summary>Advances the clock without a poll: the next poll comes with the next frame.</summary>
    public void AdvanceTo(long nowNs) => NowNs = Math.Max(NowNs, nowNs);

    /// <summary>Advances the clock without a poll in between.</summary>
    public void Jump(int ms)
    {
        NowNs += ms * NanosecondsPerMs;
        Poll();
    }

    public void Checkpoint()
    {
        Requester.Happen(CheckpointEvent.Completed);
        Poll();
    }

    /// <summary>The sum of a counter over all shards.</summary>
    public long Sum(Func<ShardCounters, long> counter) => path.Shards.Sum(shard => counter(shard.Counters));

    /// <summary>Checks that all frames of the primary have left, and clears them, in a test that sends more frames than memory
    /// holds.</summary>
    public void ForgetWhatLeft()
    {
        Assert.That(Output.Frames, Has.Count.EqualTo(primarySent.Count), "all frames of the primary have left");
        primarySent.Clear();
        Output.Frames.Clear();
    }

    /// <summary>Stops, and checks the invariants of every test: each frame of the primary left once, unchanged, and no slot is
    /// missing.</summary>
    public void StopAndCheckNothingLost()
    {
        StopAndCheckSlots();
        Assert.That(
            Output.Frames.Select(Convert.ToHexString).Order(),
            Is.EqualTo(primarySent.Select(Convert.ToHexString).Order()),
            "each primary frame leaves exactly once, as it should (R4)");
    }

    /// <summary>Stops, and checks that no slot is missing and no frame is held.</summary>
    public void StopAndCheckSlots()
    {
        path.BeginStop();
        Output.FramesPerCall = ToPrimary.FramesPerCall = ToSecondary.FramesPerCall = int.MaxValue;
        Poll();
        Assert.That(path.IsDrained, Is.True, "a slot was not returned");
        Assert.That(Sum(c => c.Held), Is.Zero);
        Assert.That(Sum(c => c.SecondaryHeld), Is.Zero);
    }

    public void Dispose() => path.Dispose();
}
