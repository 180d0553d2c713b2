// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Holds frames in their flows and removes them: all at once when a flow is flushed, released or dropped. A flow may hold more
/// frames than one poll may remove; the next poll removes the rest (<see cref="UnfinishedFlow"/>).
/// </summary>
internal sealed class HeldFrames(
    FrameArena arena, FlowTable flows, FlowComparers comparers, Disposition disposition, SuspectQueue suspects,
    UnfinishedFlow unfinished,
    ShardView view, StepMeter steps, ShardCounters counters)
{
    /// <summary>Holds a frame of the primary as the newest of its flow.</summary>
    /// <param name="flow">Its flow.</param>
    /// <param name="primary">The frame.</param>
    /// <param name="weight">The number of frames that it represents (<see cref="Disposition.Weight"/>).</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Hold(ref Flow flow, FrameRef primary, int weight)
    {
        flow.Primary.Append(arena, primary);
        counters.Held += weight;
    }

    /// <summary>Releases the oldest held frame of a predicted flow as verified.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ReleaseOldest(ref Flow flow, FrameView oldest)
    {
        flow.Primary.RemoveHead(arena);
        counters.Held--;
        disposition.ReleaseVerified(oldest);
    }

    /// <summary>Releases the oldest held frame.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="kind">Release, or ReleaseUnverified.</param>
    public void ReleaseOldest(ref Flow flow, VerdictKind kind)
    {
        FrameRef oldest = TakeOldest(ref flow);
        if (kind == VerdictKind.ReleaseUnverified)
        {
            disposition.Release(oldest, UnverifiedReason.Policy);
        }
        else
        {
            disposition.ReleaseVerified(oldest);
        }
    }

    /// <summary>Releases all held frames of the primary, in their order.</summary>
    public void ReleaseAll(ref Flow flow, UnverifiedReason reason)
    {
        for (; !flow.Primary.IsEmpty && !steps.IsSpent; steps.Count())
        {
            disposition.Release(TakeOldest(ref flow), reason);
        }

        if (!flow.Primary.IsEmpty)
        {
            unfinished.LeaveRelease(flows.IndexOf(ref flow), reason);
            view.RenewPrediction();
        }
    }

    /// <summary>Drops all held frames of the secondary, its cached frames, and the flow's suspect.</summary>
    public void ClearSecondary(ref Flow flow)
    {
        FlowComparers.ForgetOrder(ref flow);
        for (; !flow.Secondary.IsEmpty && !steps.IsSpent; steps.Count())
        {
            FrameRef oldest = flow.Secondary.Head;
            comparers.Remove(ref flow, oldest);
            disposition.DropSecondary(oldest, DropReason.SecondaryUnmatched);
        }

        if (!flow.Secondary.IsEmpty)
        {
            unfinished.LeaveClearing(flows.IndexOf(ref flow));
            view.RenewPrediction();
        }

        comparers.ClearCache(ref flow);
        suspects.Forget(flows.IndexOf(ref flow));
    }

    /// <summary>
    /// Hands a flow over to the secondary: the primary's held frames are dropped, and the secondary's held frames are sent first.
    /// </summary>
    public void TakeOver(ref Flow flow)
    {
        for (; !flow.Primary.IsEmpty && !steps.IsSpent; steps.Count())
        {
            disposition.DropPrimary(TakeOldest(ref flow), DropReason.PrimaryFailover);
        }

        for (; !flow.Secondary.IsEmpty && !steps.IsSpent; steps.Count())
        {
            FrameRef oldest = flow.Secondary.Head;
            comparers.Remove(ref flow, oldest);
            disposition.ReleaseSecondary(oldest);
        }

        if (!flow.HoldsFrames)
        {
            ClearSecondary(ref flow);
        }
    }

    private FrameRef TakeOldest(ref Flow flow)
    {
        FrameRef oldest = flow.Primary.Head;
        comparers.Forget(ref flow, oldest);
        flow.Primary.RemoveHead(arena);
        counters.Held -= disposition.Weight(oldest);
        return oldest;
    }
}
