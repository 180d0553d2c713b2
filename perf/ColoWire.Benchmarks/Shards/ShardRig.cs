// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Benchmarks.Shards;

/// <summary>One appliance in memory, run to completion on the caller's thread: both captures, one shard, egress.</summary>
internal sealed class ShardRig : IDisposable
{
    /// <summary>What the engine's clock advances per poll: a batch of 64 pairs takes about as long.</summary>
    private const long PollNs = 3000;

    private readonly FramePath path;
    private readonly StampedPort primary;
    private readonly CountingPort output = new();
    private long nowNs;

    /// <summary>Makes it and lets every flow be known.</summary>
    /// <param name="workload">What both say.</param>
    /// <param name="held">Frames of the primary that wait at any time, because the secondary is that much behind.</param>
    public ShardRig(Workload workload, int held = 0)
    {
        StampedPort? secondary = null;
        primary = new StampedPort(workload, Side.Primary, () => secondary!.Delivered + held + EngineLimits.BatchFrames);
        secondary = new StampedPort(workload, Side.Secondary, () => primary.Delivered - held);
        EngineOptions options = new() { Flows = Math.Max(EngineLimits.Flows.Default, workload.Flows), MaxQueueSize = 2048, AdviseMemory = HugePages.Advise };
        path = new FramePath(options, primary, secondary, output, new NoCheckpoints());
        Run(Math.Max(3 * workload.Flows, 1 << 20));
    }

    /// <summary>Takes pairs through parse, hash, queue, compare and release.</summary>
    public void Run(long pairs)
    {
        long goal = output.Sent + pairs;
        while (output.Sent < goal)
        {
            path.Poll(nowNs);
            nowNs += PollNs;
        }
    }

    /// <summary>Throws when anything but a verified release has happened, for then the figures would mean nothing.</summary>
    public void Check()
    {
        ShardCounters counters = path.Shards[0].Counters;
        if (counters.Verified + counters.Held != primary.Delivered)
        {
            throw new InvalidOperationException($"{primary.Delivered} frames, {counters.Verified} verified, {counters.Held} held");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => path.Dispose();
}
