// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;

namespace ColoWire.Benchmarks.Shards;

/// <summary>
/// A capture port whose frames already are in their slots, as with an AF_XDP socket: free slots are in a queue, as in its fill
/// ring, so that each frame gets the slot that has waited longest. Receiving a frame means overwriting the flow's address, and in
/// TCP the sequence number, of the frame before.
/// </summary>
/// <param name="workload">The frames.</param>
/// <param name="side">The side that sends them.</param>
/// <param name="limit">Returns the number of frames that may have been delivered by now.</param>
internal sealed unsafe class StampedPort(Workload workload, Side side, Func<long> limit) : ICapturePort
{
    /// <summary>Offset of a frame in its chunk, in bytes: XDP_PACKET_HEADROOM (include/uapi/linux/bpf.h).</summary>
    public const int HeadroomBytes = 256;

    private readonly FrameRef* fillRing = (FrameRef*)NativeMemory.Alloc((nuint)workload.FillRingFrames, (nuint)sizeof(FrameRef));
    private readonly int fillRingFrames = workload.FillRingFrames;
    private readonly int frameBytes = workload.FrameBytes;
    private long filled;

    /// <inheritdoc/>
    public string Name => "memory";

    /// <summary>Number of delivered frames.</summary>
    public long Delivered { get; private set; }

    /// <inheritdoc/>
    public CaptureStatistics Statistics => new(Delivered, Delivered * workload.FrameBytes, 0, 0, 0, 0);

    /// <inheritdoc/>
    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        Refill(pool);
        FrameArena arena = pool.Arena;
        long number = Delivered;
        int count = (int)Math.Clamp(limit() - number, 0, Math.Min(batch.Length, filled - number));
        for (int i = 0; i < count; i++)
        {
            FrameRef received = fillRing[number & (fillRingFrames - 1)];
            batch[i] = received;
            ref Frame frame = ref arena[received];
            frame.Offset = HeadroomBytes;
            frame.ArrivalNs = nowNs;
            frame.Number = (uint)++number;
            frame.Length = workload.Stamp(arena.Pointer(received), number, side);
        }

        Delivered = number;
        return count;
    }

    /// <summary>Refills the queue with free slots; the first call also writes the bytes that are the same in every frame to all
    /// slots.</summary>
    private void Refill(SlotPool pool)
    {
        if (filled == 0)
        {
            FillSlots(pool);
        }

        int first = (int)(filled & (fillRingFrames - 1));
        long room = Math.Min(fillRingFrames - (filled - Delivered), fillRingFrames - first);
        filled += pool.Take(new Span<FrameRef>(fillRing + first, (int)room));
    }

    private void FillSlots(SlotPool pool)
    {
        FrameRef[] all = new FrameRef[pool.FreeSmall];
        pool.Take(all);
        foreach (FrameRef slot in all)
        {
            workload.Fill(pool.Arena.SlotBytes(slot).Slice(HeadroomBytes, frameBytes), side);
        }

        foreach (FrameRef slot in all)
        {
            pool.Return(slot);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(fillRing);
    }
}
