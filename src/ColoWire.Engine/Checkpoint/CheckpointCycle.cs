// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// The way of a checkpoint from its cause to its end: merges all causes into at most one outstanding request (R5), and turns a
/// finished checkpoint into a new epoch. The phase changes in <see cref="Happen"/> and nowhere else, by the table of
/// <see cref="PhaseTransition.Of"/>; what is done then stands in <c>CheckpointCycle.Actions.cs</c>.
/// </summary>
/// <remarks>
/// <para>However a requester fails, and between whichever two steps: for each of the tries that <c>checkpoint_retries</c> allows,
/// frames wait <c>checkpoint_retry_ms</c> at most, and <c>checkpoint_max_ms</c> where the checkpoint has begun.</para>
/// <para>A checkpoint of which the beginning is told has two ends to an epoch. Frames that come in once both replicas are stopped
/// belong to the epoch to come (<see cref="GuestState.CapturedEpoch"/>); frames that are held leave when it has come
/// (<see cref="GuestState.Epoch"/>), not earlier, for until then the secondary cannot reproduce them.</para>
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

    /// <summary>Makes one that is idle.</summary>
    /// <param name="requester">Who is asked.</param>
    /// <param name="guest">Where epochs are published.</param>
    /// <param name="losses">What is lost.</param>
    /// <param name="reports">Where causes are told.</param>
    /// <param name="times">How long it waits for what.</param>
    /// <param name="failed">That of the path in which a duty has failed: its counters and its request go on; null at the
    /// start.</param>
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
            // A checkpoint that has begun is not waited for: frames of both sides are lost, so another one is needed.
            Phase = failed.Phase == CheckpointPhase.Requested ? CheckpointPhase.Requested : CheckpointPhase.Idle;
            request.Follow(failed.request, Phase == CheckpointPhase.Requested);
            BeginFreshEpoch(UnverifiedReason.Checkpoint);
        }
    }

    /// <summary>How far a checkpoint has come.</summary>
    public CheckpointPhase Phase { get; private set; }

    /// <summary>Whether a checkpoint is asked for and none has finished since.</summary>
    public bool IsAsked => request.IsOutstanding;

    /// <summary>Checkpoints asked for, retries not counted; any thread may read it.</summary>
    public long Requests => request.Count;

    /// <summary>Checkpoints that have finished, asked for or not; any thread may read it.</summary>
    public long Completed => Volatile.Read(ref completed);

    private bool Asks => guest.State.AsksForCheckpoints;

    private bool IsStopped => Phase is CheckpointPhase.Stopped or CheckpointPhase.Settled;

    /// <summary>Something has happened.</summary>
    /// <param name="happened">What.</param>
    /// <param name="nowNs">The engine's clock.</param>
    /// <param name="cause">Of <see cref="PhaseEvent.CauseReported"/>: the cause.</param>
    public void Happen(PhaseEvent happened, long nowNs, in CheckpointReport cause = default)
    {
        Debug.Assert(IsStopped || IsAsked == (Phase == CheckpointPhase.Requested), "outstanding means requested");
        PhaseTransition transition = PhaseTransition.Of(Phase, happened, IsAsked, Asks);
        Phase = transition.Next;
        Act(transition.Action, happened, nowNs, in cause);
    }

    /// <summary>The requester tells something.</summary>
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

    /// <summary>Tells the host of a cause, and asks for the checkpoint that mends it.</summary>
    public void Report(in CheckpointReport report, long nowNs)
    {
        reports.Add(in report);
        // What was found before the last flush was mended by the checkpoint that the flush came with.
        bool isMended = (int)(report.Epoch - guest.State.FlushedEpoch) < 0;
        if (!report.ExceedsShare && !isMended)
        {
            Happen(PhaseEvent.CauseReported, nowNs, in report);
        }
    }

    /// <summary>The operator orders a checkpoint.</summary>
    public void Order(long nowNs)
    {
        if (Asks)
        {
            request.SkipInterval(nowNs);
            Report(New(CheckpointCause.Order, nowNs), nowNs);
        }
    }

    /// <summary>The operator orders another mode. What has diverged while ColoWire only observed no checkpoint has
    /// mended.</summary>
    public void ChangeMode(CompareMode mode, long nowNs)
    {
        guest.SetMode(mode);
        Happen(PhaseEvent.ModeOrdered, nowNs);
        Order(nowNs);
    }

    /// <summary>The secondary's link is lost, or the hypervisor says that there is no secondary, or the link is back: what the
    /// secondary has said meanwhile has not come in, so only a checkpoint puts the two in step again.</summary>
    public void LoseSecondary(long nowNs)
    {
        if (losses.IsSecondaryLost && (IsAsked || !Asks))
        {
            // Told by the link or by the hypervisor before: what mends it is asked for, or cannot be.
            return;
        }

        losses.LoseSecondary();
        Report(New(CheckpointCause.SecondaryLink, nowNs), nowNs);
    }

    /// <summary>The secondary's link is back, where no checkpoint is asked for.</summary>
    public void RegainSecondary(long nowNs)
    {
        losses.RegainSecondary();
        Happen(PhaseEvent.SecondaryBack, nowNs);
    }

    /// <summary>Frames of the primary went past the comparison: the replicas may differ since.</summary>
    /// <param name="unreadNs">For how long the ports took in frames that no thread read, in nanoseconds.</param>
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

        // No checkpoint ends this. An epoch begins now, so that nothing held is compared by a clock that went on meanwhile, and
        // another one when the frames are through whose twins went past.
        Happen(PhaseEvent.FramesUnseen, nowNs);
        fresh.Plan(nowNs, unreadNs);
    }

    /// <summary>Begins a fresh epoch if one is planned for now.</summary>
    /// <returns>Whether one has begun.</returns>
    public bool BeginPlannedEpoch(long nowNs)
    {
        bool isDue = fresh.TryTakeDue(nowNs);
        if (isDue)
        {
            Happen(PhaseEvent.FramesUnseen, nowNs);
        }

        return isDue;
    }

    /// <summary>Asks, or asks again. A requester that is not ready is asked as soon as it is.</summary>
    /// <returns>How often it was asked.</returns>
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

    /// <summary>Looks how long both replicas have been stopped.</summary>
    public void WatchStop(long nowNs)
    {
        if (Phase == CheckpointPhase.Stopped && stop.HasSettled(nowNs))
        {
            Happen(PhaseEvent.StopSettled, nowNs);
        }

        guest.SetReturning(Phase == CheckpointPhase.Settled && losses.IsSecondaryReturning);
        if (IsStopped && stop.IsOverdue(nowNs))
        {
            Happen(PhaseEvent.StopOverdue, nowNs);
        }
    }
}
