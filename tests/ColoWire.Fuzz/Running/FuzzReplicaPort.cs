// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Frames;
using ColoWire.Fuzz.Cases;

namespace ColoWire.Fuzz.Running;

/// <summary>The port of one pipeline that sends clients' frames to a replica: it may accept only a few frames per call, keep
/// slots for a while, and lose frames.</summary>
internal sealed class FuzzReplicaPort(ClientLedger ledger, Side replica, Shape shape) : IInjectPort
{
    private const int LosesOneIn = 7;

    private readonly Queue<(FrameRef Frame, int FreeAtCall)> taken = new();
    private readonly Queue<FrameRef> lost = new();
    private int calls;
    private long frames;

    public string Name => "replica";

    public int FramesPerCall { get; set; } = int.MaxValue;

    public int MaxPayloadBytes => shape.ReplicaMaxBytes == 0 ? int.MaxValue : shape.ReplicaMaxBytes;

    public InjectStatistics Statistics => new(frames, 0, 0, 0, 0, 0);

    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> offered, long nowNs)
    {
        calls++;
        int count = Math.Min(offered.Length, FramesPerCall);
        foreach (FrameRef frame in offered[..count])
        {
            // A port whose queue is short loses frames, too.
            if (FramesPerCall != int.MaxValue && (arena[frame].Number + (uint)replica) % LosesOneIn == 0)
            {
                lost.Enqueue(frame);
                continue;
            }

            ledger.Deliver(replica, arena[frame].Number, arena.Bytes(frame));
            frames++;
            taken.Enqueue((frame, calls + shape.OutputKeepsCalls));
        }

        return count;
    }

    public int ReclaimLost(Span<FrameRef> reclaimed)
    {
        int count = 0;
        while (count < reclaimed.Length && lost.TryDequeue(out FrameRef frame))
        {
            reclaimed[count++] = frame;
        }

        return count;
    }

    public int Reclaim(Span<FrameRef> reclaimed)
    {
        int count = 0;
        while (count < reclaimed.Length && taken.TryPeek(out (FrameRef Frame, int FreeAtCall) next) && next.FreeAtCall <= calls)
        {
            reclaimed[count++] = taken.Dequeue().Frame;
        }

        return count;
    }

    public void Dispose()
    {
    }
}
