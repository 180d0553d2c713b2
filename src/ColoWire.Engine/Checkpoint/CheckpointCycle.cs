// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// The state machine of a checkpoint, from its cause to its end: it merges all causes into at most one outstanding request
/// (R5), and begins a new epoch when a checkpoint has finished. Only <see cref="Happen"/> changes the phase, by the table <see
/// cref="PhaseTransition.Of"/>; the actions are in <c>CheckpointCycle.Actions.cs</c>.
/// </summary>
/// <remarks>
/// <para>A requester may fail between any two steps. Frames wait at most <c>checkpoint_retry_ms</c> for each of the requests
/// that <c>checkpoint_retries</c> allows, and at most <c>checkpoint_max_ms</c> for a checkpoint that has begun.</para>
/// <para>Where the requester reports the begin of a checkpoint, an epoch ends in two steps. Frames that are captured after both
/// replicas were stopped belong to the next epoch (<see cref="GuestState.CapturedEpoch"/>). Held frames leave when that epoch
/// begins (<see cref="GuestState.Epoch"/>) and not before, because until then the secondary cannot reproduce them.</para>
/// </remarks>
internal sealed partial class CheckpointCycle
{
    private readonly ICheckpointRequester requester;
    private readonly GuestState.Writer guest;
    private readonly Losses losses;
    private readonly ReportOutlet reports;
    private readonly CheckpointRequest request;
    private readonly CheckpointStop stop;
    private readonly FreshEpoch fresh = new();
    private long completed;

    /// <summary>Makes an idle cycle.</summary>
    /// <param name="requester">The requester of checkpoints.</param>
    /// <param name="guest">The writer of the guest's state, which publishes the epochs.</param>
    /// <param name="losses">The record of lost ports and of a lost requester.</param>
    /// <param name="reports">The outlet to the host, which logs the causes.</param>
    /// <param name="times">The time limits.</param>
    /// <param name="failed">The cycle of the path in which a duty has failed, whose counters and request are taken over; null
    /// at the start.</param>
    public CheckpointCycle(
        ICheckpointRequester requester,
        GuestState.Writer guest,
        Losses losses,
        ReportOutlet reports,
        CheckpointTimes times,
        CheckpointCycle? failed)
    {
        this.requester = requester;
        this.guest = guest;
        this.losses = losses;
        this.reports = reports;
        request = new CheckpointRequest(times);
        stop = new CheckpointStop(times.LongestStopNs, failed?.stop.HasOverrun ?? false);
        if (failed is not null)
        {
            completed = failed.completed;
            // A checkpoint that has begun is ignored: frames of both sides are lost, so that another checkpoint is needed.
            Phase = failed.Phase == CheckpointPhase.Requested ? CheckpointPhase.Requested : CheckpointPhase.Idle;
            request.Follow(failed.request, Phase == CheckpointPhase.Requested);
            BeginFreshEpoch(UnverifiedReason.Checkpoint);
        }
    }

    /// <summary>The phase of the checkpoint.</summary>
    public CheckpointPhase Phase { get; private set; }

    /// <summary>Whether a checkpoint is asked for and none has finished since.</summary>
    public bool IsAsked => request.IsOutstanding;

    /// <summary>Checkpoints asked for, retries not counted; any thread may read it.</summary>
    public long Requests => request.Count;

    /// <summary>Checkpoints that have finished, asked for or not; any thread may read it.</summary>
    public long Completed => Volatile.Read(ref completed);

    private bool Asks => guest.State.AsksForCheckpoints;

    private bool IsStopped => Phase is CheckpointPhase.Stopped or CheckpointPhase.Settled;

    /// <summary>Applies an event.</summary>
    /// <param name="happened">The event.</param>
    /// <param name="nowNs">The engine's clock.</param>
    /// <param name="cause">The cause; for <see cref="PhaseEvent.CauseReported"/> only.</param>
    public void Happen(PhaseEvent happened, long nowNs, in CheckpointReport cause = default)
    {
        Debug.Assert(IsStopped || IsAsked == (Phase == CheckpointPhase.Requested), "outstanding means requested");
        PhaseTransition transition = PhaseTransition.Of(Phase, happened, IsAsked, Asks);
        Phase = transition.Next;
        Act(transition.Action, happened, nowNs, in cause);
    }

    /// <summary>Applies an event that the requester reports.</summary>
    public void Hear(CheckpointEvent told, long nowNs) => Happen(
        told switch
        {
            CheckpointEvent.Began => PhaseEvent.Began,
            CheckpointEvent.Completed => PhaseEvent.Completed,
            CheckpointEvent.Failed => PhaseEvent.Failed,
            CheckpointEvent.SecondaryLost => PhaseEvent.SecondaryLost,
            _ => throw new ArgumentOutOfRangeException(nameof(told), told, null),
        },
        nowNs);

    /// <summary>Reports a cause to the host, and requests the checkpoint that resolves it.</summary>
    public void Report(in CheckpointReport report, long nowNs)
    {
        reports.Add(in report);
        // A divergence from before the last flush was resolved by the checkpoint of that flush.
        bool isMended = (int)(report.Epoch - guest.State.FlushedEpoch) < 0;
        if (!report.ExceedsShare && !isMended)
        {
            Happen(PhaseEvent.CauseReported, nowNs, in report);
        }
    }

    /// <summary>Requests a checkpoint that the operator has ordered.</summary>
    public void Order(long nowNs)
    {
        if (Asks)
        {
            request.SkipInterval(nowNs);
            Report(New(CheckpointCause.Order, nowNs), nowNs);
        }
    }

    /// <summary>Changes the mode, as the operator has ordered. A checkpoint is requested, because none was while ColoWire only
    /// observed, and the replicas may have diverged.</summary>
    public void ChangeMode(CompareMode mode, long nowNs)
    {
        guest.SetMode(mode);
        Happen(PhaseEvent.ModeOrdered, nowNs);
        Order(nowNs);
    }

    /// <summary>Records that the secondary is lost: its port lost the link or has it again, or the hypervisor reports that
    /// there is no secondary. The secondary's frames of that time were not captured, so that only a checkpoint restores the
    /// lock-step.</summary>
    public void LoseSecondary(long nowNs)
    {
        if (losses.IsSecondaryLost && (IsAsked || !Asks))
        {
            // The other source, link or hypervisor, has reported it: the checkpoint is requested already, or none can be made.
            return;
        }

        losses.LoseSecondary();
        Report(New(CheckpointCause.SecondaryLink, nowNs), nowNs);
    }

    /// <summary>Records that the secondary's link is back, where checkpoints are not requested.</summary>
    public void RegainSecondary(long nowNs)
    {
        losses.RegainSecondary();
        Happen(PhaseEvent.SecondaryBack, nowNs);
    }

    /// <summary>Records that frames of the primary bypassed the comparison: the replicas may have diverged since.</summary>
    /// <param name="unreadNs">For how long the ports queued frames that no thread read, in nanoseconds.</param>
    /// <param name="nowNs">The engine's clock.</param>
    public void NoteBypass(long unreadNs, long nowNs)
    {
        fresh.NoteUnseen();
        Report(New(CheckpointCause.Absence, nowNs), nowNs);
        if (Asks)
        {
            guest.CountBypass();
            return;
        }

        // No checkpoint follows. An epoch begins now, because the held frames would time out by a clock that went on during
        // the bypass, and another epoch begins once the queued frames, whose twins bypassed, have been processed.
        Happen(PhaseEvent.FramesUnseen, nowNs);
        fresh.Plan(nowNs, unreadNs);
    }

    /// <summary>Begins the planned fresh epoch when it is due.</summary>
    /// <returns>Whether it has begun.</returns>
    public bool BeginPlannedEpoch(long nowNs)
    {
        bool isDue = fresh.TryTakeDue(nowNs);
        if (isDue)
        {
            Happen(PhaseEvent.FramesUnseen, nowNs);
        }

        return isDue;
    }

    /// <summary>Sends the request, or repeats it, when it is due. A requester that is not ready gets it as soon as it is
    /// ready.</summary>
    /// <returns>The number of requests sent, 0 or 1.</returns>
    public int AskIfDue(long nowNs)
    {
        if (Phase != CheckpointPhase.Requested || !request.IsDue(nowNs))
        {
            return 0;
        }

        if (request.IsSpent)
        {
            LoseRequester();
        }

        if (!requester.IsReady)
        {
            return 0;
        }

        request.NoteTry(nowNs);
        requester.Request(in request.Cause, nowNs);
        return 1;
    }

    /// <summary>Checks how long both replicas have been stopped.</summary>
    public void WatchStop(long nowNs)
    {
        if (Phase == CheckpointPhase.Stopped && stop.HasSettled(nowNs))
        {
            Happen(PhaseEvent.StopSettled, nowNs);
        }

        guest.SetReturning(Phase == CheckpointPhase.Settled && losses.IsSecondaryReturning);
        guest.SetReplicasStopped(Phase is CheckpointPhase.Stopped or CheckpointPhase.Settled);
        if (IsStopped && stop.IsOverdue(nowNs))
        {
            Happen(PhaseEvent.StopOverdue, nowNs);
        }
    }
}
