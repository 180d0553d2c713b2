// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Threading;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Capture;

/// <summary>
/// Receives frames: takes a batch from the port, parses each frame once, completes partial checksums, reassembles fragments,
/// hashes the flow and passes the frame to the shard that owns the flow. Also returns freed slots to the pool.
/// </summary>
public sealed partial class CaptureDuty : IDuty
{
    private readonly ICapturePort port;
    private readonly SlotPool pool;
    private readonly FrameArena arena;
    private readonly Side side;
    private readonly SpscRing<FrameRef>[] toShards;
    private readonly SpscRing<FrameRef>[] home;
    private readonly GuestState guest;
    private readonly Quarantine quarantine;
    private readonly FlowHash flowHash;
    private readonly FrameRef[] batch = new FrameRef[EngineLimits.BatchFrames];
    private readonly Reassembler fragments;
    private readonly int lowSmallSlots;
    private readonly bool completesChecksums;
    private readonly bool vnetHeadersLeave;
    private int received;
    private int next;
    private bool completesInBatch;
    private uint epoch;
    private bool drained;
    private bool forwards;
    private bool intakeEnded;

    internal CaptureDuty(
        ICapturePort port,
        IInjectPort output,
        SlotPool pool,
        SpscRing<FrameRef>[] toShards,
        SpscRing<FrameRef>[] home,
        GuestState guest,
        EngineOptions options,
        Quarantine quarantine,
        CaptureDuty? failed)
    {
        this.port = port;
        this.pool = pool;
        arena = pool.Arena;
        side = pool.Side;
        this.toShards = toShards;
        this.home = home;
        this.guest = guest;
        flowHash = new FlowHash(options.HashKey);
        this.quarantine = quarantine;
        fragments = new Reassembler(pool, options, failed?.Reassembly);
        CompletedChecksums = failed?.CompletedChecksums ?? 0;
        completesChecksums = options.PartialChecksums == PartialChecksumPolicy.Complete;
        vnetHeadersLeave = output.KeepsVnetHeader;
        // The last batch of slots remains for frames that arrive while the shards release slots.
        lowSmallSlots = Math.Min(EngineLimits.BatchFrames, arena.SmallSlotsPerSide / 2);
    }

    /// <summary>Signals to the shards that free slots run out.</summary>
    internal PressureSignal Pressure { get; } = new();

    /// <summary>The counters of fragmented datagrams; any thread may read them.</summary>
    public ReassemblyCounters Reassembly => fragments.Counters;

    /// <summary>The number of frames whose partial checksum was completed; any thread may read it.</summary>
    public long CompletedChecksums { get; private set; }

    /// <summary>Whether the path stops and all slots of this side are free; any thread may read it.</summary>
    public bool IsDrained => Volatile.Read(ref drained);

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        int work = TakeHome();
        bool stopping = guest.Stop.IsRaised;
        if (stopping && !port.HasHandedOver)
        {
            intakeEnded = true;
        }

        int taken = intakeEnded ? 0 : Receive(nowNs);
        if (stopping && taken == 0)
        {
            intakeEnded = true;
            fragments.GiveUpAll(DatagramOutcome.Stop, nowNs);
            HandOn();
            Publish();
            Volatile.Write(ref drained, pool.IsFullBut(port.PostedSlots));
            return work;
        }

        return work + taken;
    }

    private int Receive(long nowNs)
    {
        BeginEpoch(nowNs);
        // Neither index is reset when the duty fails: the failure report then names the frame.
        next = 0;
        received = port.Receive(pool, batch, nowNs);
        int vnetHeaderBytes = port.VnetHeaderBytes;
        // Where the virtio-net header is sent along, its receiver completes the checksum that the header declares partial.
        completesInBatch = completesChecksums && !(vnetHeadersLeave && vnetHeaderBytes != 0);
        for (; next < received; next++)
        {
            Take(batch[next], vnetHeaderBytes);
        }

        // After the frames are processed: a fragment that arrived in time must not expire because it waited in the port.
        fragments.Expire(nowNs);
        HandOn();
        Publish();
        Pressure.Set(MeasurePressure());
        return received;
    }

    private void BeginEpoch(long nowNs)
    {
        // Acquire: a frame must not get an epoch older than one that was visible when it arrived. Partners: BeginEpoch and
        // CaptureNextEpoch of GuestState.Writer.
        uint seen = guest.CapturedEpoch;
        if (seen != epoch)
        {
            epoch = seen;
            fragments.BeginEpoch(nowNs, guest.Mode);
            HandOn();
        }

        if (!forwards && guest.Protection == Protection.SecondaryAlone)
        {
            // Nothing is compared from here on: fragments are forwarded without reassembly.
            forwards = true;
            fragments.GiveUpAll(DatagramOutcome.Stop, nowNs);
            HandOn();
        }
    }

    private void Publish()
    {
        foreach (SpscRing<FrameRef> ring in toShards)
        {
            ring.Publish();
        }
    }

    private Pressure MeasurePressure()
    {
        if (pool.FreeSmall + port.PostedSlots < lowSmallSlots)
        {
            return Capture.Pressure.Small;
        }

        return pool.FreeLarge == 0 && arena.LargeSlotsPerSide != 0 ? Capture.Pressure.Large : Capture.Pressure.None;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Take(FrameRef frameRef, int vnetHeaderBytes)
    {
        if (vnetHeaderBytes != 0 && !TryStepOver(vnetHeaderBytes, frameRef))
        {
            return;
        }

        FrameView view = arena.View(frameRef);
        Begin(ref view.Descriptor);
        if (FrameParser.TryParseRegular(view.Bytes, out view.Descriptor.Layout))
        {
            if (completesInBatch && PartialChecksum.IsInRegular(in view.Descriptor.Layout, in view.First))
            {
                CompleteChecksum(frameRef);
            }

            HandOn(frameRef, flowHash.Identify(view));
        }
        else
        {
            TakeAny(frameRef);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Begin(ref Frame frame)
    {
        frame.Side = side;
        frame.Marks = FrameMarks.None;
        frame.Epoch = epoch;
    }

    /// <summary>Skips the virtio-net header that the port puts before a frame.</summary>
    /// <returns>False when the frame is shorter than the header; it was then passed on as malformed.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryStepOver(int vnetHeaderBytes, FrameRef frameRef)
    {
        ref Frame frame = ref arena[frameRef];
        if (!frame.TrySkip(vnetHeaderBytes))
        {
            Begin(ref frame);
            FrameParser.Refuse(MalformedKind.VnetHeader, out frame.Layout);
            HandOnUnidentified(frameRef);
            return false;
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TakeAny(FrameRef frameRef)
    {
        ref Frame frame = ref arena[frameRef];
        FrameParser.ParseAny(arena.Bytes(frameRef), out frame.Layout);
        if (frame.Layout.Kind == FrameKind.Fragment && !forwards && !IsQuarantined(frameRef))
        {
            fragments.Accept(frameRef);
            HandOn();
        }
        else
        {
            if (completesInBatch)
            {
                CompleteChecksum(frameRef);
            }

            HandOnAny(frameRef);
        }
    }

    /// <summary>
    /// Completes a partial checksum at the capture, before any comparison: the frames of both sides are compared as a NIC would
    /// have sent them, and the frames of either side are complete when they are sent.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CompleteChecksum(FrameRef frameRef)
    {
        ref Frame frame = ref arena[frameRef];
        if (PartialChecksum.TryComplete(arena.SlotBytes(frameRef).Slice(frame.Offset, frame.Length), in frame.Layout))
        {
            CompletedChecksums++;
        }
    }

    /// <summary>Passes on the output of the reassembly.</summary>
    private void HandOn()
    {
        while (fragments.TryTake(out FrameRef frame))
        {
            HandOnAny(frame);
        }
    }

    private void HandOnAny(FrameRef frame)
    {
        if (arena[frame].Layout.Kind < FrameKind.NotCompared)
        {
            HandOn(frame, flowHash.IdentifyAny(arena.View(frame)));
        }
        else
        {
            HandOnUnidentified(frame);
        }
    }

    /// <summary>Passes on a frame that is not compared and so belongs to no flow.</summary>
    private void HandOnUnidentified(FrameRef frame)
    {
        arena[frame].FlowHash = 0;
        HandOn(frame, 0);
    }

    /// <summary>Passes a frame to the shard of its flow: the upper bits of the hash select the shard, the lower bits the
    /// bucket.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void HandOn(FrameRef frame, uint hash) => toShards[(int)((hash * (ulong)toShards.Length) >> 32)].Add(frame);

    private int TakeHome()
    {
        int work = 0;
        foreach (SpscRing<FrameRef> ring in home)
        {
            int count = batch.Length;
            for (int batches = EngineLimits.HomeBatchesPerPoll; batches != 0 && count == batch.Length; batches--)
            {
                count = ring.Read(batch);
                pool.Return(batch, count);
                work += count;
            }
        }

        return work;
    }
}
