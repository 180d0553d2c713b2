// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine;

/// <content>
/// What concerns every flow: a flush, a take-over, or the news that no checkpoint will mend what has diverged. There may be millions of
/// flows, so that each one follows when it is next looked at, and a walk reaches the others, a part of them per poll.
/// </content>
public sealed partial class Shard
{
    /// <summary>The reasons of the last flushes. Null stands for an absence: what is held waits for the checkpoint that
    /// follows.</summary>
    private readonly UnverifiedReason?[] flushReasons = new UnverifiedReason?[EngineLimits.RememberedFlushes];
    private uint flush = 1;
    private uint forgettingFlush;
    private int absences;
    private uint flushAtTakeOver;
    private uint walkNext = Flow.None;
    private uint unfinished = Flow.None;
    private UnverifiedReason? unfinishedRelease;
    private bool unfinishedClears;
    private readonly StepMeter steps = new();

    /// <summary>What the last poll did beyond looking at its frames.</summary>
    internal StepMeter Steps => steps;

    /// <summary>Whether this poll has left something that no frame and no clock will bring up again.</summary>
    private bool HasMoreToDo => steps.IsSpent || HasUnfinished || walkNext != Flow.None || reliefNext != 0;

    /// <summary>Whether a flow is in the middle of being emptied or judged. No frame is taken before that is done.</summary>
    private bool HasUnfinished => unfinished != Flow.None;

    private bool HasDoneEnough => steps.IsSpent || HasUnfinished;

    /// <summary>Goes on with the flow of which the poll before could not finish what it had begun.</summary>
    private void FinishFlow(long nowNs)
    {
        if (!HasUnfinished)
        {
            return;
        }

        placeFlow = unfinished;
        ref Flow flow = ref flows[unfinished];
        UnverifiedReason? release = unfinishedRelease;
        bool clears = unfinishedClears;
        unfinished = Flow.None;
        unfinishedRelease = null;
        unfinishedClears = false;
        if (release is { } reason)
        {
            ReleaseAll(ref flow, reason);
        }

        if (clears)
        {
            ClearSecondary(ref flow);
        }

        if (!HasUnfinished && flow.State == FlowState.Comparing && IsCompared && !stopped)
        {
            CompareHeld(ref flow, nowNs);
        }

        placeFlow = Flow.None;
    }

    /// <summary>Leaves the rest of a flow to the next poll; none of its frames, and none of another flow, is taken before that.</summary>
    private void LeaveUnfinished(ref Flow flow)
    {
        unfinished = flows.IndexOf(ref flow);
        RenewPrediction();
    }

    /// <summary>Frames have passed uncompared: from now on no frame leaves because of what was said before.</summary>
    private void RefreshBypass()
    {
        int seen = guest.Bypasses;
        if (seen != absences)
        {
            absences = seen;
            Flush(null, forgets: true);
        }
    }

    /// <summary>Releases all that is held, each flow in its order, and compares every flow afresh.</summary>
    /// <param name="reason">Why it leaves unverified; null where it waits for a checkpoint.</param>
    /// <param name="forgets">Whether flows forget what was said before (<see cref="GuestState.FreshEpoch"/>).</param>
    private void Flush(UnverifiedReason? reason, bool forgets = false)
    {
        flush = flush + 1 is Flow.PredictsNothing ? 1 : flush + 1;
        flushReasons[flush % EngineLimits.RememberedFlushes] = reason;
        forgettingFlush = forgets ? flush : forgettingFlush;
        RenewPrediction();
        flows.Readmit();
        BeginWalk();
    }

    private void BeginWalk()
    {
        walkNext = 0;
        Walk();
    }

    /// <summary>Has the next flows follow what has happened to all of them.</summary>
    private void Walk()
    {
        // Half of a poll's steps: the rest is for the frames that come meanwhile.
        for (; walkNext < flows.HighWater && !steps.IsHalfSpent; walkNext++)
        {
            steps.Count();
            placeFlow = walkNext;
            ref Flow flow = ref flows[walkNext];
            if (flow.InUse)
            {
                Follow(ref flow);
                if (protection == Protection.SecondaryAlone && HoldsFrames(in flow))
                {
                    // More than one poll can let out; meanwhile no frame of it is taken.
                    break;
                }
            }
        }

        placeFlow = Flow.None;
        if (walkNext >= flows.HighWater)
        {
            walkNext = Flow.None;
        }
    }

    /// <summary>Lets what has happened to all flows happen to one of them, in the order in which it happened.</summary>
    private void Follow(ref Flow flow)
    {
        if (protection == Protection.SecondaryAlone)
        {
            if ((int)(flushAtTakeOver - flow.Flush) > 0)
            {
                Flush(ref flow);
            }

            TakeOver(ref flow);
        }

        if (flow.Flush != flush && !HasUnfinished)
        {
            Flush(ref flow);
        }

        if (flow.State == FlowState.Diverged && protection == Protection.DegradedNoCheckpoints && !guest.Mends)
        {
            // Nobody will mend it.
            flow.State = FlowState.Unverified;
            ReleaseAll(ref flow, UnverifiedReason.AfterDivergence);
        }
    }

    private void Flush(ref Flow flow)
    {
        UnverifiedReason? reason = ReasonSince(flow.Flush);
        bool forgets = (int)(forgettingFlush - flow.Flush) > 0;
        flow.Flush = flush;
        if (reason is { } release)
        {
            flow.State = FlowState.Comparing;
            if (flow.IsStream && forgets)
            {
                TcpStreamComparer.Forget(ref flow);
            }
            else if (flow.IsStream)
            {
                TcpStreamComparer.Synchronise(ref flow);
            }

            ReleaseAll(ref flow, release);
            ClearSecondary(ref flow);
        }
        else if (flow.IsStream)
        {
            BeginUnseen(ref flow);
        }
    }

    /// <summary>The reason for which held frames leave: that of the first flush since the last one that a flow has
    /// followed.</summary>
    private UnverifiedReason? ReasonSince(uint followed)
    {
        uint count = Math.Min(flush - followed, EngineLimits.RememberedFlushes);
        for (uint at = flush - count + 1; at != flush; at++)
        {
            if (flushReasons[at % EngineLimits.RememberedFlushes] is { } reason)
            {
                return reason;
            }
        }

        return flushReasons[flush % EngineLimits.RememberedFlushes];
    }

    /// <summary>Frames of a stream have passed uncompared: what is held waits for the checkpoint that was asked for.</summary>
    private void BeginUnseen(ref Flow flow)
    {
        ClearSecondary(ref flow);
        TcpStreamComparer.Forget(ref flow);
        if (flow.State == FlowState.Comparing && !flow.Primary.IsEmpty)
        {
            flow.State = guest.Mends ? FlowState.Diverged : FlowState.Unverified;
            if (flow.State == FlowState.Unverified)
            {
                ReleaseAll(ref flow, UnverifiedReason.AfterDivergence);
            }
        }
    }

    /// <summary>The secondary goes on from where it is: what it has said and the primary has not is the first to leave.</summary>
    private void TakeOver(ref Flow flow)
    {
        for (; !flow.Primary.IsEmpty && !steps.IsSpent; steps.Count())
        {
            FrameRef oldest = flow.Primary.Head;
            Unhold(ref flow, oldest);
            DropPrimary(oldest, DropReason.PrimaryFailover);
        }

        for (; !flow.Secondary.IsEmpty && !steps.IsSpent; steps.Count())
        {
            FrameRef oldest = flow.Secondary.Head;
            datagrams.Remove(ref flow, oldest);
            LeaveSecondary(oldest);
        }

        if (!HoldsFrames(in flow))
        {
            ClearSecondary(ref flow);
        }
    }

    private static bool HoldsFrames(in Flow flow) => !flow.Primary.IsEmpty || !flow.Secondary.IsEmpty;
}
