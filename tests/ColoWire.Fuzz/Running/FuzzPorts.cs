// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Fuzz.Cases;

namespace ColoWire.Fuzz.Running;

/// <summary>The capture port of one side and one pipeline. Frames for which the engine has no slot wait here, as in a kernel's
/// buffer.</summary>
internal sealed class FuzzCapturePort(
    FuzzCase ofCase, Ledger ledger, int pipeline, int vnetHeaderBytes, ClientLedger? clients = null) : ICapturePort
{
    private readonly Queue<int> frames = new();
    private uint number;
    private long bytes;
    private long oversize;

    public string Name => "fuzz";

    public bool HasLink { get; set; } = true;

    public bool HasHandedOver { get; init; }

    public int VnetHeaderBytes => vnetHeaderBytes;

    public int Waiting => frames.Count;

    public CaptureStatistics Statistics => new(number, bytes, 0, 0, oversize, 0);

    public void Feed(int step) => frames.Enqueue(step);

    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        int count = 0;
        while (count < batch.Length && frames.TryPeek(out int index))
        {
            Step step = ofCase.Steps[index];
            bool isTooLong = step.Length > EngineLimits.MaxFrameBytes + vnetHeaderBytes
                || (step.Length > EngineLimits.SmallSlotBytes && pool.Arena.LargeSlotsPerSide == 0);
            if (isTooLong)
            {
                frames.Dequeue();
                number++;
                oversize++;
                continue;
            }

            if (!pool.TryTake(step.Length, out FrameRef slot))
            {
                break;
            }

            frames.Dequeue();
            ofCase.Frame(in step).CopyTo(pool.Arena.SlotBytes(slot));
            pool.Arena[slot].ArrivalNs = nowNs;
            pool.Arena[slot].Number = ++number;
            bytes += step.Length;
            batch[count++] = slot;
            if (clients is null)
            {
                ledger.Take(pipeline, slot, index);
            }
            else
            {
                clients.Take(number, index);
            }
        }

        return count;
    }

    public void Dispose()
    {
    }
}

/// <summary>The inject port of one pipeline: it may accept only a few frames per call, keep slots for a while, and have no
/// link.</summary>
internal sealed class FuzzInjectPort(Ledger ledger, int pipeline, Shape shape) : IInjectPort
{
    private readonly Queue<(FrameRef Frame, int FreeAtCall)> taken = new();
    private int calls;
    private long frames;
    private long bytes;
    private long lost;

    public string Name => "fuzz";

    public bool KeepsVnetHeader => shape.OutputKeepsVnetHeader;

    public bool HasLink { get; set; } = true;

    /// <summary>How many frames a call accepts at most.</summary>
    public int FramesPerCall { get; set; } = int.MaxValue;

    public InjectStatistics Statistics => new(frames, bytes, 0, 0, lost, 0);

    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> offered, long nowNs)
    {
        calls++;
        int count = Math.Min(offered.Length, FramesPerCall);
        foreach (FrameRef frame in offered[..count])
        {
            ReadOnlySpan<byte> content = arena.Bytes(frame);
            ledger.Leave(pipeline, frame, content);
            frames += HasLink ? 1 : 0;
            bytes += HasLink ? content.Length : 0;
            lost += HasLink ? 0 : 1;
            taken.Enqueue((frame, calls + shape.OutputKeepsCalls));
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
