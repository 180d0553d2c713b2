// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine;

/// <summary>
/// Owns a set of flows, all their frames and timers; touched by one thread only. Takes both sides' frames from its rings, finds
/// their flow, compares, and hands to egress what may go. This file is the way of a frame; what happens when something runs out
/// (time, room, an epoch) stands in <c>Shard.Bounds.cs</c>.
/// </summary>
public sealed partial class Shard : IDuty, IDisposable
{
    private readonly FrameArena arena;
    private readonly ShardRings rings;
    private readonly CheckpointGate gate;
    private readonly FlowTable flows;
    private readonly TcpStreamComparer streams;
    private readonly DatagramComparer datagrams;
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
        streams = new TcpStreamComparer(arena, Counters, rings.SecondaryHome);
        datagrams = new DatagramComparer(arena, Counters, rings.SecondaryHome);
        observe = options.Mode == CompareMode.Observe;
        maxQueueSize = options.MaxQueueSize;
        compareTimeoutNs = options.CompareTimeoutMs * NanosecondsPerMs;
        scanCycleNs = options.ExpiredScanCycleMs * NanosecondsPerMs;
    }

    /// <summary>What it has counted; any thread may read it.</summary>
    public ShardCounters Counters { get; } = new();

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        KeepBounds(nowNs);
        int count = rings.Primary.Read(batch);
        for (int i = 0; i < count; i++)
        {
            TakePrimary(batch[i], nowNs);
        }

        int work = count;
        count = rings.Secondary.Read(batch);
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
        Scan(nowNs);
        rings.Released.Publish();
        rings.SecondaryHome.Publish();
        rings.JudgedHome.Publish();
        rings.Reports.Publish();
        return work;
    }

    /// <summary>Gives the memory of the flows back. The duty may not run any more.</summary>
    public void Dispose() => flows.Dispose();

    private void TakePrimary(FrameRef primary, long nowNs)
    {
        ref Frame frame = ref arena[primary];
        if (observe && (frame.Marks & FrameMarks.Assembled) == 0)
        {
            rings.Released.Add(primary);
        }

        if ((frame.Marks & FrameMarks.ForwardOnly) != 0)
        {
            Leave(primary);
            return;
        }

        if (frame.Layout.Kind >= FrameKind.Pass)
        {
            CountPassed(in frame.Layout, Weight(primary));
            Leave(primary);
            return;
        }

        MeetEpoch(frame.Epoch);
        MeetSignals(in frame.Layout);
        ref Flow flow = ref flows[FindFlow(primary, nowNs)];
        bool stale = frame.Epoch != epoch;
        if (frame.Layout.Kind == FrameKind.Tcp)
        {
            streams.AcceptPrimary(ref flow, primary, stale);
        }

        flow.Primary.Append(arena, primary);
        Counters.Held += Weight(primary);
        if (stale)
        {
            ReleaseAll(ref flow, UnverifiedReason.StaleEpoch);
        }
        else if (stopped)
        {
            ReleaseAll(ref flow, UnverifiedReason.Stop);
        }
        else if (flow.State == FlowState.Passing)
        {
            ReleaseAll(ref flow, UnverifiedReason.AfterDivergence);
        }
        else if (flow.Primary.Count > maxQueueSize)
        {
            Overflow(ref flow, nowNs);
        }
        else if (IsBroken(in frame) && flow.State == FlowState.Comparing)
        {
            Diverge(ref flow, Verdict.Diverged(DivergenceReason.Fragment), nowNs);
        }
        else if (flow.Primary.Count == 1 && flow.State == FlowState.Comparing)
        {
            // Behind an older frame it has to wait whatever it says (R6).
            JudgeHeld(ref flow, nowNs);
        }
    }

    private void TakeSecondary(FrameRef secondary, long nowNs)
    {
        ref Frame frame = ref arena[secondary];
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

        ref Flow flow = ref flows[FindFlow(secondary, nowNs)];
        if (stopped || flow.State == FlowState.Diverged)
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
            bool news = frame.Layout.Kind == FrameKind.Tcp
                ? streams.AcceptSecondary(ref flow, secondary)
                : datagrams.AcceptSecondary(ref flow, secondary);
            if (news && !flow.Primary.IsEmpty)
            {
                JudgeHeld(ref flow, nowNs);
            }
        }
    }

    /// <summary>A datagram of the secondary that never became whole: the primary has sent as little of it, or the replicas differ.</summary>
    private void TakeIncomplete(ref Flow flow, FrameRef secondary, long nowNs)
    {
        FrameRef oldest = flow.Primary.Head;
        if (!flow.Primary.IsEmpty && AssemblySlot.HoldSame(arena, oldest, secondary))
        {
            Unhold(ref flow, oldest);
            Counters.Verified += Weight(oldest);
            Leave(oldest);
            rings.SecondaryHome.Add(secondary);
            return;
        }

        Verdict verdict = new(VerdictKind.Divergence, DivergenceReason.Fragment, 0, secondary, 0);
        Diverge(ref flow, in verdict, nowNs);
        Drop(secondary, DropReason.SecondaryFragment);
    }

    /// <summary>Judges the held frames of a flow, oldest first, until one has to wait.</summary>
    /// <returns>The last verdict: Hold with what the oldest waits for, Release when none is held any more, or Divergence.</returns>
    private Verdict JudgeHeld(ref Flow flow, long nowNs)
    {
        while (!flow.Primary.IsEmpty)
        {
            FrameRef oldest = flow.Primary.Head;
            Verdict verdict = Judge(ref flow, oldest);
            if (verdict.Kind != VerdictKind.Release)
            {
                if (verdict.Kind == VerdictKind.Divergence)
                {
                    Diverge(ref flow, in verdict, nowNs);
                }

                return verdict;
            }

            Unhold(ref flow, oldest);
            Counters.Verified += Weight(oldest);
            Leave(oldest);
        }

        return Verdict.Release;
    }

    private Verdict Judge(ref Flow flow, FrameRef primary) => arena[primary].Layout.Kind switch
    {
        FrameKind.Tcp => streams.Judge(ref flow, primary),
        // An incomplete datagram: the secondary's judges it when its time too has run out.
        FrameKind.Fragment => Verdict.Hold(DivergenceReason.Fragment),
        _ => datagrams.Judge(ref flow, primary),
    };

    private void Unhold(ref Flow flow, FrameRef primary)
    {
        flow.Primary.Remove(arena, primary);
        Counters.Held -= Weight(primary);
    }

    /// <summary>How many frames of the primary this one stands for.</summary>
    private int Weight(FrameRef primary) =>
        (arena[primary].Marks & FrameMarks.Assembled) != 0 ? arena.Fragments(primary).Count : 1;

    /// <summary>
    /// Lockstep: the frame goes to egress, or the fragments that it was made of. Observe: it went long ago; its slot goes home once it
    /// has also been injected.
    /// </summary>
    private void Leave(FrameRef primary)
    {
        if ((arena[primary].Marks & FrameMarks.Assembled) != 0)
        {
            for (FrameRef fragment = arena.Fragments(primary).First; !fragment.IsNone; fragment = arena[fragment].Next)
            {
                rings.Released.Add(fragment);
            }

            rings.JudgedHome.Add(primary);
        }
        else if (observe)
        {
            Mark(primary, FrameMarks.Judged);
        }
        else
        {
            rings.Released.Add(primary);
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

    private uint FindFlow(FrameRef frame, long nowNs)
    {
        ref Frame descriptor = ref arena[frame];
        FrameParser.ReadKey(arena.Bytes(frame), in descriptor.Layout, out FlowKey key);
        uint flow = flows.Find(in key, descriptor.FlowHash, nowNs);
        return flow != Flow.None ? flow : AddFlow(in key, descriptor.FlowHash, nowNs);
    }
}
