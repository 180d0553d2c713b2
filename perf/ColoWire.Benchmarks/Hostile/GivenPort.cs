// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Frames;

namespace ColoWire.Benchmarks.Hostile;

/// <summary>Writes a frame into a slot.</summary>
/// <param name="slot">The slot.</param>
/// <param name="number">Number of the frame within its turn, from 0.</param>
/// <returns>Length of the frame in bytes.</returns>
internal delegate int FrameWriter(Span<byte> slot, int number);

/// <summary>A capture port that delivers given numbers of frames, one turn after the other.</summary>
internal sealed class GivenPort : ICapturePort
{
    private FrameWriter? writer;
    private int next;
    private int end;
    private uint delivered;

    /// <inheritdoc/>
    public string Name => "memory";

    /// <summary>Whether all frames of the turn have been delivered.</summary>
    public bool IsDone => next == end;

    /// <inheritdoc/>
    public CaptureStatistics Statistics => new(delivered, 0, 0, 0, 0, 0);

    /// <summary>Starts the next turn; the one before must be done.</summary>
    public void Give(FrameWriter frames, int count)
    {
        writer = frames;
        next = 0;
        end = count;
    }

    /// <inheritdoc/>
    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        int count = 0;
        for (; count < batch.Length && next < end && pool.TryTake(HostileFrames.SlotBytes, out FrameRef received); count++)
        {
            ref Frame frame = ref pool.Arena[received];
            frame.Length = writer!(pool.Arena.SlotBytes(received), next++);
            frame.ArrivalNs = nowNs;
            frame.Number = ++delivered;
            batch[count] = received;
        }

        return count;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The port owns nothing: the slots belong to the arena.
    }
}
