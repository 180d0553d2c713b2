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
/// Owns a set of flows, all their frames and timers; touched by one thread only. Takes both sides' frames from its rings, finds the flow of
/// each once, and gives both to the intake of the frame's side.
/// </summary>
public sealed class Shard : IDuty, IDisposable
{
    private readonly FrameArena arena;
    private readonly FlowTable flows;
    private readonly FrameBatch primaryBatch;
    private readonly FrameBatch secondaryBatch;
    private readonly PrimaryIntake primaries;
    private readonly SecondaryIntake secondaries;
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
        CheckpointGate gate,
        ShardSignals signals,
        Quarantine quarantine,
        Shard? failed)
    {
        const long NanosecondsPerMs = 1_000_000;
        Counters = failed?.Counters ?? new ShardCounters();
        Counters.BeginAnew();
        this.arena = arena;
        this.rings = rings;
        long graceNs = options.GraceMs * NanosecondsPerMs;
        EpochStart epochStart = new(graceNs);
        FlushLog flushes = new();
        flows = new FlowTable(options.FlowsPerShard, options.AdviseMemory);
        suspects = new SuspectQueue(flows, graceNs);
        unfinished = new UnfinishedFlow(Steps);
        disposition = new Disposition(arena, rings, Counters);
        view = new ShardView(options, gate, signals.Stop, flushes, epochStart, unfinished);
        FlowComparers comparers = new(options, arena, Counters, disposition, epochStart, Steps);
        HeldFrames held = new(arena, flows, comparers, disposition, suspects, unfinished, view, Steps, Counters);
        DivergenceReporter reports = new(arena, rings.Reports, view, Counters);
        FlowLifecycle lifecycle = new(held, view, flushes, new FlowShare(options.CheckpointShare), reports, unfinished);
        comparison = new HeldComparison(
            arena, flows, comparers, held, lifecycle, disposition, epochStart, suspects, unfinished, view, Steps);
        walk = new FlowWalk(flows, view, lifecycle, Steps, place);
        relief = new SlotRelief(arena, flows, signals, view, lifecycle, reports, unfinished, Steps, place, Counters);
        expiry = new Expiry(options, arena, flows, comparers, comparison, lifecycle, reports, suspects, unfinished, Steps, place);
        Admission admission = new(options, arena, flows, quarantine, flushes, view, lifecycle, held, unfinished, Steps, place, Counters);
        primaries = new PrimaryIntake(
            options, arena, view, walk, admission, comparers, held, comparison, lifecycle, disposition, unfinished);
        secondaries = new SecondaryIntake(
            options, arena, view, walk, admission, comparers, held, comparison, lifecycle, disposition, unfinished);
        primaryBatch = new FrameBatch(rings.Primary);
        secondaryBatch = new FrameBatch(rings.Secondary);
    }

    /// <summary>What the shard has counted; any thread may read it.</summary>
    public ShardCounters Counters { get; }

    /// <summary>What the last poll did beyond looking at its frames.</summary>
    internal StepMeter Steps { get; } = new();

    /// <summary>When the next grace is over, in nanoseconds of the engine's clock; <see cref="long.MaxValue"/> when nothing is suspect.</summary>
    internal long NextDueNs => suspects.NextDueNs;

    /// <summary>Frames of the secondary that it has or that are on their way to it. Asked only after its thread has ended.</summary>
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
        if (view.HasObserved)
        {
            work += disposition.TakeInjected();
        }

        // After the frames: one that came in time is not late because it lay in a ring.
        if (view.IsCompared && !unfinished.IsAny)
        {
            expiry.ResolveSuspects(nowNs);
            expiry.Scan(nowNs);
        }

        disposition.Publish();
        rings.Reports.Publish();
        // A core that sleeps when a poll has done nothing must not sleep with something left to do.
        bool hasMoreToDo = unfinished.EndsPoll || walk.IsUnderWay || relief.IsUnderWay;
        return work + (hasMoreToDo ? 1 : 0);
    }

    /// <summary>Gives the memory of the flows back. The duty may not run any more.</summary>
    public void Dispose() => flows.Dispose();

    /// <summary>Finds the flow, and the frame if it was at one, that it had not done with when it failed. Asked only after its thread has
    /// ended.</summary>
    /// <returns>Null when it was at none.</returns>
    internal Culprit? FindCulprit()
    {
        FrameRef frame = place.Batch switch
        {
            Side.Primary => primaryBatch[primaryBatch.Next],
            Side.Secondary => secondaryBatch[secondaryBatch.Next],
            _ => FrameRef.None,
        };
        CulpritWriter writer = new(arena, frame);
        if (place.FlowIndex != Flow.None)
        {
            // The flow of another frame, or of none: it was to make room, or its time had come.
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

    /// <summary>Takes a batch of the primary's frames; those for which there is no room yet (<c>overflow: hold</c>) come first next time.</summary>
    private int TakePrimaries(long nowNs)
    {
        if (primaryBatch.TryRefill())
        {
            PrefetchFlows(primaryBatch);
        }

        int start = primaryBatch.Next;
        int next = start;
        place.Batch = Side.Primary;
        for (; next < primaryBatch.Count; next++)
        {
            // A failure leaves it where it is: it says which frame made the shard fail.
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

    /// <summary>Takes a batch of the secondary's frames; those of an epoch that has not begun come first next time.</summary>
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

    /// <summary>Finds the flow of a frame, once for all that becomes of the frame.</summary>
    /// <returns>The flow, or a null reference when there is none yet, or the frame belongs to none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Flow Find(FrameView frame, long nowNs)
    {
        if (frame.Descriptor.Layout.Kind >= FrameKind.NotCompared)
        {
            return ref Unsafe.NullRef<Flow>();
        }

        return ref flows.Find(frame, nowNs);
    }

    /// <summary>How many frames of a batch have their payload fetched ahead: all or none. The next one speaks for the batch: short frames have no
    /// payload beyond the cache line of their headers.</summary>
    private int CountToPrefetch(FrameBatch batch) =>
        batch.Next < batch.Count && arena[batch[batch.Next]].Length > EngineLimits.CacheLineBytes ? batch.Count : 0;

    /// <summary>Has the payload of a secondary's frame fetched, and that of the primary's at the same place of its batch, which most often is
    /// the twin: memory then works while the frames before are compared. Where it is not the twin, or has long left, nothing is lost.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void PrefetchPayloads(int at)
    {
        arena.View(secondaryBatch[at]).PrefetchPayload();
        arena.View(primaryBatch[at]).PrefetchPayload();
    }

    /// <summary>Has the flows of a batch fetched, all at once: they lie anywhere, and one after the other each would be waited for.</summary>
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
            flows.PrefetchFlow(arena[batch[i]].FlowHash);
        }
    }
}
