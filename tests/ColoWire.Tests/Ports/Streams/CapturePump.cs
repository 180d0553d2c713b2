// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Streams;

namespace ColoWire.Tests.Ports.Streams;

/// <summary>Polls a capture port as a duty does, and keeps the frames.</summary>
internal sealed class CapturePump(StreamCapturePort port, FrameArena arena)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly FrameRef[] batch = new FrameRef[EngineLimits.BatchFrames];

    /// <summary>The frames without their virtio-net headers, as the engine sees them; null in place of a malformed one.</summary>
    public List<byte[]?> Frames { get; } = [];

    /// <summary>The virtio-net headers in the slots.</summary>
    public List<byte[]> Headers { get; } = [];

    public List<uint> Numbers { get; } = [];

    /// <summary>Whether slots are returned at once.</summary>
    public bool ReturnsSlots { get; init; } = true;

    /// <summary>Polls once.</summary>
    public int Poll(long nowNs = 7)
    {
        int count = port.Receive(arena.Primary, batch, nowNs);
        for (int i = 0; i < count; i++)
        {
            Keep(batch[i]);
        }

        if (ReturnsSlots)
        {
            arena.Primary.Return(batch, count);
        }

        return count;
    }

    /// <summary>Polls until so many frames were received.</summary>
    public void Until(int frames) => Until(() => Frames.Count >= frames);

    public void Until(Func<bool> condition)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (!condition())
        {
            if (Poll() == 0)
            {
                Thread.Sleep(1);
            }

            if (waited.Elapsed > Patience)
            {
                throw new TimeoutException($"{Frames.Count} frames came; {port.Name} is {port.Link}: {port.Trouble}");
            }
        }
    }

    private void Keep(FrameRef reference)
    {
        ref Frame frame = ref arena[reference];
        Numbers.Add(frame.Number);
        if (frame.Length < port.VnetHeaderBytes)
        {
            Frames.Add(null);
            Headers.Add([]);
            return;
        }

        frame.Offset += (ushort)port.VnetHeaderBytes;
        frame.Length -= port.VnetHeaderBytes;
        int headerBytes = arena.SlotBytes(reference)[0];
        Frames.Add(arena.Bytes(reference).ToArray());
        Headers.Add(arena.SlotBytes(reference).Slice(StreamFormat.FrameOffset - headerBytes, headerBytes).ToArray());
    }
}
