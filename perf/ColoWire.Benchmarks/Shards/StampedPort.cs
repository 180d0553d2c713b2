// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;
using ColoWire.Engine.Frames;

namespace ColoWire.Benchmarks.Shards;

/// <summary>
/// Frames that already lie in their slots, as behind an AF_XDP socket: all free slots stand in a queue, as in its fill ring, so that
/// each frame comes into the one that was used longest ago and no cache knows it any more. Receiving is writing the flow's address,
/// and in TCP the sequence number, over those of the frame before.
/// </summary>
/// <param name="workload">What is said.</param>
/// <param name="limit">How many frames may have been delivered by now.</param>
internal sealed class StampedPort(Workload workload, Func<long> limit) : ICapturePort
{
    /// <summary>Where a frame begins in its chunk: XDP_PACKET_HEADROOM (include/uapi/linux/bpf.h).</summary>
    public const int HeadroomBytes = 256;

    private FrameRef[] fillRing = [];
    private long filled;

    /// <inheritdoc/>
    public string Name => "memory";

    /// <summary>Frames delivered.</summary>
    public long Delivered { get; private set; }

    /// <inheritdoc/>
    public CaptureStatistics Statistics => new(Delivered, Delivered * workload.FrameBytes, 0, 0, 0, 0);

    /// <inheritdoc/>
    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        Refill(pool);
        int count = (int)Math.Clamp(limit() - Delivered, 0, Math.Min(batch.Length, filled - Delivered));
        for (int i = 0; i < count; i++)
        {
            FrameRef frameRef = fillRing[Delivered & (fillRing.Length - 1)];
            batch[i] = frameRef;
            ref Frame frame = ref pool.Arena[frameRef];
            frame.Offset = HeadroomBytes;
            frame.ArrivalNs = nowNs;
            frame.Number = (uint)Delivered + 1;
            workload.Stamp(pool.Arena.SlotBytes(frameRef)[HeadroomBytes..], Delivered);
            Delivered++;
        }

        return count;
    }

    /// <summary>Puts every free slot into the queue; the first time, with all that is the same in every frame.</summary>
    private void Refill(SlotPool pool)
    {
        if (fillRing.Length == 0)
        {
            fillRing = new FrameRef[BitOperations.RoundUpToPowerOf2((uint)pool.FreeSmall)];
            while (pool.TryTake(workload.FrameBytes, out FrameRef slot))
            {
                workload.Fill(pool.Arena.SlotBytes(slot).Slice(HeadroomBytes, workload.FrameBytes));
                fillRing[filled++] = slot;
            }
        }

        while (pool.TryTake(workload.FrameBytes, out FrameRef slot))
        {
            fillRing[filled++ & (fillRing.Length - 1)] = slot;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // It owns nothing: the slots are the arena's.
    }
}
