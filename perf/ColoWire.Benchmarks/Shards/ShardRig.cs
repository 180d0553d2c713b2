// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports.Linux;

namespace ColoWire.Benchmarks.Shards;

/// <summary>One appliance in memory, run to completion on the caller's thread: both captures, one shard, egress.</summary>
internal sealed class ShardRig : IDisposable
{
    /// <summary>By how much the engine's clock advances per poll, in nanoseconds: about the time for a batch of 64
    /// pairs.</summary>
    private const long PollNs = 3000;

    private readonly FramePath path;
    private readonly StampedPort primary;
    private readonly CountingPort output = new();
    private long nowNs;

    /// <summary>Makes the appliance and sends frames of every flow, so that each has a record.</summary>
    /// <param name="workload">The frames of both sides.</param>
    /// <param name="held">Number of the primary's frames that are held at any time, because the secondary is that much
    /// behind.</param>
    public ShardRig(Workload workload, int held = 0)
    {
        StampedPort? secondary = null;
        primary = new StampedPort(workload, Side.Primary, () => secondary!.Delivered + held + EngineLimits.BatchFrames);
        secondary = new StampedPort(workload, Side.Secondary, () => primary.Delivered - held);
        EngineOptions options = new()
        {
            Flows = Math.Max(EngineLimits.Flows.Default, workload.Flows),
            MaxQueueSize = 2048,
            AdviseMemory = HugePages.Advise,
        };
        path = new FramePath(options, primary, secondary, output, new NoCheckpoints());
        Run(Math.Max(3 * workload.Flows, 1 << 20));
    }

    /// <summary>Processes pairs: parse, hash, queue, compare and release.</summary>
    public void Run(long pairs)
    {
        long goal = output.Sent + pairs;
        while (output.Sent < goal)
        {
            path.Poll(nowNs);
            nowNs += PollNs;
        }
    }

    /// <summary>Throws when a frame was not verified and released, because the figures would then be meaningless.</summary>
    public void Check()
    {
        ShardCounters counters = path.Shards[0].Counters;
        if (counters.Verified + counters.Held != primary.Delivered)
        {
            throw new InvalidOperationException(
                $"{primary.Delivered} frames, {counters.Verified} verified, {counters.Held} held");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => path.Dispose();
}
