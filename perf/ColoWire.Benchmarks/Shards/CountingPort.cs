// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Benchmarks.Shards;

/// <summary>An inject port that counts the frames that leave and returns their slots.</summary>
internal sealed class CountingPort : IInjectPort
{
    private readonly FrameRef[] taken = new FrameRef[EngineLimits.BatchFrames];
    private int count;

    /// <inheritdoc/>
    public string Name => "memory";

    /// <summary>Number of frames that have left.</summary>
    public long Sent { get; private set; }

    /// <inheritdoc/>
    public InjectStatistics Statistics => new(Sent, 0, 0, 0, 0, 0);

    /// <inheritdoc/>
    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        int room = Math.Min(frames.Length, taken.Length - count);
        frames[..room].CopyTo(taken.AsSpan(count));
        count += room;
        Sent += room;
        return room;
    }

    /// <inheritdoc/>
    public int Reclaim(Span<FrameRef> frames)
    {
        int returned = Math.Min(count, frames.Length);
        taken.AsSpan(0, returned).CopyTo(frames);
        taken.AsSpan(returned, count - returned).CopyTo(taken);
        count -= returned;
        return returned;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The port owns nothing: the frames belong to the arena.
    }
}
