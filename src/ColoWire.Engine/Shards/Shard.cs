// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Owns a set of flows with all their frames and timers; only one thread accesses it. It takes the frames of both sides from its
/// rings, finds the flow of each frame once, and passes both to the intake of the frame's side.
/// </summary>
public sealed class Shard : IDuty, IDisposable
{
    private readonly FrameArena arena;
    private readonly FlowTable flows;
    private readonly FrameBatch primaryBatch;
    private readonly FrameBatch secondaryBatch;
    private readonly FrameBatch? clientBatch;
    private readonly PrimaryIntake primaries;
    private readonly SecondaryIntake secondaries;
    private readonly ClientIntake? clients;
    private readonly ClientExits? clientExits;
    private readonly ShardView view;
    private readonly FlowWalk walk;
    private readonly SlotRelief relief;
    private readonly HeldComparison comparison;
    private readonly Expiry expiry;
    private readonly SuspectQueue suspects;
    private readonly Disposition disposition;
    private readonly ShardRings rings;
    private readonly UnfinishedFlow unfinished;
    private readonly WorkPlace place = new();

    internal Shard(
        EngineOptions options,
        FrameArena arena,
        ShardRings rings,
        GuestState guest,
        ShardSignals signals,
        Quarantine quarantine,
        GuestAddresses addresses,
        Shard? failed)
    {
        Addresses = addresses;
        const long NanosecondsPerMs = 1_000_000;
        Counters = failed?.Counters ?? new ShardCounters();
        Counters.BeginAnew();
        Inbound = rings.Inbound is null ? null : failed?.Inbound ?? new InboundCounters();
        this.arena = arena;
        this.rings = rings;
        long graceNs = options.GraceMs * NanosecondsPerMs;
        EpochStart epochStart = new(graceNs);
        FlushLog flushes = new();
        flows = new FlowTable(options.FlowsPerShard, options.AdviseMemory, rings.Inbound is not null);
        suspects = new SuspectQueue(flows, graceNs);
        unfinished = new UnfinishedFlow(Steps);
        disposition = new Disposition(arena, rings, Counters);
        view = new ShardView(options, guest, flushes, epochStart, unfinished);
        FlowComparers comparers = new(options, arena, flows, Counters, disposition, epochStart, Steps);
        HeldFrames held = new(arena, flows, comparers, disposition, suspects, unfinished, view, Steps, Counters);
        DivergenceReporter reports = new(arena, rings.Reports, view, Counters);
        FlowLifecycle lifecycle = new(
            flows, held, view, flushes, new FlowShare(options.CheckpointShare), reports, unfinished);
        comparison = new HeldComparison(
            arena, flows, comparers, held, lifecycle, disposition, epochStart, suspects, unfinished, view, Steps);
        walk = new FlowWalk(flows, view, lifecycle, Steps, place);
        relief = new SlotRelief(arena, flows, signals, view, lifecycle, reports, unfinished, Steps, place, Counters);
        expiry = new Expiry(options, arena, flows, comparers, comparison, lifecycle, reports, suspects, unfinished, Steps, place);
        Admission admission = new(
            options, arena, flows, quarantine, flushes, view, lifecycle, held, unfinished, Steps, place, Counters);
        ClientTracker? tracker = Inbound is null ? null : new ClientTracker(flows, view, lifecycle, Addresses, Inbound);
        primaries = new PrimaryIntake(
            options, arena, view, walk, admission, comparers, held, comparison, lifecycle, disposition, unfinished, tracker);
        secondaries = new SecondaryIntake(
            options, arena, view, walk, admission, comparers, held, comparison, lifecycle, disposition, unfinished, tracker);
        primaryBatch = new FrameBatch(rings.Primary);
        secondaryBatch = new FrameBatch(rings.Secondary);
        if (rings.Inbound is { } inbound)
        {
            clientBatch = new FrameBatch(inbound.World);
            clientExits = new ClientExits(arena, inbound, Inbound!);
            KeptClients kept = new(options.CompareTimeoutMs * NanosecondsPerMs);
            clients = new ClientIntake(
                arena, flows, view, walk, lifecycle, tracker!, clientExits, kept, inbound, unfinished);
        }
    }

    /// <summary>The counters of the shard; any thread may read them.</summary>
    public ShardCounters Counters { get; }

    /// <summary>What became of the frames of clients; null where none pass. Any thread may read it.</summary>
    public InboundCounters? Inbound { get; }

    /// <summary>The guest's MAC addresses that this shard has learned.</summary>
    internal GuestAddresses Addresses { get; }

    /// <summary>The steps of the last poll beyond the processing of its frames.</summary>
    internal StepMeter Steps { get; } = new();

    /// <summary>
    /// The time when the next grace ends, in nanoseconds of the engine's clock; <see cref="long.MaxValue"/> when no frame is
    /// suspect.
    /// </summary>
    internal long NextDueNs => suspects.NextDueNs;

    /// <summary>
    /// The number of the secondary's frames that the shard holds or has not taken yet. Read only after the shard's thread has
    /// ended.
    /// </summary>
    internal long SecondaryUnderWay => Counters.SecondaryHeld + secondaryBatch.Waiting;

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        Steps.Begin();
        comparison.Resume(place, nowNs);
        view.RenewPrediction();
        if (!unfinished.IsAny)
        {
            walk.Refresh(nowNs);
            relief.KeepBounds(nowNs);
            walk.Continue();
        }

        int work = TakePrimaries(nowNs) + TakeSecondaries(nowNs);
        if (clients is not null)
        {
            work += TakeClients(nowNs);
        }

        if (view.HasObserved)
        {
            work += disposition.TakeInjected();
        }

        // After the frames are processed: a twin that arrived in time must not count as late because it waited in a ring.
        if (view.IsCompared && !unfinished.IsAny)
        {
            expiry.ResolveSuspects(nowNs);
            expiry.Scan(nowNs);
        }

        disposition.Publish();
        rings.Reports.Publish();
        // A core sleeps when a poll reports no work, so unfinished work counts as work.
        bool hasMoreToDo = unfinished.EndsPoll || walk.IsUnderWay || relief.IsUnderWay;
        return work + (hasMoreToDo ? 1 : 0);
    }

    /// <summary>Frees the memory of the flows. The duty may not be running.</summary>
    public void Dispose() => flows.Dispose();

    /// <summary>
    /// Finds the flow, and the frame if any, that the shard was processing when it failed. Called only after the shard's thread
    /// has ended.
    /// </summary>
    /// <returns>Null when it was processing none.</returns>
    internal Culprit? FindCulprit()
    {
        FrameRef frame = place.Batch switch
        {
            Side.Primary => primaryBatch[primaryBatch.Next],
            Side.Secondary => secondaryBatch[secondaryBatch.Next],
            Side.World => clientBatch![clientBatch.Next],
            _ => FrameRef.None,
        };
        CulpritWriter writer = new(arena, frame);
        if (place.FlowIndex != Flow.None)
        {
            // A flow that was processed for another reason than this frame: an eviction, a flush or a timeout.
            writer.AddHeld(in flows[place.FlowIndex]);
            return writer.Of(in flows[place.FlowIndex].Key);
        }

        if (frame.IsNone)
        {
            return null;
        }

        FlowKey key = writer.KeyOf(frame);
        if (flows.TryFind(in key, arena[frame].FlowHash, out uint found))
        {
            writer.AddHeld(in flows[found]);
        }

        return writer.Of(in key);
    }

    /// <summary>
    /// Takes a batch of the primary's frames; frames for which there is no room yet (<c>overflow: hold</c>) are the first at the
    /// next poll.
    /// </summary>
    private int TakePrimaries(long nowNs)
    {
        if (primaryBatch.TryRefill())
        {
            PrefetchFlows(primaryBatch);
            primaries.NoteAddress(arena.View(primaryBatch[0]));
        }

        int start = primaryBatch.Next;
        int next = start;
        place.Batch = Side.Primary;
        for (; next < primaryBatch.Count; next++)
        {
            // Not reset when the shard fails: the failure report then names this frame.
            primaryBatch.Next = next;
            FrameView frame = arena.View(primaryBatch[next]);
            ref Flow flow = ref Find(frame, nowNs);
            if (!primaries.Take(ref flow, frame, nowNs))
            {
                break;
            }
        }

        primaryBatch.Next = next;
        place.Batch = null;
        return next - start;
    }

    /// <summary>
    /// Takes a batch of the secondary's frames; frames of an epoch that has not begun are the first at the next poll.
    /// </summary>
    private int TakeSecondaries(long nowNs)
    {
        if (secondaryBatch.TryRefill())
        {
            PrefetchFlows(secondaryBatch);
        }

        int start = secondaryBatch.Next;
        int next = start;
        int prefetched = CountToPrefetch(secondaryBatch);
        place.Batch = Side.Secondary;
        for (; next < secondaryBatch.Count; next++)
        {
            if (next + EngineLimits.PrefetchLeadFrames < prefetched)
            {
                PrefetchPayloads(next + EngineLimits.PrefetchLeadFrames);
            }

            secondaryBatch.Next = next;
            FrameView frame = arena.View(secondaryBatch[next]);
            ref Flow flow = ref Find(frame, nowNs);
            if (!secondaries.Take(ref flow, frame, nowNs))
            {
                break;
            }
        }

        secondaryBatch.Next = next;
        place.Batch = null;
        return next - start;
    }

    /// <summary>
    /// Takes back what a replica has missed, then takes a batch of the clients' frames; frames that wait for the end of a
    /// checkpoint are the first at the next poll.
    /// </summary>
    private int TakeClients(long nowNs)
    {
        int missed = clients!.TakeMissed();
        clients.SendKept(nowNs);
        clientBatch!.TryRefill();
        int start = clientBatch.Next;
        int next = start;
        place.Batch = Side.World;
        for (; next < clientBatch.Count; next++)
        {
            clientBatch.Next = next;
            if (!clients.Take(arena.View(clientBatch[next]), nowNs))
            {
                break;
            }
        }

        clientBatch.Next = next;
        place.Batch = null;
        clientExits!.Publish();
        return missed + next - start;
    }

    /// <summary>Finds the flow of a frame; no later step searches for it again.</summary>
    /// <returns>The flow, or a null reference when none exists yet or the frame is not compared.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Flow Find(FrameView frame, long nowNs)
    {
        if (frame.Descriptor.Layout.Kind >= FrameKind.NotCompared)
        {
            return ref Unsafe.NullRef<Flow>();
        }

        return ref flows.Find(frame, nowNs);
    }

    /// <summary>
    /// The number of frames of a batch whose payload is prefetched: all or none, by the length of the next frame, because short
    /// frames have no payload beyond the cache line of their headers.
    /// </summary>
    private int CountToPrefetch(FrameBatch batch) =>
        batch.Next < batch.Count && arena[batch[batch.Next]].Length > EngineLimits.CacheLineBytes ? batch.Count : 0;

    /// <summary>
    /// Prefetches the payload of a secondary frame, and that of the primary frame at the same index, which usually is its twin,
    /// so that the memory access overlaps the comparison of earlier frames. A wrong guess costs only the prefetch.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void PrefetchPayloads(int at)
    {
        arena.View(secondaryBatch[at]).PrefetchPayload();
        arena.View(primaryBatch[at]).PrefetchPayload();
    }

    /// <summary>
    /// Prefetches the flows of a batch together, because their records are scattered in memory and the cache misses would
    /// otherwise occur one after another.
    /// </summary>
    private void PrefetchFlows(FrameBatch batch)
    {
        if (flows.Count < EngineLimits.CachedFlows)
        {
            return;
        }

        for (int i = 0; i < batch.Count; i++)
        {
            flows.PrefetchBucket(arena[batch[i]].FlowHash);
        }

        for (int i = 0; i < batch.Count; i++)
        {
            ref Frame frame = ref arena[batch[i]];
            flows.PrefetchFlow(frame.FlowHash, frame.Layout.Kind == FrameKind.Tcp);
        }
    }
}
