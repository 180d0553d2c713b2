// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine;

/// <content>What happens when there is nothing to compare with: the secondary's link is lost, or one of the two goes on alone.</content>
public sealed partial class Shard
{
    private readonly bool bypassesLoss;
    private Protection protection;
    private bool compares = true;

    private bool IsCompared => protection is Protection.InStep or Protection.Bypassed or Protection.DegradedNoCheckpoints;

    private bool Bypasses =>
        protection == Protection.PrimaryAlone || (protection == Protection.DegradedNoSecondary && bypassesLoss);

    /// <summary>
    /// When both are in step again, a new epoch comes with it: the gate raises it after it has said so, and only then do frames count.
    /// </summary>
    private void MeetProtection()
    {
        Protection seen = gate.Protection;
        if (seen == protection)
        {
            return;
        }

        protection = seen;
        compares = IsCompared && !stopped;
        if (protection == Protection.SecondaryAlone)
        {
            TakeOver();
        }
        else if (Bypasses)
        {
            Flush(ReasonToBypass());
        }
        else if (protection == Protection.DegradedNoCheckpoints && !gate.Mends)
        {
            PassDiverged();
        }
    }

    /// <summary>Nobody will mend what has diverged.</summary>
    private void PassDiverged()
    {
        for (uint i = 0; i < flows.HighWater; i++)
        {
            placeFlow = i;
            ref Flow flow = ref flows[i];
            if (flow.InUse && flow.State == FlowState.Diverged)
            {
                flow.State = FlowState.Passing;
                ReleaseAll(ref flow, UnverifiedReason.AfterDivergence);
            }
        }

        placeFlow = Flow.None;
    }

    private UnverifiedReason ReasonToBypass() =>
        protection == Protection.PrimaryAlone ? UnverifiedReason.Failover : UnverifiedReason.SecondaryLost;

    /// <summary>The secondary goes on from where it is: what it has said and the primary has not is the first to leave.</summary>
    private void TakeOver()
    {
        for (uint i = 0; i < flows.HighWater; i++)
        {
            placeFlow = i;
            ref Flow flow = ref flows[i];
            if (!flow.InUse)
            {
                continue;
            }

            while (!flow.Primary.IsEmpty)
            {
                FrameRef oldest = flow.Primary.Head;
                Unhold(ref flow, oldest);
                DropPrimary(oldest, DropReason.PrimaryFailover);
            }

            while (!flow.Secondary.IsEmpty)
            {
                FrameRef oldest = flow.Secondary.Head;
                datagrams.Remove(ref flow, oldest);
                LeaveSecondary(oldest);
            }

            ClearSecondary(ref flow);
        }

        placeFlow = Flow.None;
    }

    private void TakeUncompared(FrameRef secondary)
    {
        if (protection == Protection.SecondaryAlone && !stopped)
        {
            LeaveSecondary(secondary);
        }
        else
        {
            Drop(secondary, DropReason.SecondaryAlone);
        }
    }

    private void LeaveSecondary(FrameRef secondary)
    {
        if ((arena[secondary].Marks & FrameMarks.Assembled) != 0)
        {
            // Its fragments are gone, and the wire does not take it whole. From now on they come as they are.
            Drop(secondary, DropReason.SecondaryFragment);
            return;
        }

        Counters.SecondaryReleased++;
        rings.Released.Add(secondary);
    }

    /// <summary>A frame of the primary that does not leave: its slot goes home, unless it has left already to be observed.</summary>
    private void DropPrimary(FrameRef primary, DropReason reason)
    {
        if ((arena[primary].Marks & FrameMarks.Announced) != 0)
        {
            Leave(primary);
            return;
        }

        if ((arena[primary].Marks & FrameMarks.Assembled) == 0)
        {
            Counters.Count(reason);
        }
        else if (arena.Fragments(primary) is { First.IsNone: false } fragments)
        {
            Counters.Count(reason, fragments.Count);
            for (FrameRef fragment = fragments.First; !fragment.IsNone; fragment = arena[fragment].Next)
            {
                rings.JudgedHome.Add(fragment);
            }
        }

        rings.JudgedHome.Add(primary);
    }
}
