// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;

namespace ColoWire.Tests.Control;

/// <summary>Gives the frames that the test says, when it says them.</summary>
internal sealed class StagedCapturePort(string name) : ICapturePort
{
    private readonly ConcurrentQueue<byte[]> waiting = new();
    private long delivered;

    public string Name => name;

    public CaptureStatistics Statistics => new(Volatile.Read(ref delivered), 0, 0, 0, 0, 0);

    public void Say(byte[] frame) => waiting.Enqueue(frame);

    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        int taken = 0;
        while (taken < batch.Length && waiting.TryPeek(out byte[]? frame) && pool.TryTake(frame.Length, out batch[taken]))
        {
            pool.Arena[batch[taken]].ArrivalNs = nowNs;
            frame.CopyTo(pool.Arena.SlotBytes(batch[taken]));
            waiting.TryDequeue(out _);
            Volatile.Write(ref delivered, delivered + 1);
            taken++;
        }

        return taken;
    }

    public void Dispose()
    {
    }
}

/// <summary>Keeps what leaves.</summary>
internal sealed class KeepingInjectPort : IInjectPort
{
    /// <summary>Ethernet, IPv4 and UDP, before the payload.</summary>
    private const int HeaderBytes = 42;

    private readonly ConcurrentQueue<string> left = new();
    private readonly Queue<FrameRef> home = new();

    public string Name => "staged:out";

    /// <summary>The payloads of the datagrams that have left.</summary>
    public string[] Left => [.. left];

    public InjectStatistics Statistics => new(left.Count, 0, 0, 0, 0, 0);

    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        foreach (FrameRef frame in frames)
        {
            left.Enqueue(Encoding.ASCII.GetString(arena.SlotBytes(frame)[HeaderBytes..arena[frame].Length]));
            home.Enqueue(frame);
        }

        return frames.Length;
    }

    public int Reclaim(Span<FrameRef> frames)
    {
        int count = Math.Min(frames.Length, home.Count);
        for (int i = 0; i < count; i++)
        {
            frames[i] = home.Dequeue();
        }

        return count;
    }

    public void Dispose()
    {
    }
}

/// <summary>Makes checkpoints, at once or never.</summary>
internal sealed class StagedRequester(bool makes) : ICheckpointRequester
{
    private int due;
    private int asked;

    public bool Synchronises => true;

    public int Asked => Volatile.Read(ref asked);

    public void Request(in CheckpointReport cause, long nowNs)
    {
        Volatile.Write(ref asked, asked + 1);
        due = makes ? 1 : 0;
    }

    public CheckpointEvent Poll(long nowNs)
    {
        CheckpointEvent happened = due == 1 ? CheckpointEvent.Completed : CheckpointEvent.None;
        due = 0;
        return happened;
    }
}
