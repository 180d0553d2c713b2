// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Shards;

/// <summary>
/// How many checkpoints one flow may cause (<c>checkpoint_share</c>): each checkpoint stops the guest, so a flow that keeps differing leaves
/// unverified once it has used up its share.
/// </summary>
/// <param name="checkpoints">Checkpoints that one flow may cause in <see cref="EngineLimits.CheckpointShareNs"/>; 0 for no bound.</param>
internal sealed class FlowShare(int checkpoints)
{
    /// <summary>What a checkpoint takes of a flow's share, in nanoseconds; 0 where shares have no bound.</summary>
    private readonly long costNs = checkpoints == 0 ? 0 : EngineLimits.CheckpointShareNs / checkpoints;

    /// <summary>Takes a checkpoint out of a flow's share.</summary>
    /// <returns>False when the share is used up.</returns>
    public bool TryTake(ref Flow flow, long nowNs)
    {
        long usedUntilNs = Math.Max(flow.ShareUsedUntilNs, nowNs) + costNs;
        bool isLeft = costNs == 0 || usedUntilNs - nowNs <= EngineLimits.CheckpointShareNs;
        // When its time is over, one checkpoint is left to it: it has yet to show that it differs no more.
        flow.ShareUsedUntilNs = isLeft ? usedUntilNs : nowNs + (2 * EngineLimits.CheckpointShareNs) - costNs;
        return isLeft;
    }

    /// <summary>Whether the time is over for which a flow had used up its share.</summary>
    public bool IsLeft(in Flow flow, long nowNs) => flow.ShareUsedUntilNs - nowNs <= EngineLimits.CheckpointShareNs - costNs;
}
