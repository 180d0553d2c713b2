// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Limits how many checkpoints one flow may cause (<c>checkpoint_share</c>): each checkpoint stops the guest, so the frames of a
/// flow that keeps differing are sent unverified once its share is used up.
/// </summary>
/// <param name="checkpoints">The number of checkpoints that one flow may cause in <see cref="EngineLimits.CheckpointShareNs"/>; 0
/// for no limit.</param>
internal sealed class FlowShare(int checkpoints)
{
    /// <summary>The part of a flow's share that one checkpoint uses, in nanoseconds; 0 without a limit.</summary>
    private readonly long costNs = checkpoints == 0 ? 0 : EngineLimits.CheckpointShareNs / checkpoints;

    /// <summary>Deducts a checkpoint from a flow's share.</summary>
    /// <returns>False when the share is used up.</returns>
    public bool TryTake(ref Flow flow, long nowNs)
    {
        long usedUntilNs = Math.Max(flow.ShareUsedUntilNs, nowNs) + costNs;
        bool isLeft = costNs == 0 || usedUntilNs - nowNs <= EngineLimits.CheckpointShareNs;
        // When the penalty time ends, the flow has one checkpoint left, because it may still differ.
        flow.ShareUsedUntilNs = isLeft ? usedUntilNs : nowNs + (2 * EngineLimits.CheckpointShareNs) - costNs;
        return isLeft;
    }

    /// <summary>Whether the penalty time of a flow that has used up its share has ended.</summary>
    public bool IsLeft(in Flow flow, long nowNs) => flow.ShareUsedUntilNs - nowNs <= EngineLimits.CheckpointShareNs - costNs;
}
