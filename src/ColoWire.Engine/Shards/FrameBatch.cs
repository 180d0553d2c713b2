// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Shards;

/// <summary>Frames of one side that a shard has read from their ring. Those that it could not take yet stay in front.</summary>
internal sealed class FrameBatch(SpscRing<FrameRef> ring)
{
    private readonly FrameRef[] frames = new FrameRef[EngineLimits.BatchFrames];

    /// <summary>Index of the first frame that was not taken. A failure leaves it at the frame that made the shard fail.</summary>
    public int Next { get; set; }

    /// <summary>Frames in the batch, those that were taken included.</summary>
    public int Count { get; private set; }

    /// <summary>Frames that were not taken, those in the ring included.</summary>
    public int Waiting => ring.Count + Count - Next;

    /// <summary>A frame of the batch. Behind <see cref="Count"/> stand frames of earlier batches.</summary>
    public FrameRef this[int index] => frames[index];

    /// <summary>Reads the next frames from the ring, once all of the batch have been taken.</summary>
    /// <returns>Whether the batch is a new one.</returns>
    public bool TryRefill()
    {
        if (Next != Count)
        {
            return false;
        }

        Count = ring.Read(frames);
        Next = 0;
        return Count != 0;
    }
}
