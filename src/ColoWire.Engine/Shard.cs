// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine;

/// <summary>Owns a set of flows.</summary>
public sealed class Shard : IDuty
{
    private readonly ShardRings rings;

    internal Shard(EngineOptions options, FrameArena arena, ShardRings rings, CheckpointGate gate, PressureSignal pressure, StopSignal stop)
    {
        _ = (options, arena, gate, pressure, stop);
        this.rings = rings;
    }

    /// <summary>What it has counted.</summary>
    public ShardCounters Counters { get; } = new();

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        Span<FrameRef> batch = stackalloc FrameRef[EngineLimits.BatchFrames];
        int p = rings.Primary.Read(batch);
        foreach (FrameRef frame in batch[..p])
        {
            rings.Released.Add(frame);
        }

        rings.Released.Publish();
        int s = rings.Secondary.Read(batch);
        foreach (FrameRef frame in batch[..s])
        {
            rings.SecondaryHome.Add(frame);
        }

        rings.SecondaryHome.Publish();
        return p + s;
    }
}
