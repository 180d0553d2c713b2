// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Applies events that concern all flows to each of them: a flush, a take-over, or the loss of checkpoints. There may be millions
/// of flows, so a walk visits a part of them per poll; a flow whose frame arrives earlier is brought up to date at once
/// (<see cref="FlowLifecycle.Follow"/>).
/// </summary>
internal sealed class FlowWalk(FlowTable flows, ShardView view, FlowLifecycle lifecycle, StepMeter steps, WorkPlace place)
{
    private uint next = Flow.None;

    /// <summary>Whether a walk has yet to visit some flows.</summary>
    public bool IsUnderWay => next != Flow.None;

    /// <summary>
    /// Whether some flows have yet to be taken over by the secondary. New frames of the secondary wait until the held ones have
    /// been sent.
    /// </summary>
    public bool IsTakingOver => view.IsSecondaryAlone && IsUnderWay;

    /// <summary>Refreshes the copy of the guest's state, and starts a walk when a change concerns all flows.</summary>
    public void Refresh(long nowNs)
    {
        if (view.Refresh(nowNs))
        {
            Begin();
        }
    }

    /// <summary>
    /// Refreshes the state before a frame is processed, because the frame may belong to a new epoch. A fragment arrives by itself
    /// where its datagram was not reassembled, possibly because of a checkpoint or the stop. The capture duty saw that event
    /// before it passed the fragment on, so the whole state is refreshed for a fragment; otherwise the fragment would count as a
    /// divergence.
    /// </summary>
    public void RefreshFor(FrameKind kind, long nowNs)
    {
        if (kind == FrameKind.Fragment)
        {
            Refresh(nowNs);
        }
        else if (view.RefreshEpoch(nowNs))
        {
            Begin();
        }
    }

    /// <summary>Continues the walk with the next flows.</summary>
    public void Continue()
    {
        // At most half of a poll's steps: the rest is for new frames.
        for (; next < flows.HighWater && !steps.IsHalfSpent; next++)
        {
            steps.Count();
            place.FlowIndex = next;
            ref Flow flow = ref flows[next];
            if (flow.InUse)
            {
                lifecycle.Follow(ref flow);
                if (view.IsSecondaryAlone && flow.HoldsFrames)
                {
                    // It holds more frames than one poll can release; until all have left, none of its new frames is taken.
                    break;
                }
            }
        }

        place.FlowIndex = Flow.None;
        if (next >= flows.HighWater)
        {
            next = Flow.None;
        }
    }

    private void Begin()
    {
        flows.Readmit();
        next = 0;
        Continue();
    }
}
