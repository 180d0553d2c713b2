// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Shards;

/// <summary>All changes of a flow's state: it diverges, overflows, is flushed, is taken over by the secondary, or is compared
/// again.</summary>
internal sealed class FlowLifecycle(
    HeldFrames held, ShardView view, FlushLog flushes, FlowShare share, DivergenceReporter reports, UnfinishedFlow unfinished)
{
    /// <summary>Whether the primary's frames of a flow leave unverified, because it has diverged and waits for no checkpoint.</summary>
    public static bool LeavesUnverified(in Flow flow) => flow.State is FlowState.Unverified or FlowState.OverShare;

    /// <summary>Why they leave so.</summary>
    public static UnverifiedReason ReasonNotVerified(in Flow flow) =>
        flow.State == FlowState.OverShare ? UnverifiedReason.KeepsDiffering : UnverifiedReason.AfterDivergence;

    /// <summary>
    /// The replicas differ in a flow. Where a checkpoint can end that, its frames wait for the checkpoint; where none will come, or the flow
    /// has used up its share of them, they leave unverified from now on. In both cases the flow is reported once.
    /// </summary>
    public void Diverge(ref Flow flow, in Verdict verdict, long nowNs)
    {
        flow.State = StateToDiverge(ref flow, nowNs);
        reports.Report(in flow, in verdict, nowNs);
        held.ClearSecondary(ref flow);
        if (flow.State != FlowState.Diverged)
        {
            held.ReleaseAll(ref flow, ReasonNotVerified(in flow));
        }
    }

    /// <summary>A flow holds too much, or makes room: its frames leave in order, unverified, and a checkpoint is requested (R4, R8).</summary>
    public void Overflow(ref Flow flow, long nowNs)
    {
        if (flow.State == FlowState.Comparing)
        {
            flow.State = StateToDiverge(ref flow, nowNs);
            reports.Report(in flow, Verdict.Diverged(DivergenceReason.Overflow), nowNs);
        }

        held.ReleaseAll(ref flow, UnverifiedReason.Overflow);
        held.ClearSecondary(ref flow);
    }

    /// <summary>A flow that had used up its share of checkpoints is compared again after the next checkpoint. When its time is over and none has
    /// come, the flow requests one, and its frames wait for it.</summary>
    public void CompareAgainInTime(ref Flow flow, long nowNs)
    {
        if (share.IsLeft(in flow, nowNs))
        {
            flow.State = StateToDiverge(ref flow, nowNs);
            reports.RequestComparison(in flow, nowNs);
        }
    }

    /// <summary>Lets happen to a flow what has happened to all flows since it was last looked at, in that order.</summary>
    public void Follow(ref Flow flow)
    {
        if (view.IsSecondaryAlone)
        {
            if (flushes.IsBeforeTakeOver(flow.Flush))
            {
                Flush(ref flow);
            }

            held.TakeOver(ref flow);
        }

        if (flow.Flush != flushes.Last && !unfinished.IsAny)
        {
            Flush(ref flow);
        }

        if (flow.State == FlowState.Diverged && view.HasNoCheckpoints)
        {
            flow.State = FlowState.Unverified;
            held.ReleaseAll(ref flow, UnverifiedReason.AfterDivergence);
        }
    }

    private FlowState StateToDiverge(ref Flow flow, long nowNs) =>
        !view.Mends ? FlowState.Unverified : share.TryTake(ref flow, nowNs) ? FlowState.Diverged : FlowState.OverShare;

    private void Flush(ref Flow flow)
    {
        UnverifiedReason? reason = flushes.ReasonSince(flow.Flush);
        bool forgets = flushes.ForgetsSince(flow.Flush);
        flow.Flush = flushes.Last;
        if (reason is { } release)
        {
            flow.State = FlowState.Comparing;
            if (forgets)
            {
                FlowComparers.ForgetVerified(ref flow);
            }
            else
            {
                FlowComparers.Synchronise(ref flow);
            }

            held.ReleaseAll(ref flow, release);
            held.ClearSecondary(ref flow);
        }
        else if (flow.IsStream)
        {
            WaitForCheckpoint(ref flow);
        }
    }

    /// <summary>Frames of a TCP flow have passed uncompared: what is held waits for the checkpoint that was requested.</summary>
    private void WaitForCheckpoint(ref Flow flow)
    {
        held.ClearSecondary(ref flow);
        FlowComparers.ForgetVerified(ref flow);
        if (flow.State == FlowState.Comparing && !flow.Primary.IsEmpty)
        {
            flow.State = view.Mends ? FlowState.Diverged : FlowState.Unverified;
            if (flow.State == FlowState.Unverified)
            {
                held.ReleaseAll(ref flow, UnverifiedReason.AfterDivergence);
            }
        }
    }
}
