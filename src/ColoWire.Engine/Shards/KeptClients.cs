// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>
/// The clients' frames of a shard that the primary has received, and that wait until the secondary's numbers on their connection
/// are known, oldest first. At most <see cref="EngineLimits.KeptClientFrames"/> wait, each for at most <c>compare_timeout</c>.
/// </summary>
internal sealed class KeptClients(long timeoutNs)
{
    private readonly FrameRef[] frames = new FrameRef[EngineLimits.KeptClientFrames];

    /// <summary>The number of frames.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a frame.</summary>
    /// <returns>False when there is no room.</returns>
    public bool TryAdd(FrameRef frame)
    {
        bool hasRoom = Count < frames.Length;
        if (hasRoom)
        {
            frames[Count++] = frame;
        }

        return hasRoom;
    }

    /// <summary>A frame of the pass, oldest first. Frames that are added again during the pass replace only those that were read
    /// before.</summary>
    public FrameRef this[int index] => frames[index];

    /// <summary>Begins a pass over all frames: none is kept until it is added again.</summary>
    /// <returns>The number of frames to read.</returns>
    public int BeginPass()
    {
        int count = Count;
        Count = 0;
        return count;
    }

    /// <summary>Whether a frame has waited for too long.</summary>
    public bool IsExpired(in Frame frame, long nowNs) => nowNs - frame.ArrivalNs >= timeoutNs;
}
