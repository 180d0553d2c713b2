// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine;

/// <content>What the comparers say, and what becomes of a frame then: it leaves, waits, is in doubt, or stands for a divergence.</content>
public sealed partial class Shard
{
    /// <summary>Judges the held frames of a flow, oldest first, until one has to wait.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="nowNs">The engine's clock.</param>
    /// <param name="isGraceOver">Whether the suspect about the oldest, or about a datagram that was overtaken, is to be settled now.</param>
    /// <returns>The last verdict: Hold or Suspect with what the oldest waits for, Release when none is held any more or the next poll goes on,
    /// or Divergence.</returns>
    private Verdict CompareHeld(ref Flow flow, long nowNs, bool isGraceOver = false)
    {
        Verdict verdict = Verdict.Release;
        while (!flow.Primary.IsEmpty)
        {
            if (steps.IsSpent)
            {
                LeaveUnfinished(ref flow);
                return Verdict.Release;
            }

            steps.Count();
            FrameRef oldest = flow.Primary.Head;
            verdict = Compare(ref flow, oldest);
            if (verdict.Kind == VerdictKind.Suspect && isGraceOver && flow.Suspect.Subject == oldest)
            {
                verdict = ResolveAfterGrace(ref flow, oldest, in verdict, nowNs);
            }

            if (verdict.Kind == VerdictKind.Divergence && verdict.Reason != DivergenceReason.Retransmit && IsStraggler(verdict.Secondary))
            {
                DropStraggler(ref flow, verdict.Secondary);
                continue;
            }

            if (verdict.Kind == VerdictKind.Divergence && verdict.Reason != DivergenceReason.Retransmit && IsEarly(oldest))
            {
                arena[oldest].Marks |= FrameMarks.Assumed;
                verdict = Verdict.Release;
            }

            if (verdict.Kind is not (VerdictKind.Release or VerdictKind.ReleaseUnverified))
            {
                break;
            }

            ReleaseOldest(ref flow, verdict.Kind);
            verdict = Verdict.Release;
        }

        if (verdict.Kind == VerdictKind.Divergence)
        {
            Diverge(ref flow, in verdict, nowNs);
        }
        else
        {
            NoteSuspect(ref flow, verdict.Kind == VerdictKind.Suspect, nowNs);
        }

        return verdict;
    }

    private void ReleaseOldest(ref Flow flow, VerdictKind kind)
    {
        FrameRef oldest = flow.Primary.Head;
        Unhold(ref flow, oldest);
        CountCompared(oldest, kind);
        Leave(oldest);
    }

    private void CountCompared(FrameRef primary, VerdictKind kind)
    {
        int frames = Weight(primary);
        if (kind == VerdictKind.ReleaseUnverified)
        {
            Counters.Count(UnverifiedReason.Policy, frames);
        }
        else if ((arena[primary].Marks & FrameMarks.Assumed) != 0)
        {
            Counters.Count(UnverifiedReason.Unseen, frames);
        }
        else
        {
            Counters.Verified += frames;
        }
    }

    private Verdict Compare(ref Flow flow, FrameRef primary) => arena[primary].Layout.Kind switch
    {
        FrameKind.Tcp => streams.Compare(ref flow, primary),
        _ => datagrams.Compare(ref flow, primary),
    };

    private Verdict ResolveAfterGrace(ref Flow flow, FrameRef primary, in Verdict suspect, long nowNs) =>
        arena[primary].Layout.Kind == FrameKind.Tcp
            ? streams.ResolveAfterGrace(ref flow, primary, in suspect, nowNs)
            : datagrams.ResolveAfterGrace(ref flow, primary, in suspect);

    /// <summary>Fragments of the secondary that make no datagram: the primary sends the same, or the replicas differ.</summary>
    private void TakeFragments(ref Flow flow, FrameRef secondary, long nowNs)
    {
        if (flow.Secondary.Count >= maxQueueSize)
        {
            Drop(secondary, DropReason.SecondaryQueueFull);
            return;
        }

        bool isOverdue = (arena[secondary].Marks & FrameMarks.Overdue) != 0;
        datagrams.AcceptSecondary(ref flow, secondary);
        if (!flow.Primary.IsEmpty)
        {
            CompareHeld(ref flow, nowNs);
        }

        // The primary's had to be there first, so that they would have found each other by now.
        if (isOverdue && !HasUnfinished && flow.Secondary.Tail == secondary)
        {
            datagrams.Remove(ref flow, secondary);
            Verdict verdict = new(VerdictKind.Divergence, DivergenceReason.Fragment, 0, secondary, 0);
            Diverge(ref flow, in verdict, nowNs);
            Drop(secondary, DropReason.SecondaryFragment);
        }
    }

    /// <summary>
    /// Notes what a flow is in doubt about, if anything. A datagram of the secondary that was overtaken comes first: it stands there for
    /// longer than whatever the primary waits with.
    /// </summary>
    private void NoteSuspect(ref Flow flow, bool oldestIsSuspect, long nowNs)
    {
        FrameRef subject = datagrams.IsOvertaken(in flow) ? flow.Secondary.Head : oldestIsSuspect ? flow.Primary.Head : FrameRef.None;
        if (!subject.IsNone)
        {
            suspects.Watch(flows.IndexOf(ref flow), subject, arena[subject].Number, nowNs);
        }
        else if (flow.IsSuspect)
        {
            suspects.Forget(flows.IndexOf(ref flow));
        }
    }

    /// <summary>Whatever has been in doubt for longer than its grace is late no more, but different.</summary>
    private void ResolveSuspects(long nowNs)
    {
        uint due;
        while (rings.Reports.HasRoom && !steps.IsSpent && (due = suspects.FindDue(nowNs)) != Flow.None)
        {
            placeFlow = due;
            ref Flow flow = ref flows[due];
            if (flow.Flush != flush)
            {
                // Whatever it is in doubt about has been flushed.
                Follow(ref flow);
                continue;
            }

            FrameRef subject = flow.Suspect.Subject;
            // A subject that has left meanwhile is no doubt any more.
            bool isOvertaken = subject == flow.Secondary.Head;
            if (isOvertaken && !TryForgive(ref flow, subject))
            {
                Diverge(ref flow, VerdictOnOvertaken(ref flow, subject), nowNs);
            }
            else
            {
                // It leaves, diverges, or waits for something else now: in no case does the same doubt stay due.
                CompareHeld(ref flow, nowNs, isGraceOver: true);
            }
        }

        placeFlow = Flow.None;
    }

    /// <summary>Where the primary waits too, the oldest of either side stand against each other; else the secondary's has no twin.</summary>
    private Verdict VerdictOnOvertaken(ref Flow flow, FrameRef overtaken) => flow.Primary.IsEmpty
        ? new Verdict(VerdictKind.Divergence, DivergenceReason.Timeout, 0, overtaken, 0)
        : Compare(ref flow, flow.Primary.Head) with { Kind = VerdictKind.Divergence };

    /// <summary>
    /// Whether a frame of the secondary came so soon after a checkpoint that the one which the checkpoint has replaced may have sent it
    /// (R7): it counts where it agrees with the primary, and nowhere else.
    /// </summary>
    private bool IsStraggler(FrameRef frame) =>
        !frame.IsNone && arena[frame].Side == Side.Secondary && arena[frame].ArrivalNs < stragglersUntilNs;

    /// <summary>Whether a frame of the primary came so soon after the beginning of an epoch without a checkpoint that its twin
    /// may belong to the epoch before. If it finds no twin, that is no divergence.</summary>
    private bool IsEarly(FrameRef primary) => arena[primary].ArrivalNs < earlyUntilNs;

    /// <summary>Sends a frame of the secondary home that has no twin and needs none.</summary>
    /// <returns>False when it stands for a difference.</returns>
    private bool TryForgive(ref Flow flow, FrameRef secondary)
    {
        if (IsStraggler(secondary))
        {
            DropStraggler(ref flow, secondary);
            return true;
        }

        if (arena[secondary].Layout.Kind == FrameKind.Fragment)
        {
            // What makes no datagram says nothing by itself; a datagram that it was to be lacks its twin elsewhere.
            datagrams.Remove(ref flow, secondary);
            Drop(secondary, DropReason.SecondaryFragment);
            return true;
        }

        return flow.IsStream ? streams.TryDropUnseen(ref flow, secondary) : datagrams.TryDropRepeated(ref flow, secondary);
    }

    private void DropStraggler(ref Flow flow, FrameRef secondary)
    {
        if (flow.IsStream)
        {
            streams.Remove(ref flow, secondary);
        }
        else
        {
            datagrams.Remove(ref flow, secondary);
        }

        Drop(secondary, DropReason.SecondaryStale);
    }
}
