// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine;

/// <summary>
/// Owns a set of flows, all their frames and timers; touched by one thread only. Takes both sides' frames from its rings, finds
/// their flow, compares, and hands to egress what may go. The verbs for a frame that is predicted are in <c>Shard.Predicted.cs</c>, the same verbs for
/// all other frames in <c>Shard.InFull.cs</c>, what the comparers say of it in <c>Shard.Judging.cs</c>, what happens when time or an epoch runs
/// out in <c>Shard.Time.cs</c>, when room runs out in <c>Shard.Room.cs</c>, when a flow has used up its checkpoints in
/// <c>Shard.Share.cs</c>, what concerns every flow in <c>Shard.Walk.cs</c>, when one of the two is gone in <c>Shard.Protection.cs</c>.
/// </summary>
public sealed partial class Shard : IDuty, IDisposable
{
    private readonly FrameArena arena;
    private readonly ShardRings rings;
    private readonly SpscRing<FrameRef> released;
    private readonly GuestState guest;
    private readonly FlowTable flows;
    private readonly TcpStreamComparer streams;
    private readonly DatagramComparer datagrams;
    private readonly RetransmitCache kept;
    private readonly SuspectQueue suspects;
    private readonly PolicyRule[] policies;
    private readonly Quarantine quarantine;
    private readonly FrameRef[] batch = new FrameRef[EngineLimits.BatchFrames];
    private readonly bool predicts;
    private bool observe;
    private uint epoch;
    private FramePlace place;
    private uint placeFlow = Flow.None;

    internal Shard(
        EngineOptions options,
        FrameArena arena,
        ShardRings rings,
        GuestState guest,
        ShardSignals signals,
        Quarantine quarantine,
        Shard? failed)
    {
        Counters = failed?.Counters ?? new ShardCounters();
        Counters.BeginAnew();
        this.quarantine = quarantine;
        this.arena = arena;
        this.rings = rings;
        released = rings.Released;
        this.guest = guest;
        this.signals = signals;
        flows = new FlowTable(Pipeline.FlowsPerShard(options), options.AdviseMemory);
        kept = new RetransmitCache(options, arena, rings.SecondaryHome, steps);
        streams = new TcpStreamComparer(options, arena, Counters, kept, rings.SecondaryHome, steps);
        datagrams = new DatagramComparer(options, arena, Counters, kept, rings.SecondaryHome, steps);
        graceNs = options.GraceMs * NanosecondsPerMs;
        suspects = new SuspectQueue(flows, graceNs);
        policies = [.. options.Policies, .. PolicyRule.Defaults];
        predicts = options.Predicts;
        observe = options.Mode == CompareMode.Observe;
        mayHoldOverflow = options.Overflow == OverflowPolicy.Hold;
        bypassesLoss = options.SecondaryLoss == SecondaryLossPolicy.Bypass;
        maxQueueSize = options.MaxQueueSize;
        plainQueueSize = Math.Min(maxQueueSize, EngineLimits.IndexedAtOnce);
        shareCostNs = options.CheckpointShare == 0 ? 0 : EngineLimits.CheckpointShareNs / options.CheckpointShare;
        compareTimeoutNs = options.CompareTimeoutMs * NanosecondsPerMs;
        scanCycleNs = options.ExpiredScanCycleMs * NanosecondsPerMs;
    }

    /// <summary>What it has counted; any thread may read it.</summary>
    public ShardCounters Counters { get; }

    /// <summary>When the next grace is over; <see cref="long.MaxValue"/> when there is none.</summary>
    internal long NextDueNs => suspects.NextDueNs;

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        polledNs = nowNs;
        steps.Begin();
        FinishFlow(nowNs);
        RenewPrediction();
        if (!HasUnfinished)
        {
            KeepBounds(nowNs);
            Walk();
        }

        int work = TakePrimaries(nowNs) + TakeSecondaries(nowNs);
        if (guest.HasObserved)
        {
            work += TakeObserved();
        }

        // After the frames: one that came in time is not late because it lay in a ring.
        if (IsCompared && !HasUnfinished)
        {
            ResolveSuspects(nowNs);
            Scan(nowNs);
        }

        rings.Released.Publish();
        rings.SecondaryHome.Publish();
        rings.PrimaryHome.Publish();
        rings.Reports.Publish();
        // Whoever waits when nothing is done must not wait with something left to do.
        return work + (HasMoreToDo ? 1 : 0);
    }

    /// <summary>Gives the memory of the flows back. The duty may not run any more.</summary>
    public void Dispose() => flows.Dispose();

    /// <summary>Takes a batch of the primary's frames; those for which there is no room yet (<c>overflow: hold</c>) come first next time.</summary>
    private int TakePrimaries(long nowNs)
    {
        if (primaryNext == primaryCount)
        {
            primaryCount = rings.Primary.Read(primaryBatch);
            primaryNext = 0;
            PrefetchFlows(primaryBatch, primaryCount);
        }

        int start = primaryNext;
        // A failure leaves the place where it is: it says which frame did it.
        place = FramePlace.Primary;
        while (primaryNext < primaryCount && TakePrimary(primaryBatch[primaryNext], nowNs))
        {
            primaryNext++;
        }

        place = FramePlace.None;
        return primaryNext - start;
    }

    /// <summary>Takes a batch of the secondary's frames; those of an epoch that has not begun come first next time.</summary>
    private int TakeSecondaries(long nowNs)
    {
        if (secondaryNext == secondaryCount)
        {
            secondaryCount = rings.Secondary.Read(secondaryBatch);
            secondaryNext = 0;
            PrefetchFlows(secondaryBatch, secondaryCount);
        }

        int start = secondaryNext;
        int next = start;
        place = FramePlace.Secondary;
        // The first frame speaks for its batch: short ones have no payload beyond the line of their headers.
        int prefetched =
            next < secondaryCount && arena[secondaryBatch[next]].Length > EngineLimits.CacheLineBytes ? secondaryCount : 0;
        for (; next < secondaryCount; next++)
        {
            if (next + EngineLimits.PrefetchLeadFrames < prefetched)
            {
                PrefetchPayloads(next + EngineLimits.PrefetchLeadFrames);
            }

            secondaryNext = next;
            if (!TakeSecondary(secondaryBatch[next], nowNs))
            {
                break;
            }
        }

        secondaryNext = next;
        place = FramePlace.None;
        return next - start;
    }

    private void Unhold(ref Flow flow, FrameRef primary)
    {
        Debug.Assert(primary == flow.Primary.Head, "the oldest one goes first");
        datagrams.Forget(ref flow, primary);
        flow.Primary.RemoveHead(arena);
        Counters.Held -= Weight(primary);
    }

    /// <summary>Observe: the frame leaves before anybody has judged it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SendAhead(FrameRef primary)
    {
        if (observe)
        {
            SendAheadNow(primary);
        }
    }

    private void SendAheadNow(FrameRef primary)
    {
        if ((arena[primary].Marks & FrameMarks.Assembled) != 0)
        {
            // Its fragments have left before it, or leave now.
            LeaveFragments(primary);
            return;
        }

        arena[primary].Marks |= FrameMarks.SentAhead;
        rings.Released.Add(primary);
    }

    private void LeaveFragments(FrameRef primary)
    {
        FragmentChain fragments = arena.Fragments(primary);
        for (FrameRef fragment = fragments.First; !fragment.IsNone; fragment = arena[fragment].Next)
        {
            rings.Released.Add(fragment);
        }

        (fragments with { First = FrameRef.None }).Write(arena.SlotBytes(primary));
    }

    /// <summary>How many frames of the primary this one stands for.</summary>
    private int Weight(FrameRef primary) =>
        (arena[primary].Marks & FrameMarks.Assembled) != 0 ? arena.Fragments(primary).Count : 1;

    /// <summary>
    /// The frame goes to egress, or the fragments that it was made of. One that was only observed went long ago; its slot goes home once it
    /// has also been injected.
    /// </summary>
    private void Leave(FrameRef primary)
    {
        if ((arena[primary].Marks & FrameMarks.Assembled) != 0)
        {
            LeaveFragments(primary);
            rings.PrimaryHome.Add(primary);
        }
        else if ((arena[primary].Marks & FrameMarks.SentAhead) != 0)
        {
            Mark(primary, FrameMarks.Compared);
        }
        else
        {
            rings.Released.Add(primary);
        }
    }

    private int TakeObserved()
    {
        int count = rings.Observed.Read(batch);
        for (int i = 0; i < count; i++)
        {
            Mark(batch[i], FrameMarks.Injected);
        }

        return count;
    }

    private void Mark(FrameRef primary, FrameMarks done)
    {
        ref Frame frame = ref arena[primary];
        frame.Marks |= done;
        if ((frame.Marks & FrameMarks.Done) == FrameMarks.Done)
        {
            rings.PrimaryHome.Add(primary);
        }
    }

    /// <summary>Has the payload of a secondary's frame fetched, and that of the primary's at the same place of its batch, which most often is
    /// the twin: memory then works while the frames before are compared. Where it is not the twin, or has long left, nothing is lost.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void PrefetchPayloads(int at)
    {
        arena.View(secondaryBatch[at]).PrefetchPayload();
        arena.View(primaryBatch[at]).PrefetchPayload();
    }

    /// <summary>Has the flows of a batch fetched, all at once: they lie anywhere, and one after the other each would be waited for.</summary>
    private void PrefetchFlows(FrameRef[] frames, int count)
    {
        if (flows.Count < EngineLimits.CachedFlows)
        {
            return;
        }

        for (int i = 0; i < count; i++)
        {
            flows.PrefetchBucket(arena[frames[i]].FlowHash);
        }

        for (int i = 0; i < count; i++)
        {
            flows.PrefetchFlow(arena[frames[i]].FlowHash);
        }
    }
}
