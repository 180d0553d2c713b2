// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Engine.Translate;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Capture;

/// <summary>
/// Receives the frames of clients: takes a batch from the port, drops what concerns no guest (R15), parses each frame once,
/// completes partial checksums, and passes the frame to the shard that owns the guest's flow. Fragments are not reassembled
/// (scenario 113). Also counts the slots that come home: a slot is free when every port that sends it has returned it.
/// </summary>
public sealed class WorldCaptureDuty : IDuty
{
    private readonly ICapturePort port;
    private readonly IInjectPort[] replicas;
    private readonly SlotPool pool;
    private readonly FrameArena arena;
    private readonly InboundRings[] shards;
    private readonly SpscRing<FrameRef>[] returned;
    private readonly GuestState guest;
    private readonly FlowHash flowHash;
    private readonly InboundFilter filter;
    private readonly bool completesChecksums;
    private readonly FrameRef[] batch = new FrameRef[EngineLimits.BatchFrames];
    private readonly int[] lent;
    private readonly int[] lentLarge;
    private int maxPayloadBytes;
    private bool intakeEnded;
    private bool drained;

    /// <summary>Makes the duty.</summary>
    /// <param name="port">The port towards the clients.</param>
    /// <param name="replicas">The ports towards the replicas, which limit the length of frames.</param>
    /// <param name="pool">The clients' slots.</param>
    /// <param name="shards">The rings of each shard.</param>
    /// <param name="returned">The rings through which the replicas' inject duties return slots.</param>
    /// <param name="guest">The state of the guest.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="filter">The filter of this duty.</param>
    internal WorldCaptureDuty(
        ICapturePort port, IInjectPort[] replicas, SlotPool pool, InboundRings[] shards, SpscRing<FrameRef>[] returned,
        GuestState guest, EngineOptions options, InboundFilter filter)
    {
        this.port = port;
        this.replicas = replicas;
        this.pool = pool;
        arena = pool.Arena;
        this.shards = shards;
        this.returned = returned;
        this.guest = guest;
        this.filter = filter;
        flowHash = new FlowHash(options.HashKey);
        completesChecksums = options.PartialChecksums == PartialChecksumPolicy.Complete;
        lent = new int[shards.Length];
        lentLarge = new int[shards.Length];
    }

    /// <summary>The number of frames whose partial checksum was completed; any thread may read it.</summary>
    public long CompletedChecksums { get; private set; }

    /// <summary>The filter, with the counts of the frames that it has dropped.</summary>
    public InboundFilter Filter => filter;

    /// <summary>Whether the path stops and all slots of the clients are free or lent; any thread may read it.</summary>
    public bool IsDrained => Volatile.Read(ref drained);

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        int work = TakeHome();
        bool stopping = guest.Stop.IsRaised;
        intakeEnded |= stopping && !port.HasHandedOver;
        int received = intakeEnded ? 0 : Receive(nowNs);
        if (stopping && received == 0)
        {
            intakeEnded = true;
            Volatile.Write(ref drained, pool.IsFullBut(port.PostedSlots + Sum(lent), Sum(lentLarge)));
        }

        return work + received;
    }

    private int Receive(long nowNs)
    {
        LendSpares();
        maxPayloadBytes = int.MaxValue;
        foreach (IInjectPort replica in replicas)
        {
            maxPayloadBytes = Math.Min(maxPayloadBytes, replica.MaxPayloadBytes);
        }

        int received = port.Receive(pool, batch, nowNs);
        int vnetHeaderBytes = port.VnetHeaderBytes;
        for (int i = 0; i < received; i++)
        {
            Take(batch[i], vnetHeaderBytes);
        }

        foreach (InboundRings rings in shards)
        {
            rings.World.Publish();
        }

        return received;
    }

    private static int Sum(int[] counts)
    {
        int sum = 0;
        foreach (int count in counts)
        {
            sum += count;
        }

        return sum;
    }

    private void Take(FrameRef frameRef, int vnetHeaderBytes)
    {
        ref Frame frame = ref arena[frameRef];
        frame.Side = Side.World;
        frame.Marks = FrameMarks.None;
        frame.Epoch = guest.CapturedEpoch;
        frame.FlowHash = 0;
        if ((frame.TrySkip(vnetHeaderBytes) ? ReasonToDrop(frameRef) : InboundDrop.Malformed) is { } reason)
        {
            filter.Count(reason);
            pool.Return(frameRef);
            return;
        }

        HandOn(frameRef);
    }

    private InboundDrop? ReasonToDrop(FrameRef frameRef)
    {
        if (filter.ReasonToDrop(arena.Bytes(frameRef)) is { } reason)
        {
            return reason;
        }

        ref Frame frame = ref arena[frameRef];
        FrameParser.Parse(arena.Bytes(frameRef), out frame.Layout);
        return frame.Length - frame.Layout.NetworkOffset > maxPayloadBytes ? InboundDrop.TooLong : null;
    }

    private void HandOn(FrameRef frameRef)
    {
        ref Frame frame = ref arena[frameRef];
        uint hash = 0;
        if (frame.Layout.Kind < FrameKind.NotCompared)
        {
            if (completesChecksums
                && PartialChecksum.TryComplete(arena.SlotBytes(frameRef).Slice(frame.Offset, frame.Length), in frame.Layout))
            {
                CompletedChecksums++;
            }

            hash = Identify(arena.View(frameRef));
        }

        shards[InboundRings.ShardOf(hash, shards.Length)].World.Add(frameRef);
    }

    /// <summary>Identifies the guest's flow that a frame concerns: its own, or the one whose segment an ICMP error quotes or a
    /// first fragment begins, so that the shard of that flow translates the numbers.</summary>
    private uint Identify(FrameView frame)
    {
        bool isPart = FrameTranslator.TryReadFlow(frame.Bytes, in frame.Descriptor.Layout, out FlowKey key);
        return isPart ? frame.Descriptor.FlowHash = flowHash.Of(in key) : flowHash.IdentifyClient(frame);
    }

    private int TakeHome()
    {
        int work = 0;
        for (int i = 0; i < shards.Length; i++)
        {
            work += TakeHome(shards[i].Home);
        }

        foreach (SpscRing<FrameRef> ring in returned)
        {
            work += TakeHome(ring);
        }

        return work;
    }

    private int TakeHome(SpscRing<FrameRef> ring)
    {
        int work = 0;
        int count = batch.Length;
        for (int batches = EngineLimits.HomeBatchesPerPoll; batches != 0 && count == batch.Length; batches--)
        {
            count = ring.Read(batch);
            for (int i = 0; i < count; i++)
            {
                Return(batch[i]);
            }

            work += count;
        }

        return work;
    }

    private void Return(FrameRef frameRef)
    {
        ref Frame frame = ref arena[frameRef];
        if (--frame.Awaited == 0)
        {
            pool.Return(frameRef);
            if ((frame.Marks & FrameMarks.Spare) != 0)
            {
                (arena.IsLarge(frameRef) ? lentLarge : lent)[InboundRings.ShardOf(frame.FlowHash, shards.Length)]--;
            }
        }
    }

    /// <summary>Lends each shard free slots for translated copies. A quarter of the slots at most is lent, and half of the large
    /// ones, so that frames still find slots.</summary>
    private void LendSpares()
    {
        int most = Math.Min(EngineLimits.SpareSlots, arena.SmallSlotsPerSide / 4 / shards.Length);
        int mostLarge = Math.Min(EngineLimits.LargeSpareSlots, Math.Max(1, arena.LargeSlotsPerSide / 2 / shards.Length));
        for (int i = 0; i < shards.Length; i++)
        {
            Lend(shards[i].Spare, 0, ref lent[i], most);
            // Where there are more shards than large slots, some shards get none.
            int room = (arena.LargeSlotsPerSide / 2) - Sum(lentLarge);
            Lend(shards[i].LargeSpare, EngineLimits.LargeSlotBytes, ref lentLarge[i], Math.Min(mostLarge, lentLarge[i] + room));
        }
    }

    private void Lend(SpscRing<FrameRef> spares, int bytes, ref int count, int most)
    {
        while (count < most && pool.TryTake(bytes, out FrameRef spare))
        {
            arena[spare].Marks = FrameMarks.Spare;
            spares.Add(spare);
            count++;
        }

        spares.Publish();
    }
}
