// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Simulation.Guests;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <content>Checks that every divergence causes one checkpoint request in time, and that nothing else causes one (R5).</content>
internal sealed partial class Oracle
{
    private const int SlackMs = 50;

    private readonly long limitNs;
    private int checkpointsTaken;
    private long requestsBefore;
    private long lastRequestNs;
    private bool outstanding;
    private bool areStanding;
    private long settledNs;
    private long nextLookNs;
    private bool isOut;
    private bool isAway;
    private bool hasBrokenOff;
    private bool hasUnseen;
    private bool isPaused;
    private long pausedNs = long.MinValue;
    private long resumedNs = long.MinValue;

    /// <summary>Whether a checkpoint is requested, has begun, or will be requested as soon as the requester is ready.</summary>
    private bool IsAwaited => outstanding || areStanding || hasBrokenOff || isAway;

    /// <summary>Number of requests, retries not counted.</summary>
    public long Requests => path.Gate.Requests;

    /// <summary>The replicas begin to differ in a flow, or a datagram was lost.</summary>
    public void NoteHarm(int flow)
    {
        log.Add("harm", flow);
        judges[flow].IsHarmed = true;
    }

    /// <summary>An outage begins or ends: all frames in flight are lost, and every flow may diverge until a checkpoint.</summary>
    public void NoteOutage(bool isOut)
    {
        this.isOut = isOut;
        Inbound?.NoteDoubt();
        foreach (FlowJudge judge in judges)
        {
            judge.IsHarmed = true;
        }
    }

    /// <summary>Frames of the primary bypassed the appliance.</summary>
    public void NoteUnseen() => hasUnseen = true;

    /// <summary>The hypervisor is reachable again, and the appliance may repeat its request at once.</summary>
    public void NoteReturn()
    {
        isAway = false;
        lastRequestNs = long.MinValue / 2;
    }

    /// <summary>The hypervisor is unreachable: until it is back no request is made, and frames that differ are held.</summary>
    public void NoteAway() => isAway = true;

    /// <summary>The hypervisor has paused both guests.</summary>
    public void NotePause()
    {
        isPaused = true;
        pausedNs = scheduler.NowNs;
    }

    /// <summary>Both guests run again.</summary>
    public void NoteResume()
    {
        isPaused = false;
        resumedNs = scheduler.NowNs;
    }

    public void NoteRequest()
    {
        long retryNs = options.Engine.CheckpointRetryMs * Scheduler.Ms;
        if (outstanding && scheduler.NowNs - lastRequestNs < retryNs)
        {
            throw Broken("3 one request (R5)", EventLog.NoFlow, "requested again before checkpoint_retry_ms had passed");
        }

        outstanding = options.Hypervisor.Synchronises;
        lastRequestNs = scheduler.NowNs;
    }

    /// <summary>The appliance reads an event of a checkpoint.</summary>
    public void NoteTold(CheckpointEvent told)
    {
        Inbound?.NoteTold(told);
        bool isOver = told == CheckpointEvent.Completed || (told == CheckpointEvent.Failed && areStanding);
        // After a checkpoint broke off, later frames are held until another checkpoint has finished, for as long as
        // checkpoint_retries allows.
        hasBrokenOff = told != CheckpointEvent.Completed && (hasBrokenOff || (told == CheckpointEvent.Failed && areStanding));
        areStanding = told == CheckpointEvent.Began;
        if (hasUnseen && told == CheckpointEvent.Completed)
        {
            hasUnseen = false;
            Array.ForEach(judges, judge => judge.Forget());
        }

        if (told == CheckpointEvent.Completed && !isOut && !IsCramped)
        {
            Inbound?.EndDoubt();
        }

        if (isOver)
        {
            CheckOneRequest();
            requestsBefore = path.Gate.Requests;
            outstanding = false;
            settledNs = scheduler.NowNs;
        }
    }

    /// <summary>The secondary is a copy of the primary: all that the primary has sent counts as sent by the secondary.</summary>
    public void NoteCopied()
    {
        checkpointsTaken++;
        foreach (FlowJudge judge in judges)
        {
            judge.Synchronise(scheduler.NowNs, scheduler.NowNs + (options.Engine.GraceMs * Scheduler.Ms) + options.ReactionNs);
            judge.IsHarmed |= isOut;
        }
    }

    public void NoteStop()
    {
        stopped = true;
        Inbound?.NoteStop();
    }

    /// <summary>Runs the checks after every round of polls.</summary>
    public void Look()
    {
        ReadReports();
        LookAtMisses();
        if (stopped || scheduler.NowNs < nextLookNs)
        {
            return;
        }

        nextLookNs = scheduler.NowNs + (5 * Scheduler.Ms);
        CheckOneRequest();
        if (isOut)
        {
            return;
        }

        for (int flow = 0; flow < judges.Length; flow++)
        {
            CheckFound(flow, judges[flow]);
            CheckReleased(flow, judges[flow]);
        }
    }

    /// <summary>Whether the appliance holds no frame, and the secondary has covered every frame, once the world is at
    /// rest.</summary>
    public bool HoldsNothing => System.Array.TrueForAll(judges, j => j.OldestHeld is null && j.OldestUnanswered is null);

    private void CheckOneRequest()
    {
        long requests = path.Gate.Requests - requestsBefore;
        if (options.Hypervisor.Synchronises && requests > 1)
        {
            throw Broken("3 one request (R5)", EventLog.NoFlow, $"{requests} requests between two checkpoints");
        }
    }

    /// <summary>A frame that got no twin in time must have been reported.</summary>
    private void CheckFound(int flow, FlowJudge judge)
    {
        bool isFound = options.Hypervisor.Synchronises ? IsAwaited : judge.IsReported || judge.IsFragmentReported;
        if (isFound)
        {
            return;
        }

        if (judge.OldestUnanswered is { } frame && scheduler.NowNs - frame.AtNs > LimitOf(frame))
        {
            throw Broken("3 every divergence", flow, $"the secondary did not send {frame.Sent} in time: no request");
        }

        if (!IsCramped && !judge.LetsGo && !judge.IsUntranslated && judge.SecondaryWaitsSinceNs is { } sinceNs
            && scheduler.NowNs - sinceNs > limitNs)
        {
            throw Broken("3 every divergence", flow, "only the secondary sent a frame: no request");
        }
    }

    /// <summary>Fragments of an incomplete datagram are compared one by one, but only after the timeout for fragments.</summary>
    private long LimitOf(CapturedFrame frame) =>
        limitNs + (frame.Sent.Fragment.Parts == 0 ? 0 : options.Engine.FragmentTimeoutMs * Scheduler.Ms);

    /// <summary>A covered frame must leave soon, unless the inject port accepts none or the flow waits for a
    /// checkpoint.</summary>
    private void CheckReleased(int flow, FlowJudge judge)
    {
        bool mayWait = IsCramped || IsAwaited || judge.IsHarmed || judge.IsLate || judge.IsReported;
        if (!mayWait)
        {
            CheckEnded(flow, judge);
        }

        if (mayWait || judge.OldestHeld is not { CoveredNs: { } coveredNs } frame || judge.MayBeForgotten(frame.Sent))
        {
            return;
        }

        long sinceNs = Math.Max(Math.Max(coveredNs, settledNs), output.CloggedNs);
        sinceNs = Math.Max(sinceNs, lastLeftNs[flow]);
        if (scheduler.NowNs - sinceNs > options.ReactionNs)
        {
            throw Broken("2 release", flow, $"the secondary has sent {frame.Sent} as well, and it is still held");
        }
    }

    private void ReadReports()
    {
        while (path.Gate.TryReadReport(out CheckpointReport report))
        {
            if (report.Cause is CheckpointCause.BrokenCheckpoint or CheckpointCause.SecondaryLink or CheckpointCause.Absence)
            {
                continue;
            }

            int flow = FlowIdentity.NumberOf(in report.Flow);
            log.Add("report", flow, EventLog.NumberOf(in report));
            // A divergence that a checkpoint has resolved in the meantime causes no request.
            if (report.Epoch == path.Guest.CapturedEpoch && !stopped)
            {
                CheckNeeded(flow, judges[flow], in report);
                judges[flow].IsReported |= ReasonOf(in report) != DivergenceReason.Fragment;
                judges[flow].IsFragmentReported |= ReasonOf(in report) == DivergenceReason.Fragment;
            }
        }
    }

    /// <summary>In what the replicas differ; null where the report is of something else.</summary>
    private static DivergenceReason? ReasonOf(in CheckpointReport report) =>
        report.Cause == CheckpointCause.Divergence ? report.Divergence.Reason : null;

    private void CheckNeeded(int flow, FlowJudge judge, in CheckpointReport report)
    {
        DivergenceReason? reason = ReasonOf(in report);
        if (judge.IsReported && !IsCramped && reason != DivergenceReason.Fragment)
        {
            throw Broken("3 one request (R5)", flow,
                $"reported twice, the second time for {reason?.ToString() ?? report.Cause.ToString()}");
        }

        // When memory has run out, frames of the secondary may have been dropped, but no byte of a stream can get another value
        // by that.
        bool isLack = IsCramped && !(judge is StreamJudge && reason is DivergenceReason.Payload or DivergenceReason.Retransmit);
        // Repeated datagrams of the secondary are tolerated only while the first copy is recorded, and the memory for records is
        // bounded.
        isLack |= judge is DatagramJudge { LetsGo: true };
        // A flow may hold a limited number of frames; by the time of the report one batch of them may have left.
        isLack |= reason == DivergenceReason.Overflow && judge.OldestUncovered is not null
            && judge.HeldFrames + EngineLimits.BatchFrames >= options.Engine.MaxQueueSize;
        // A pause separates the copies of a datagram for longer than the grace.
        isLack |= reason is DivergenceReason.Timeout or DivergenceReason.Payload && IsCutOff(judge, report.AtNs);
        // Of a byte before the bypass the appliance knows only what the secondary has sent since, as a keepalive's garbage.
        isLack |= reason == DivergenceReason.Payload && judge.OldestHeld is { } old && judge.MayBeForgotten(old.Sent);
        isLack |= judge.IsAbandoned || judge.IsApartByReset(report.AtNs);
        CheckNotEnded(flow, judge, in report);
        bool isExcused = judge.IsHarmed || judge.IsLate || isLack;
        long timeoutNs = options.Engine.CompareTimeoutMs * Scheduler.Ms;
        bool isTimeout = (judge.OldestUncoveredAt(report.AtNs) is { } frame && report.AtNs - frame.AtNs >= timeoutNs)
            || (judge.OldestHeld is { } held && judge.MayBeForgotten(held.Sent) && report.AtNs - held.AtNs >= timeoutNs)
            || (judge.SecondaryWaitsSinceNs is { } sinceNs && report.AtNs - sinceNs >= timeoutNs)
            // The appliance and the oracle know only approximately when frames of the replaced secondary stop arriving.
            || judge.StragglersUntilNs >= report.AtNs - timeoutNs - limitNs;
        bool isNeeded = isExcused
            || (isTimeout
                && reason is not (DivergenceReason.Payload or DivergenceReason.Retransmit or DivergenceReason.Overflow));
        // Also in a clean world a checkpoint between the replicas' reads of a client's frame makes them differ.
        bool isApart = Inbound is not null && judge.IsHarmed;
        if (!isNeeded || (options.Profile == Profile.Clean && !isLack && !isApart))
        {
            throw Broken(
                "3 no needless checkpoint", flow,
                $"reported for {reason?.ToString() ?? report.Cause.ToString()}, "
                + $"{(isTimeout ? "after the timeout" : "though nothing differs")}; oldest uncovered "
                + $"{judge.OldestUncovered?.Sent}, held {judge.OldestHeld?.Sent}");
        }
    }

    /// <summary>Whether a frame lacked its twin when its grace ended because the guests were paused during that grace: one
    /// replica had not sent the twin yet. The hypervisor pauses the guests before it tells the appliance, so the appliance can
    /// only find the frame overdue. The checkpoint for which the guests are paused resolves the difference.</summary>
    private bool IsCutOff(FlowJudge judge, long atNs)
    {
        long suspectSinceNs = atNs - (options.Engine.GraceMs * Scheduler.Ms) - options.ReactionNs;
        bool wasPaused = pausedNs <= atNs && (isPaused || resumedNs >= suspectSinceNs);
        bool lacksTwin = judge.SecondaryWaitsSinceNs <= atNs || judge.OldestUncoveredAt(atNs) is not null;
        return judge.HasGrace && wasPaused && lacksTwin;
    }
}
