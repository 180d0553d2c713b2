// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Makes all changes of a flow's state: divergence, overflow, flush, take-over by the secondary, and the return to comparison.
/// </summary>
internal sealed class FlowLifecycle(
    FlowTable flows, HeldFrames held, ShardView view, FlushLog flushes, FlowShare share, DivergenceReporter reports,
    UnfinishedFlow unfinished)
{
    /// <summary>
    /// Whether the primary's frames of a flow are sent unverified, because the flow has diverged and waits for no checkpoint,
    /// because the client has reset it, or because its translation is not known.
    /// </summary>
    public static bool LeavesUnverified(in Flow flow) =>
        flow.State is FlowState.Unverified or FlowState.OverShare or FlowState.ClientReset or FlowState.Untranslated;

    /// <summary>The reason why the primary's frames of such a flow are sent unverified.</summary>
    public static UnverifiedReason ReasonNotVerified(in Flow flow) => flow.State switch
    {
        FlowState.OverShare => UnverifiedReason.KeepsDiffering,
        FlowState.ClientReset => UnverifiedReason.ClientReset,
        FlowState.Untranslated => UnverifiedReason.MirrorLoss,
        _ => UnverifiedReason.AfterDivergence,
    };

    /// <summary>
    /// Handles a divergence. Where a checkpoint will resolve it, the flow's frames wait for the checkpoint; where none will come,
    /// or the flow has used up its share of checkpoints, its frames are sent unverified from now on. In both cases the flow is
    /// reported once.
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

    /// <summary>
    /// Handles an overflow or an eviction: the flow's frames are released in order, unverified, and a checkpoint is requested
    /// (R4, R8).
    /// </summary>
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

    /// <summary>
    /// Returns a flow that has used up its share of checkpoints to comparison. The next checkpoint does so; if none has finished
    /// when the flow's penalty time ends, the flow requests one, and its frames wait for it.
    /// </summary>
    public void CompareAgainInTime(ref Flow flow, long nowNs)
    {
        if (share.IsLeft(in flow, nowNs))
        {
            flow.State = StateToDiverge(ref flow, nowNs);
            reports.RequestComparison(in flow, nowNs);
        }
    }

    /// <summary>Ends a connection that the client has reset: what the primary has sent leaves, what the secondary has sent needs
    /// no twin (R13). A flow that has already diverged waits for its checkpoint as before.</summary>
    public void EndByClient(ref Flow flow)
    {
        if (flow.State != FlowState.Comparing)
        {
            return;
        }

        flow.State = FlowState.ClientReset;
        FlowComparers.ForgetVerified(ref flow, keepsNumbers: true);
        held.ReleaseAll(ref flow, UnverifiedReason.ClientReset);
        held.ClearSecondary(ref flow);
    }

    /// <summary>Compares a flow again that the client had reset.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="keepsNumbers">Whether one replica has missed the reset, so that the connection goes on; otherwise a new
    /// connection opens.</param>
    public static void Reopen(ref Flow flow, bool keepsNumbers = false)
    {
        if (flow.State == FlowState.ClientReset)
        {
            CompareAnew(ref flow, keepsNumbers);
        }
    }

    /// <summary>Compares a flow again whose translation was not known: a new connection opens.</summary>
    public static void LearnTranslation(ref Flow flow)
    {
        if (flow.State == FlowState.Untranslated)
        {
            CompareAnew(ref flow, keepsNumbers: false);
        }
    }

    /// <summary>Ends the comparison of a flow because the secondary has missed what a client sent, while the secondary's numbers
    /// were not known (R17). A flow that has already diverged waits for its checkpoint as before.</summary>
    public void LoseTranslation(ref Flow flow)
    {
        if (flow.State != FlowState.Comparing)
        {
            return;
        }

        flow.State = FlowState.Untranslated;
        FlowComparers.ForgetVerified(ref flow);
        held.ReleaseAll(ref flow, UnverifiedReason.MirrorLoss);
        held.ClearSecondary(ref flow);
    }

    /// <summary>Applies to a flow the events that concerned all flows since the flow was last visited, in their order.</summary>
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

    private static void CompareAnew(ref Flow flow, bool keepsNumbers)
    {
        flow.State = FlowState.Comparing;
        FlowComparers.ForgetVerified(ref flow, keepsNumbers);
    }

    private FlowState StateToDiverge(ref Flow flow, long nowNs) =>
        !view.Mends ? FlowState.Unverified : share.TryTake(ref flow, nowNs) ? FlowState.Diverged : FlowState.OverShare;

    private void Flush(ref Flow flow)
    {
        UnverifiedReason? reason = flushes.ReasonSince(flow.Flush);
        bool forgets = flushes.ForgetsSince(flow.Flush);
        FlushedNumbers numbers = view.Mirrors ? flushes.NumbersSince(flow.Flush) : FlushedNumbers.Equal;
        flow.Flush = flushes.Last;
        if (numbers is FlushedNumbers.Equal or FlushedNumbers.Unknown)
        {
            flows.ForgetTimestamps(ref flow);
        }

        if (reason is { } release)
        {
            bool isLost = numbers == FlushedNumbers.Unknown && flow.IsStream;
            // What a client has ended stays ended until a SYN (R13).
            bool isEnded = flow.State == FlowState.ClientReset && !forgets;
            flow.State = isLost ? FlowState.Untranslated : isEnded ? FlowState.ClientReset : FlowState.Comparing;
            bool keepsNumbers = numbers is FlushedNumbers.Kept or FlushedNumbers.Doubtful;
            if (forgets || numbers == FlushedNumbers.Doubtful)
            {
                FlowComparers.ForgetVerified(ref flow, keepsNumbers);
            }
            else
            {
                FlowComparers.Synchronise(ref flow, keepsNumbers);
            }

            held.ReleaseAll(ref flow, release);
            held.ClearSecondary(ref flow);
        }
        else if (flow.IsStream && forgets)
        {
            WaitForCheckpoint(ref flow);
        }

        if (numbers == FlushedNumbers.Doubtful && flow.HasTranslation)
        {
            flow.Tcp.Set(TcpFlags.ShiftDoubtful);
            flow.RenewPrediction();
        }
    }

    /// <summary>
    /// Has the held frames of a TCP flow wait for the requested checkpoint, because frames have bypassed the comparison.
    /// </summary>
    private void WaitForCheckpoint(ref Flow flow)
    {
        held.ClearSecondary(ref flow);
        FlowComparers.ForgetVerified(ref flow);
        if (flow.State != FlowState.Comparing)
        {
            return;
        }

        if (flow.Primary.IsEmpty)
        {
            flow.State = view.Mirrors ? FlowState.Untranslated : FlowState.Comparing;
            return;
        }

        flow.State = view.Mends ? FlowState.Diverged : FlowState.Unverified;
        if (flow.State == FlowState.Unverified)
        {
            held.ReleaseAll(ref flow, UnverifiedReason.AfterDivergence);
        }
    }
}
