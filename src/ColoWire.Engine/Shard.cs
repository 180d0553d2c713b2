// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine;

/// <summary>
/// Owns a set of flows, all their frames and timers; touched by one thread only. Takes both sides' frames from its rings, finds
/// their flow, compares, and hands to egress what may go. This file is the way of a frame; what the comparers say of it stands in
/// <c>Shard.Judging.cs</c>, what happens when time or an epoch runs out in <c>Shard.Time.cs</c>, when room runs out in
/// <c>Shard.Room.cs</c>, when one of the two is gone in <c>Shard.Protection.cs</c>.
/// </summary>
public sealed partial class Shard : IDuty, IDisposable
{
    private readonly FrameArena arena;
    private readonly ShardRings rings;
    private readonly CheckpointGate gate;
    private readonly FlowTable flows;
    private readonly TcpStreamComparer streams;
    private readonly DatagramComparer datagrams;
    private readonly KeptFrames kept;
    private readonly DoubtQueue doubts;
    private readonly PolicyRule[] policies;
    private readonly FrameRef[] batch = new FrameRef[EngineLimits.BatchFrames];
    private readonly bool observe;
    private uint epoch;

    internal Shard(
        EngineOptions options, FrameArena arena, ShardRings rings, CheckpointGate gate, ShardSignals signals)
    {
        this.arena = arena;
        this.rings = rings;
        this.gate = gate;
        this.signals = signals;
        flows = new FlowTable(FramePath.FlowsPerShard(options));
        kept = new KeptFrames(options, arena, rings.SecondaryHome);
        streams = new TcpStreamComparer(options, arena, Counters, kept, rings.SecondaryHome);
        datagrams = new DatagramComparer(options, arena, Counters, kept, rings.SecondaryHome);
        graceNs = options.GraceMs * NanosecondsPerMs;
        doubts = new DoubtQueue(flows, graceNs);
        policies = [.. options.Policies, .. PolicyRule.Defaults];
        observe = options.Mode == CompareMode.Observe;
        // Whoever observes cannot hold: the frames have left.
        holdsOverflow = options.Overflow == OverflowPolicy.Hold && !observe;
        bypassesLoss = options.SecondaryLoss == SecondaryLossPolicy.Bypass;
        maxQueueSize = options.MaxQueueSize;
        compareTimeoutNs = options.CompareTimeoutMs * NanosecondsPerMs;
        scanCycleNs = options.ExpiredScanCycleMs * NanosecondsPerMs;
    }

    /// <summary>What it has counted; any thread may read it.</summary>
    public ShardCounters Counters { get; } = new();

    /// <summary>When the next grace is over; <see cref="long.MaxValue"/> when there is none.</summary>
    internal long NextDueNs => doubts.NextDueNs;

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        polledNs = nowNs;
        KeepBounds(nowNs);
        int work = TakePrimaries(nowNs);
        int count = rings.Secondary.Read(batch);
        PrefetchFlows(batch.AsSpan(0, count));
        for (int i = 0; i < count; i++)
        {
            TakeSecondary(batch[i], nowNs);
        }

        work += count;
        if (observe)
        {
            work += TakeInjected();
        }

        // After the frames: one that came in time is not late because it lay in a ring.
        if (protection == Protection.InStep)
        {
            SettleDoubts(nowNs);
            Scan(nowNs);
        }

        rings.Released.Publish();
        rings.SecondaryHome.Publish();
        rings.JudgedHome.Publish();
        rings.Reports.Publish();
        return work;
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
            PrefetchFlows(primaryBatch.AsSpan(0, primaryCount));
        }

        int start = primaryNext;
        while (primaryNext < primaryCount && TakePrimary(primaryBatch[primaryNext], nowNs))
        {
            primaryNext++;
        }

        return primaryNext - start;
    }

    /// <summary>Takes a frame of the primary.</summary>
    /// <returns>False when there is no room for it yet.</returns>
    private bool TakePrimary(FrameRef primary, long nowNs)
    {
        uint index = FindInStep(primary, nowNs);
        if (index == Flow.None || flows[index].Primary.Count >= maxQueueSize || !TryAccept(ref flows[index], primary))
        {
            return TakeAnyPrimary(primary, nowNs);
        }

        ref Flow flow = ref flows[index];
        Announce(primary);
        flow.Primary.Append(arena, primary);
        Counters.Held++;
        if (flow.Primary.Count == 1 && !MustWait(in flow, primary))
        {
            JudgeHeld(ref flow, nowNs);
        }

        return true;
    }

    /// <summary>Finds the flow of a frame with which there is nothing special: it belongs to now, and both sides are compared.</summary>
    /// <returns>Its number, or <see cref="Flow.None"/> when it has to be looked at more closely.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint FindInStep(FrameRef frameRef, long nowNs)
    {
        ref Frame frame = ref arena[frameRef];
        if (!compares || frame.Layout.Kind > FrameKind.Udp || frame.Marks != FrameMarks.None || frame.Epoch != epoch)
        {
            return Flow.None;
        }

        uint index = flows.Find(arena.Bytes(frameRef), in frame.Layout, frame.FlowHash, nowNs);
        return index != Flow.None && flows[index].IsInStep ? index : Flow.None;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryAccept(ref Flow flow, FrameRef primary) =>
        arena[primary].Layout.Kind != FrameKind.Tcp || streams.TryAccept(ref flow, primary);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeAnyPrimary(FrameRef primary, long nowNs)
    {
        ref Frame frame = ref arena[primary];
        if (protection == Protection.SecondaryAlone)
        {
            DropPrimary(primary, DropReason.PrimaryFailover, wasAnnounced: false);
            return true;
        }

        if ((frame.Marks & FrameMarks.ForwardOnly) != 0)
        {
            Announce(primary);
            Leave(primary);
            return true;
        }

        if (frame.Layout.Kind >= FrameKind.Pass)
        {
            CountPassed(in frame.Layout, Weight(primary));
            Announce(primary);
            Leave(primary);
            return true;
        }

        MeetEpoch(frame.Epoch);
        MeetSignals(in frame.Layout);
        uint index = FindFlow(primary, nowNs);
        if (index == Flow.None)
        {
            return false;
        }

        ref Flow flow = ref flows[index];
        if (flow.Action != PolicyAction.Compare)
        {
            TakeByPolicy(in flow, primary);
            return true;
        }

        bool stale = frame.Epoch != epoch;
        bool mayBeHeld = !stale && !stopped && !Bypasses && flow.State != FlowState.Passing;
        if (holdsOverflow && mayBeHeld && flow.Primary.Count >= maxQueueSize)
        {
            return false;
        }

        Announce(primary);
        if (frame.Layout.Kind == FrameKind.Tcp)
        {
            streams.AcceptPrimary(ref flow, primary, stale);
        }

        flow.Primary.Append(arena, primary);
        Counters.Held += Weight(primary);
        if (!mayBeHeld)
        {
            ReleaseAll(ref flow, ReasonNotToHold(stale));
        }
        else if (flow.Primary.Count > maxQueueSize)
        {
            Overflow(ref flow, nowNs);
        }
        else if (IsBroken(in frame) && flow.State == FlowState.Comparing && protection == Protection.InStep)
        {
            Diverge(ref flow, Verdict.Diverged(DivergenceReason.Fragment), nowNs);
        }
        else if (flow.Primary.Count == 1 && flow.State == FlowState.Comparing && protection == Protection.InStep)
        {
            // Behind an older frame it has to wait whatever it says (R6).
            JudgeHeld(ref flow, nowNs);
        }

        return true;
    }

    /// <summary>Whether the oldest held frame can do nothing but wait, so that nobody need judge it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MustWait(in Flow flow, FrameRef oldest) => arena[oldest].Layout.Kind switch
    {
        FrameKind.Tcp => streams.MustWait(in flow, oldest),
        FrameKind.Udp => datagrams.MustWait(in flow),
        _ => false,
    };

    private UnverifiedReason ReasonNotToHold(bool stale) =>
        stale ? UnverifiedReason.StaleEpoch
        : stopped ? UnverifiedReason.Stop
        : Bypasses ? ReasonToBypass()
        : UnverifiedReason.AfterDivergence;

    private void TakeByPolicy(in Flow flow, FrameRef primary)
    {
        if (flow.Action == PolicyAction.Drop)
        {
            DropPrimary(primary, DropReason.PrimaryPolicy, wasAnnounced: false);
            return;
        }

        Counters.Count(flow.PassReason, Weight(primary));
        Announce(primary);
        Leave(primary);
    }

    private void TakeSecondary(FrameRef secondary, long nowNs)
    {
        uint index = FindInStep(secondary, nowNs);
        if (index == Flow.None || !TryMatch(ref flows[index], secondary, nowNs))
        {
            TakeAnySecondary(secondary, nowNs);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TakeAnySecondary(FrameRef secondary, long nowNs)
    {
        ref Frame frame = ref arena[secondary];
        if (protection != Protection.InStep)
        {
            TakeUncompared(secondary);
            return;
        }

        if (frame.Layout.Kind >= FrameKind.Pass)
        {
            Drop(secondary, frame.Layout.Kind == FrameKind.Pass ? DropReason.SecondaryPassed : DropReason.SecondaryMalformed);
            return;
        }

        MeetEpoch(frame.Epoch);
        MeetSignals(in frame.Layout);
        if (frame.Epoch != epoch)
        {
            Drop(secondary, DropReason.SecondaryStale);
            return;
        }

        uint index = FindFlow(secondary, nowNs);
        if (index == Flow.None)
        {
            Drop(secondary, DropReason.SecondaryTableFull);
            return;
        }

        ref Flow flow = ref flows[index];
        if (flow.Action != PolicyAction.Compare)
        {
            Drop(secondary, flow.Action == PolicyAction.Drop ? DropReason.SecondaryPolicy : DropReason.SecondaryPassed);
        }
        else if (stopped || flow.State == FlowState.Diverged)
        {
            Drop(secondary, DropReason.SecondaryUnmatched);
        }
        else if (flow.State == FlowState.Passing)
        {
            Drop(secondary, DropReason.SecondaryAfterDivergence);
        }
        else if (frame.Layout.Kind == FrameKind.Fragment)
        {
            TakeIncomplete(ref flow, secondary, nowNs);
        }
        else if (flow.Secondary.Count >= maxQueueSize && MayBeHeld(in frame.Layout))
        {
            Drop(secondary, DropReason.SecondaryQueueFull);
        }
        else
        {
            bool news = true;
            if (frame.Layout.Kind == FrameKind.Tcp)
            {
                news = streams.AcceptSecondary(ref flow, secondary);
            }
            else
            {
                datagrams.AcceptSecondary(ref flow, secondary);
            }

            if (news && !flow.Primary.IsEmpty)
            {
                JudgeHeld(ref flow, nowNs);
            }
        }
    }

    /// <summary>The rule: the secondary says just what the oldest held frame says, and nothing else of it waits.</summary>
    /// <returns>False when it is otherwise; nothing has changed then.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryMatch(ref Flow flow, FrameRef secondary, long nowNs)
    {
        if (flow.Primary.IsEmpty || !flow.Secondary.IsEmpty)
        {
            return false;
        }

        FrameRef oldest = flow.Primary.Head;
        bool matches = arena[secondary].Layout.Kind == FrameKind.Tcp
            ? streams.TryMatch(ref flow, oldest, secondary)
            : datagrams.TryMatch(oldest, secondary);
        if (!matches)
        {
            return false;
        }

        flow.Primary.RemoveHead(arena);
        Counters.Held--;
        Counters.Verified++;
        Leave(oldest);
        if (!flow.Primary.IsEmpty && !MustWait(in flow, flow.Primary.Head))
        {
            JudgeHeld(ref flow, nowNs);
        }

        return true;
    }

    private void Unhold(ref Flow flow, FrameRef primary)
    {
        flow.Primary.Remove(arena, primary);
        Counters.Held -= Weight(primary);
    }

    /// <summary>Observe: the frame leaves before anybody has judged it. Of a datagram in fragments these have been announced.</summary>
    private void Announce(FrameRef primary)
    {
        if (observe && (arena[primary].Marks & FrameMarks.Assembled) == 0)
        {
            rings.Released.Add(primary);
        }
    }

    /// <summary>How many frames of the primary this one stands for.</summary>
    private int Weight(FrameRef primary) =>
        (arena[primary].Marks & FrameMarks.Assembled) != 0 ? arena.Fragments(primary).Count : 1;

    /// <summary>
    /// Lockstep: the frame goes to egress, or the fragments that it was made of. Observe: it went long ago; its slot goes home once it
    /// has also been injected.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Leave(FrameRef primary)
    {
        if (!observe && (arena[primary].Marks & FrameMarks.Assembled) == 0)
        {
            rings.Released.Add(primary);
        }
        else
        {
            LeaveOtherwise(primary);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LeaveOtherwise(FrameRef primary)
    {
        if ((arena[primary].Marks & FrameMarks.Assembled) != 0)
        {
            for (FrameRef fragment = arena.Fragments(primary).First; !fragment.IsNone; fragment = arena[fragment].Next)
            {
                rings.Released.Add(fragment);
            }

            rings.JudgedHome.Add(primary);
        }
        else
        {
            Mark(primary, FrameMarks.Judged);
        }
    }

    private int TakeInjected()
    {
        int count = rings.InjectedHome.Read(batch);
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
            rings.JudgedHome.Add(primary);
        }
    }

    /// <summary>A segment without payload says what it has to say at once, and a full queue must not silence it.</summary>
    private static bool MayBeHeld(in FrameLayout layout) => layout.Kind != FrameKind.Tcp || layout.PayloadLength != 0;

    private static bool IsBroken(in Frame frame) =>
        frame.Layout.Kind == FrameKind.Fragment && (frame.Marks & FrameMarks.Incomplete) == 0;

    private void CountPassed(in FrameLayout layout, int frames)
    {
        if (layout.Kind == FrameKind.Pass)
        {
            Counters.Count(layout.Pass, frames);
        }
        else
        {
            Counters.Count(layout.Malformed, frames);
        }
    }

    private void Drop(FrameRef secondary, DropReason reason)
    {
        Counters.Count(reason);
        rings.SecondaryHome.Add(secondary);
    }

    /// <summary>Has the flows of a batch fetched, all at once: they lie anywhere, and one after the other each would be waited for.</summary>
    private void PrefetchFlows(ReadOnlySpan<FrameRef> frames)
    {
        foreach (FrameRef frame in frames)
        {
            flows.PrefetchBucket(arena[frame].FlowHash);
        }

        foreach (FrameRef frame in frames)
        {
            flows.PrefetchFlow(arena[frame].FlowHash);
        }
    }

    /// <summary>Finds the flow of a frame, or makes it.</summary>
    /// <returns>Its number, or <see cref="Flow.None"/> when no flow is left and <c>overflow</c> says to hold.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint FindFlow(FrameRef frame, long nowNs)
    {
        ref Frame descriptor = ref arena[frame];
        uint flow = flows.Find(arena.Bytes(frame), in descriptor.Layout, descriptor.FlowHash, nowNs);
        return flow != Flow.None ? flow : AddFlow(frame, nowNs);
    }
}
