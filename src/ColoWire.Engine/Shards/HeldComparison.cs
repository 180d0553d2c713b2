// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Compare;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Compares the held frames of a flow and applies the verdicts: the oldest frame is released, waits, is suspect, or is reported
/// as a divergence.
/// </summary>
internal sealed class HeldComparison(
    FrameArena arena, FlowTable flows, FlowComparers comparers, HeldFrames held, FlowLifecycle lifecycle, Disposition disposition,
    EpochStart epochStart, SuspectQueue suspects, UnfinishedFlow unfinished, ShardView view, StepMeter steps)
{
    /// <summary>Continues with the flow that the previous poll left unfinished.</summary>
    /// <param name="place">Where the flow is recorded in case of a failure.</param>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    public void Resume(WorkPlace place, long nowNs)
    {
        if (!unfinished.IsAny)
        {
            return;
        }

        place.FlowIndex = unfinished.Take(out UnverifiedReason? release, out bool clears);
        ref Flow flow = ref flows[place.FlowIndex];
        if (release is { } reason)
        {
            held.ReleaseAll(ref flow, reason);
        }

        if (clears)
        {
            held.ClearSecondary(ref flow);
        }

        if (!unfinished.IsAny && flow.State == FlowState.Comparing && view.IsCompared && !view.IsStopped)
        {
            Compare(ref flow, nowNs);
        }

        place.FlowIndex = Flow.None;
    }

    /// <summary>Compares the held frames of a flow, oldest first, until one must wait.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    /// <param name="isGraceOver">Whether the grace of the suspect (the oldest frame or an overtaken datagram) has ended.</param>
    /// <returns>The last verdict: Hold or Suspect with the reason why the oldest frame waits; Release when no frame is held or
    /// the next poll continues; or Divergence.</returns>
    public Verdict Compare(ref Flow flow, long nowNs, bool isGraceOver = false)
    {
        Verdict verdict = Verdict.Release;
        while (!flow.Primary.IsEmpty)
        {
            if (steps.IsSpent)
            {
                unfinished.LeaveComparison(flows.IndexOf(ref flow));
                view.RenewPrediction();
                return Verdict.Release;
            }

            steps.Count();
            verdict = CompareOldest(ref flow, isGraceOver, nowNs);
            if (verdict.Kind == VerdictKind.Divergence && verdict.Reason != DivergenceReason.Retransmit
                && IsStraggler(verdict.Secondary))
            {
                DropStraggler(ref flow, verdict.Secondary);
                continue;
            }

            if (verdict.Kind == VerdictKind.Divergence
                && verdict.Reason is not (DivergenceReason.Retransmit or DivergenceReason.Translation)
                && IsEarly(flow.Primary.Head))
            {
                arena[flow.Primary.Head].Marks |= FrameMarks.Assumed;
                verdict = Verdict.Release;
            }

            if (verdict.Kind is not (VerdictKind.Release or VerdictKind.ReleaseUnverified))
            {
                break;
            }

            held.ReleaseOldest(ref flow, verdict.Kind);
            verdict = Verdict.Release;
        }

        if (verdict.Kind == VerdictKind.Divergence)
        {
            lifecycle.Diverge(ref flow, in verdict, nowNs);
        }
        else
        {
            NoteSuspect(ref flow, verdict.Kind == VerdictKind.Suspect, nowNs);
        }

        return verdict;
    }

    /// <summary>Releases the oldest held frame, whose twin may have arrived before the epoch.</summary>
    public void ReleaseEarly(ref Flow flow)
    {
        arena[flow.Primary.Head].Marks |= FrameMarks.Assumed;
        held.ReleaseOldest(ref flow, VerdictKind.Release);
    }

    /// <summary>
    /// Whether a frame of the primary may lack its twin because the twin arrived before the epoch
    /// (<see cref="EpochStart.IsEarly"/>).
    /// </summary>
    public bool IsEarly(FrameRef primary) => epochStart.IsEarly(in arena[primary]);

    /// <summary>Returns the slot of a held frame of the secondary that has no twin and needs none.</summary>
    /// <returns>False when the missing twin is a difference.</returns>
    public bool TryReturnUnmatched(ref Flow flow, FrameRef secondary)
    {
        if (IsStraggler(secondary))
        {
            DropStraggler(ref flow, secondary);
            return true;
        }

        if (arena[secondary].Layout.Kind == FrameKind.Fragment)
        {
            // A fragment that was not reassembled is no difference by itself; if its datagram was complete on the primary, the
            // primary's frame lacks a twin and times out.
            comparers.Remove(ref flow, secondary);
            disposition.DropSecondary(secondary, DropReason.SecondaryFragment);
            return true;
        }

        return comparers.TryReturnUnmatched(ref flow, secondary);
    }

    private Verdict CompareOldest(ref Flow flow, bool isGraceOver, long nowNs)
    {
        FrameRef oldest = flow.Primary.Head;
        Verdict verdict = comparers.Compare(ref flow, oldest);
        return verdict.Kind == VerdictKind.Suspect && isGraceOver && flow.Suspect.Subject == oldest
            ? comparers.ResolveAfterGrace(ref flow, oldest, in verdict, nowNs)
            : verdict;
    }

    /// <summary>
    /// Records the suspect of a flow, if any. An overtaken datagram of the secondary takes precedence, because it has waited
    /// longer than the primary's oldest frame.
    /// </summary>
    private void NoteSuspect(ref Flow flow, bool isOldestSuspect, long nowNs)
    {
        FrameRef subject =
            comparers.IsOvertaken(in flow) ? flow.Secondary.Head : isOldestSuspect ? flow.Primary.Head : FrameRef.None;
        if (!subject.IsNone)
        {
            suspects.Watch(flows.IndexOf(ref flow), subject, arena[subject].Number, nowNs);
        }
        else if (flow.IsSuspect)
        {
            suspects.Forget(flows.IndexOf(ref flow));
        }
    }

    private bool IsStraggler(FrameRef frame) =>
        !frame.IsNone && arena[frame].Side == Side.Secondary && epochStart.IsStraggler(in arena[frame]);

    private void DropStraggler(ref Flow flow, FrameRef secondary)
    {
        comparers.Remove(ref flow, secondary);
        disposition.DropSecondary(secondary, DropReason.SecondaryStale);
    }
}
