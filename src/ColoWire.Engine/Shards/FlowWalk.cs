// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Brings to every flow what concerns all of them: a flush, a take-over, or that no checkpoint will come. There may be millions of flows, so a
/// walk reaches them a part per poll; a flow that a frame finds first follows at once (<see cref="FlowLifecycle.Follow"/>).
/// </summary>
internal sealed class FlowWalk(FlowTable flows, ShardView view, FlowLifecycle lifecycle, StepMeter steps, WorkPlace place)
{
    private uint next = Flow.None;

    /// <summary>Whether a walk has not reached all flows yet.</summary>
    public bool IsUnderWay => next != Flow.None;

    /// <summary>Whether flows have yet to follow that the secondary speaks alone. It takes its turn after the frames that they hold.</summary>
    public bool IsTakingOver => view.IsSecondaryAlone && IsUnderWay;

    /// <summary>Takes over the guest's state, and begins a walk when it concerns all flows.</summary>
    public void Refresh(long nowNs)
    {
        if (view.Refresh(nowNs))
        {
            Begin();
        }
    }

    /// <summary>
    /// Takes over what a frame may bring: a new epoch. A fragment comes alone when its datagram could not be put together, or because a
    /// checkpoint or the stop came while it was. The capture duty has seen that before, so it can be seen here, too; in the second case
    /// nothing diverges.
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

    /// <summary>Has the next flows follow.</summary>
    public void Continue()
    {
        // Half of a poll's steps: the rest is for the frames that come meanwhile.
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
                    // More than one poll can let out; meanwhile no frame of it is taken.
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
