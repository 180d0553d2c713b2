// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Frames;

namespace ColoWire.Simulation.World;

/// <summary>The capture port at the end of a link. Frames for which the engine has no slot wait here, as in a kernel's
/// buffer.</summary>
internal sealed class SimulatedCapturePort(string name, Random random, Action<SentFrame, FrameRef> captured) : ICapturePort
{
    private readonly Queue<SentFrame> frames = new();
    private uint number;
    private long bytes;

    public string Name => name;

    /// <summary>Number of frames that have arrived and were not yet received by the engine.</summary>
    public int Waiting => frames.Count;

    public CaptureStatistics Statistics => new(number, bytes, 0, 0, 0, 0);

    public bool HasLink { get; set; } = true;

    public void Arrive(SentFrame frame) => frames.Enqueue(frame);

    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        int most = random.Next(4) == 0 ? random.Next(batch.Length + 1) : batch.Length;
        int count = 0;
        while (count < most && frames.TryPeek(out SentFrame? frame) && pool.TryTake(frame.Bytes.Length, out FrameRef slot))
        {
            frames.Dequeue();
            frame.Bytes.CopyTo(pool.Arena.SlotBytes(slot));
            pool.Arena[slot].ArrivalNs = nowNs;
            pool.Arena[slot].Number = ++number;
            bytes += frame.Bytes.Length;
            batch[count++] = slot;
            captured(frame, slot);
        }

        return count;
    }

    public void Dispose()
    {
    }
}

/// <summary>The inject port: it may accept only a few frames per call, accept none for a while, and keep slots for some
/// time.</summary>
internal sealed class SimulatedInjectPort(
    Scheduler scheduler, Random random, int mostPerCall, long stallNs, Action<FrameRef, byte[]> left) : IInjectPort
{
    private readonly Queue<(FrameRef Frame, long FreeNs)> taken = new();
    private long frames;
    private long bytes;
    private long retries;
    private long stalledUntilNs;

    public string Name => "simulated";

    public InjectStatistics Statistics => new(frames, bytes, retries, 0, 0, 0);

    /// <summary>Whether frames that leave reach the clients.</summary>
    public bool HasLink { get; set; } = true;

    /// <summary>When a frame last had to wait because the port accepted no more, in nanoseconds.</summary>
    public long CloggedNs { get; private set; } = long.MinValue;

    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> offered, long nowNs)
    {
        if (stallNs != 0 && !offered.IsEmpty && scheduler.NowNs >= stalledUntilNs && random.Next(200) == 0)
        {
            stalledUntilNs = scheduler.NowNs + random.NextInt64(stallNs);
        }

        int most = scheduler.NowNs < stalledUntilNs ? 0 : mostPerCall == int.MaxValue ? mostPerCall : random.Next(mostPerCall + 1);
        int count = Math.Min(most, offered.Length);
        foreach (FrameRef frame in offered[..count])
        {
            byte[] copy = arena.Bytes(frame).ToArray();
            frames++;
            bytes += copy.Length;
            taken.Enqueue((frame, scheduler.NowNs + (stallNs == 0 ? 0 : random.NextInt64(Scheduler.Ms))));
            left(frame, copy);
        }

        if (count < offered.Length)
        {
            retries++;
            CloggedNs = scheduler.NowNs;
        }

        return count;
    }

    public int Reclaim(Span<FrameRef> reclaimed)
    {
        int count = 0;
        while (count < reclaimed.Length && taken.TryPeek(out (FrameRef Frame, long FreeNs) next) && next.FreeNs <= scheduler.NowNs)
        {
            reclaimed[count++] = taken.Dequeue().Frame;
        }

        return count;
    }

    public void Dispose()
    {
    }
}
