// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>A capture port that delivers the frames that a test feeds.</summary>
public sealed class MemoryCapturePort(string name) : ICapturePort
{
    private readonly Queue<byte[]> frames = new();
    private uint number;
    private long bytes;

    public string Name => name;

    public int Waiting => frames.Count;

    public bool HasLink { get; set; } = true;

    public bool IsBypassed { get; set; }

    public bool HasHandedOver { get; set; }

    public CaptureStatistics Statistics => new(number, bytes, 0, 0, 0, 0);

    /// <summary>Bytes of virtio-net header before each frame that is fed from now on.</summary>
    public int VnetHeaderBytes { get; set; }

    /// <summary>Whether the next frame gets a length that no frame can have, so that reading its bytes throws.</summary>
    public bool BreaksNext { get; set; }

    /// <summary>The slot of the last frame.</summary>
    public FrameRef Last { get; private set; } = FrameRef.None;

    public void Feed(byte[] frame) => frames.Enqueue([.. Words.Fill('v', VnetHeaderBytes), .. frame]);

    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        int count = 0;
        while (count < batch.Length && frames.TryPeek(out byte[]? frame) && pool.TryTake(frame.Length, out FrameRef slot))
        {
            frames.Dequeue();
            frame.CopyTo(pool.Arena.SlotBytes(slot));
            pool.Arena[slot].ArrivalNs = nowNs;
            pool.Arena[slot].Number = ++number;
            pool.Arena[slot].Length = BreaksNext ? -1 : frame.Length;
            BreaksNext = false;
            bytes += frame.Length;
            Last = slot;
            batch[count++] = slot;
        }

        return count;
    }

    public void Dispose()
    {
    }
}

/// <summary>An inject port that records the frames that leave; it may accept only a few frames per call, as a slow link
/// does.</summary>
public sealed class MemoryInjectPort : IInjectPort
{
    private readonly List<FrameRef> taken = [];
    private readonly Queue<FrameRef> lost = new();
    private long bytes;

    public string Name => "memory";

    public bool KeepsVnetHeader { get; init; }

    /// <summary>How many frames a call accepts at most.</summary>
    public int FramesPerCall { get; set; } = int.MaxValue;

    /// <summary>Whether the next call with frames throws without sending any.</summary>
    public bool BreaksNext { get; set; }

    public int MaxPayloadBytes { get; set; } = int.MaxValue;

    /// <summary>How many of the next frames the port takes and then loses.</summary>
    public int LosesNext { get; set; }

    public List<byte[]> Frames { get; } = [];

    public InjectStatistics Statistics => new(Frames.Count, bytes, 0, 0, 0, 0);

    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        if (BreaksNext && frames.Length != 0)
        {
            BreaksNext = false;
            throw new InvalidOperationException("the out port is broken");
        }

        int count = Math.Min(frames.Length, FramesPerCall);
        foreach (FrameRef frame in frames[..count])
        {
            if (LosesNext > 0)
            {
                LosesNext--;
                lost.Enqueue(frame);
                continue;
            }

            Frames.Add(arena.Bytes(frame).ToArray());
            bytes += Frames[^1].Length;
            taken.Add(frame);
        }

        return count;
    }

    public int Reclaim(Span<FrameRef> frames)
    {
        int count = Math.Min(frames.Length, taken.Count);
        for (int i = 0; i < count; i++)
        {
            frames[i] = taken[i];
        }

        taken.RemoveRange(0, count);
        return count;
    }

    public int ReclaimLost(Span<FrameRef> frames)
    {
        int count = 0;
        while (count < frames.Length && lost.TryDequeue(out FrameRef frame))
        {
            frames[count++] = frame;
        }

        return count;
    }

    public void Dispose()
    {
    }
}
