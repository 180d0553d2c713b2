// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine;

/// <content>What happens when there is nothing to compare with: the secondary's link is lost, or one of the two goes on alone.</content>
public sealed partial class Shard
{
    private readonly bool bypassesLoss;
    private Protection protection;
    private bool isReturning;

    private bool IsCompared => protection is Protection.InStep or Protection.Bypassed or Protection.DegradedNoCheckpoints;

    /// <summary>What <see cref="Flow.IsPredicted"/> is asked with.</summary>
    private uint prediction = Flow.PredictsNothing;

    /// <summary>Must be called after a change of the flush number, of the protection, of <see cref="stopped"/> or of
    /// <see cref="HasUnfinished"/>.</summary>
    private void RenewPrediction() =>
        prediction = predicts && IsCompared && !stopped && !steps.IsSpent && !HasUnfinished ? flush : Flow.PredictsNothing;

    private bool IsTakingOver => protection == Protection.SecondaryAlone && walkNext != Flow.None;

    private bool PrimaryLeavesUncompared =>
        protection == Protection.PrimaryAlone || (protection == Protection.DegradedNoSecondary && bypassesLoss);

    /// <summary>
    /// When both are in step again, a new epoch comes with it: the gate raises it after it has said so, and only then do frames count.
    /// </summary>
    private void RefreshProtection()
    {
        Protection seen = guest.Protection;
        if (seen == protection)
        {
            return;
        }

        protection = seen;
        RenewPrediction();
        if (protection == Protection.SecondaryAlone)
        {
            flushAtTakeOver = flush;
            BeginWalk();
        }
        else if (PrimaryLeavesUncompared)
        {
            Flush(ReasonToBypass());
        }
        else if (protection == Protection.DegradedNoCheckpoints && !guest.Mends)
        {
            // Nobody will mend what has diverged.
            BeginWalk();
        }
    }

    private UnverifiedReason ReasonToBypass() =>
        protection == Protection.PrimaryAlone ? UnverifiedReason.Failover : UnverifiedReason.SecondaryLost;

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
        if ((arena[primary].Marks & FrameMarks.SentAhead) != 0)
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
                rings.PrimaryHome.Add(fragment);
            }
        }

        rings.PrimaryHome.Add(primary);
    }
}
