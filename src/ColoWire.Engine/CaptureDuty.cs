// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine;

/// <summary>
/// Where the way of a frame begins: takes a batch from the port, parses each frame once, hashes its flow and hands it to the shard
/// that owns the flow. Takes home the slots that come back.
/// </summary>
public sealed class CaptureDuty : IDuty
{
    private readonly ICapturePort port;
    private readonly SlotPool pool;
    private readonly SpscRing<FrameRef>[] toShards;
    private readonly SpscRing<FrameRef>[] home;
    private readonly CheckpointGate gate;
    private readonly StopSignal stop;
    private readonly FlowHashKey hashKey;
    private readonly FrameRef[] batch = new FrameRef[EngineLimits.BatchFrames];
    private readonly int lowSmallSlots;
    private bool drained;

    internal CaptureDuty(
        ICapturePort port,
        SlotPool pool,
        SpscRing<FrameRef>[] toShards,
        SpscRing<FrameRef>[] home,
        CheckpointGate gate,
        FlowHashKey hashKey,
        StopSignal stop)
    {
        this.port = port;
        this.pool = pool;
        this.toShards = toShards;
        this.home = home;
        this.gate = gate;
        this.hashKey = hashKey;
        this.stop = stop;
        // The last batch of slots is for the frames that arrive while the shards make room.
        lowSmallSlots = Math.Min(EngineLimits.BatchFrames, pool.FreeSmall / 2);
    }

    /// <summary>Says to the shards that slots run out.</summary>
    internal PressureSignal Pressure { get; } = new();

    /// <summary>Whether the path stops and all slots of this side are home; any thread may ask.</summary>
    public bool IsDrained => Volatile.Read(ref drained);

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        int work = TakeHome();
        if (stop.IsRaised)
        {
            Volatile.Write(ref drained, pool.IsFull);
            return work;
        }

        // Acquire: a frame must not bear an epoch older than one that was visible when it came. Partner: CheckpointGate.Poll.
        uint epoch = gate.Epoch;
        int received = port.Receive(pool, batch, nowNs);
        foreach (FrameRef frame in batch.AsSpan(0, received))
        {
            toShards[Classify(frame, epoch)].Add(frame);
        }

        if (received != 0)
        {
            foreach (SpscRing<FrameRef> ring in toShards)
            {
                ring.Publish();
            }
        }

        Pressure.Set(MeasurePressure());
        return work + received;
    }

    private Pressure MeasurePressure()
    {
        if (pool.FreeSmall < lowSmallSlots)
        {
            return Engine.Pressure.Small;
        }

        return pool.FreeLarge == 0 && pool.Arena.LargeSlotsPerSide != 0 ? Engine.Pressure.Large : Engine.Pressure.None;
    }

    private int Classify(FrameRef frameRef, uint epoch)
    {
        ref Frame frame = ref pool.Arena[frameRef];
        frame.Side = pool.Side;
        frame.Progress = FrameProgress.None;
        frame.Epoch = epoch;
        ReadOnlySpan<byte> bytes = pool.Arena.Bytes(frameRef);
        FrameParser.Parse(bytes, out frame.Layout);
        if (frame.Layout.Kind >= FrameKind.Pass)
        {
            frame.FlowHash = 0;
            return 0;
        }

        FrameParser.ReadKey(bytes, in frame.Layout, out FlowKey key);
        frame.FlowHash = key.Hash(in hashKey);
        // The hash's upper bits choose the shard, its lower ones the bucket.
        return (int)((frame.FlowHash * (ulong)toShards.Length) >> 32);
    }

    private int TakeHome()
    {
        int work = 0;
        foreach (SpscRing<FrameRef> ring in home)
        {
            int count;
            while ((count = ring.Read(batch)) != 0)
            {
                foreach (FrameRef frame in batch.AsSpan(0, count))
                {
                    pool.Return(frame);
                }

                work += count;
            }
        }

        return work;
    }
}
