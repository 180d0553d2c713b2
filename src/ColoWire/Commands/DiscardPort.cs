// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Commands;

/// <summary>A port that discards the released frames.</summary>
internal sealed class DiscardPort : IInjectPort
{
    private readonly FrameRef[] taken = new FrameRef[EngineLimits.BatchFrames];
    private int takenCount;
    private long frames;
    private long bytes;

    /// <inheritdoc/>
    public string Name => "nowhere";

    /// <inheritdoc/>
    public InjectStatistics Statistics => new(frames, bytes, 0, 0, 0, 0);

    /// <inheritdoc/>
    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        int count = Math.Min(frames.Length, taken.Length - takenCount);
        foreach (FrameRef frame in frames[..count])
        {
            taken[takenCount++] = frame;
            bytes += arena[frame].Length;
        }

        this.frames += count;
        return count;
    }

    /// <inheritdoc/>
    public int Reclaim(Span<FrameRef> frames)
    {
        int count = Math.Min(frames.Length, takenCount);
        taken.AsSpan(0, count).CopyTo(frames);
        taken.AsSpan(count, takenCount - count).CopyTo(taken);
        takenCount -= count;
        return count;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
