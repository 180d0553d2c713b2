// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine;

/// <content>
/// What a flow may cost: each checkpoint stops the guest, so a flow that keeps differing leaves unverified once it has used up its share of
/// them. It is compared again after the next checkpoint, whatever that was for; when its time is over and none has come, it asks for one.
/// </content>
public sealed partial class Shard
{
    /// <summary>What a checkpoint takes of a flow's share, in nanoseconds; 0 where shares have no bound.</summary>
    private readonly long shareCostNs;

    private static bool LeavesUnverified(in Flow flow) => flow.State is FlowState.Unverified or FlowState.OverShare;

    private static UnverifiedReason ReasonNotVerified(in Flow flow) =>
        flow.State == FlowState.OverShare ? UnverifiedReason.KeepsDiffering : UnverifiedReason.AfterDivergence;

    /// <summary>What becomes of a flow that differs.</summary>
    private FlowState StateToDiverge(ref Flow flow, long nowNs) =>
        !guest.Mends ? FlowState.Unverified : TryTakeShare(ref flow, nowNs) ? FlowState.Diverged : FlowState.OverShare;

    private bool TryTakeShare(ref Flow flow, long nowNs)
    {
        long usedUntilNs = Math.Max(flow.ShareUsedUntilNs, nowNs) + shareCostNs;
        bool isLeft = shareCostNs == 0 || usedUntilNs - nowNs <= EngineLimits.CheckpointShareNs;
        // When its time is over, one checkpoint is left to it: it has yet to show that it differs no more.
        flow.ShareUsedUntilNs = isLeft ? usedUntilNs : nowNs + (2 * EngineLimits.CheckpointShareNs) - shareCostNs;
        return isLeft;
    }

    /// <summary>The time for which a flow was to leave unverified may be over: what it says from now on waits for a checkpoint.</summary>
    private void CompareAgainInTime(ref Flow flow, long nowNs)
    {
        if (flow.ShareUsedUntilNs - nowNs > EngineLimits.CheckpointShareNs - shareCostNs)
        {
            return;
        }

        flow.State = StateToDiverge(ref flow, nowNs);
        Send(new CheckpointReport { Cause = CheckpointCause.ComparedAgain, Flow = flow.Key, AtNs = nowNs, Epoch = epoch });
    }
}
