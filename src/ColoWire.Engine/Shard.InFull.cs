// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine;

/// <content>The verbs in full, for frames that are not predicted: all that may become of a frame. The flow was looked up already.</content>
public sealed partial class Shard
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakePrimaryInFull(ref Flow found, FrameRef primary, long nowNs)
    {
        if (HasDoneEnough)
        {
            return false;
        }

        ref Frame frame = ref arena[primary];
        if (protection == Protection.SecondaryAlone)
        {
            DropPrimary(primary, DropReason.PrimaryFailover);
            return true;
        }

        if ((frame.Marks & FrameMarks.ForwardOnly) != 0)
        {
            SendAhead(primary);
            Leave(primary);
            return true;
        }

        if (frame.Layout.Kind >= FrameKind.NotCompared)
        {
            CountNotCompared(in frame.Layout, Weight(primary));
            SendAhead(primary);
            Leave(primary);
            return true;
        }

        RefreshEpoch();
        RefreshSignals(in frame.Layout);
        if (IsAhead(in frame) || HasDoneEnough)
        {
            return false;
        }

        ref Flow flow = ref Follow(ref found, primary, nowNs);
        if (Unsafe.IsNullRef(in flow))
        {
            return false;
        }

        if (flow.Action != PolicyAction.Compare)
        {
            TakeByPolicy(in flow, primary);
            return true;
        }

        if (flow.State == FlowState.OverShare)
        {
            CompareAgainInTime(ref flow, nowNs);
        }

        bool stale = IsStale(in frame);
        bool mayBeHeld = !stale && !stopped && !PrimaryLeavesUncompared && !LeavesUnverified(in flow);
        if (HoldsOverflow && mayBeHeld && flow.Primary.Count >= maxQueueSize)
        {
            return false;
        }

        SendAhead(primary);
        if (frame.Layout.Kind == FrameKind.Tcp)
        {
            streams.AcceptPrimary(ref flow, primary, stale);
        }

        flow.Primary.Append(arena, primary);
        Counters.Held += Weight(primary);
        if (!mayBeHeld)
        {
            ReleaseAll(ref flow, ReasonNotToHold(in flow, stale));
        }
        else if (flow.Primary.Count > maxQueueSize)
        {
            Overflow(ref flow, nowNs);
        }
        else if (IsBroken(in frame) && flow.State == FlowState.Comparing && IsCompared)
        {
            Diverge(ref flow, Verdict.Diverged(DivergenceReason.Fragment), nowNs);
        }
        else if (flow.State == FlowState.Comparing && IsCompared && IsNews(ref flow, primary))
        {
            CompareHeld(ref flow, nowNs);
        }

        return true;
    }

    /// <summary>Whether a frame of the primary changes what is to be said of its flow. Behind an older frame it has to wait whatever it
    /// says (R6), but a datagram of the secondary that has waited for it waits no more.</summary>
    private bool IsNews(ref Flow flow, FrameRef primary) =>
        flow.Primary.Count == 1 || (!flow.IsStream && datagrams.AcceptPrimary(ref flow, primary));

    private UnverifiedReason ReasonNotToHold(in Flow flow, bool stale) =>
        stale ? UnverifiedReason.StaleEpoch
        : stopped ? UnverifiedReason.Stop
        : PrimaryLeavesUncompared ? ReasonToBypass()
        : ReasonNotVerified(in flow);

    private void TakeByPolicy(in Flow flow, FrameRef primary)
    {
        if (flow.Action == PolicyAction.Drop)
        {
            DropPrimary(primary, DropReason.PrimaryPolicy);
            return;
        }

        if (flow.Action == PolicyAction.Quarantine)
        {
            Counters.Count(UnverifiedReason.Quarantine, Weight(primary));
        }
        else
        {
            Counters.Count(flow.NotComparedReason, Weight(primary));
        }

        SendAhead(primary);
        Leave(primary);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeSecondaryInFull(ref Flow found, FrameRef secondary, long nowNs)
    {
        if (HasDoneEnough || IsTakingOver)
        {
            return false;
        }

        ref Frame frame = ref arena[secondary];
        if ((IsCompared || frame.Epoch != epoch) && frame.Layout.Kind < FrameKind.NotCompared)
        {
            RefreshEpoch();
            RefreshSignals(in frame.Layout);
            if ((IsAhead(in frame) && (IsCompared || isReturning)) || HasDoneEnough || IsTakingOver)
            {
                return false;
            }
        }

        if (!IsCompared)
        {
            TakeUncompared(secondary);
        }
        else if (frame.Layout.Kind >= FrameKind.NotCompared)
        {
            Drop(secondary, frame.Layout.Kind == FrameKind.NotCompared ? DropReason.SecondaryPassed : DropReason.SecondaryMalformed);
        }
        else if (IsStale(in frame))
        {
            Drop(secondary, DropReason.SecondaryStale);
        }
        else
        {
            return TakeComparable(ref found, secondary, nowNs);
        }

        return true;
    }

    private bool TakeComparable(ref Flow found, FrameRef secondary, long nowNs)
    {
        ref Frame frame = ref arena[secondary];
        ref Flow flow = ref Follow(ref found, secondary, nowNs);
        if (Unsafe.IsNullRef(in flow))
        {
            if (HasUnfinished)
            {
                return false;
            }

            Drop(secondary, DropReason.SecondaryTableFull);
            return true;
        }

        if (flow.Action != PolicyAction.Compare)
        {
            Drop(secondary, flow.Action == PolicyAction.Drop ? DropReason.SecondaryPolicy : DropReason.SecondaryPassed);
        }
        else if (stopped || flow.State == FlowState.Diverged)
        {
            Drop(secondary, DropReason.SecondaryUnmatched);
        }
        else if (LeavesUnverified(in flow))
        {
            Drop(secondary, DropReason.SecondaryAfterDivergence);
        }
        else if (frame.Layout.Kind == FrameKind.Fragment)
        {
            TakeFragments(ref flow, secondary, nowNs);
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
                CompareHeld(ref flow, nowNs);
            }
        }

        return true;
    }

    /// <summary>A segment without payload says what it has to say at once, and a full queue must not silence it.</summary>
    private static bool MayBeHeld(in FrameLayout layout) => layout.Kind != FrameKind.Tcp || layout.PayloadLength != 0;

    /// <summary>Whether a frame belongs to the epoch that begins when the checkpoint has finished for which both replicas are stopped. It
    /// waits for that, and with it all that came later, unless nothing is compared before and after it.</summary>
    private bool IsAhead(in Frame frame) => (int)(frame.Epoch - epoch) > 0 && !stopped && (!PrimaryLeavesUncompared || isReturning);

    private bool IsStale(in Frame frame) => (int)(frame.Epoch - flushedEpoch) < 0;

    private static bool IsBroken(in Frame frame) =>
        frame.Layout.Kind == FrameKind.Fragment && (frame.Marks & FrameMarks.Incomplete) == 0;

    private void CountNotCompared(in FrameLayout layout, int frames)
    {
        if (layout.Kind == FrameKind.NotCompared)
        {
            Counters.Count(layout.NotCompared, frames);
        }
        else
        {
            Counters.Count(layout.Malformed, frames);
        }
    }

    private void Drop(FrameRef secondary, DropReason reason)
    {
        bool standsForMore = (arena[secondary].Marks & (FrameMarks.Assembled | FrameMarks.Incomplete)) == (FrameMarks.Assembled | FrameMarks.Incomplete);
        Counters.Count(reason, standsForMore ? arena.Fragments(secondary).Count : 1);
        rings.SecondaryHome.Add(secondary);
    }

    /// <summary>Has the flow of a frame follow what has happened to all flows, or makes it where it was not found.</summary>
    /// <returns>The flow, or a null reference when none is left and <c>overflow</c> says to hold, or the next poll has to go on with one.</returns>
    private ref Flow Follow(ref Flow found, FrameRef frame, long nowNs)
    {
        if (Unsafe.IsNullRef(in found))
        {
            return ref AddFlow(frame, nowNs);
        }

        Follow(ref found);
        if (HasUnfinished)
        {
            // What comes now must not leave with what leaves unverified.
            return ref Unsafe.NullRef<Flow>();
        }

        return ref found;
    }
}
