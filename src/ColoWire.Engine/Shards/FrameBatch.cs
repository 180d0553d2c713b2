// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Shards;

/// <summary>
/// A batch of frames of one side that a shard has read from their ring. Frames that the shard cannot take yet remain at the
/// front.
/// </summary>
internal sealed class FrameBatch(SpscRing<FrameRef> ring)
{
    private readonly FrameRef[] frames = new FrameRef[EngineLimits.BatchFrames];

    /// <summary>
    /// The index of the first frame that was not taken. After a failure it is the index of the frame that made the shard fail.
    /// </summary>
    public int Next { get; set; }

    /// <summary>The number of frames in the batch, taken ones included.</summary>
    public int Count { get; private set; }

    /// <summary>The number of frames that were not taken, those in the ring included.</summary>
    public int Waiting => ring.Count + Count - Next;

    /// <summary>
    /// A frame of the batch. From index <see cref="Count"/> on, the array still contains frames of earlier batches.
    /// </summary>
    public FrameRef this[int index] => frames[index];

    /// <summary>Reads the next batch from the ring, if all frames of this batch have been taken.</summary>
    /// <returns>Whether a new batch was read.</returns>
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
