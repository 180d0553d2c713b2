// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Compare;
using ColoWire.Simulation.Guests;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <content>Every divergence asks for a checkpoint, in time and once; nothing else does (R5).</content>
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

    /// <summary>Whether a checkpoint is asked for, has begun, or will be asked for as soon as somebody can be.</summary>
    private bool IsAwaited => outstanding || areStanding || hasBrokenOff || isAway;

    /// <summary>Requests that were made, retries not counted.</summary>
    public long Requests => path.Gate.Requests;

    /// <summary>The replicas begin to differ in a flow, or a datagram was lost on the way.</summary>
    public void NoteHarm(int flow)
    {
        log.Add("harm", flow);
        judges[flow].IsHarmed = true;
    }

    /// <summary>Something is gone, or back: whatever was under way is lost, and no flow can be expected to agree until a checkpoint.</summary>
    public void NoteOutage(bool isOut)
    {
        this.isOut = isOut;
        foreach (FlowJudge judge in judges)
        {
            judge.IsHarmed = true;
        }
    }

    /// <summary>Frames of the primary went past that the appliance did not see.</summary>
    public void NoteUnseen() => hasUnseen = true;

    /// <summary>The appliance can reach the hypervisor again, and may ask at once what it asked in vain.</summary>
    public void NoteReturn()
    {
        isAway = false;
        lastRequestNs = long.MinValue / 2;
    }

    /// <summary>Whoever is not there is asked when he is back: until then what differs waits, and nobody is asked.</summary>
    public void NoteAway() => isAway = true;

    public void NoteRequest()
    {
        long retryNs = options.Engine.CheckpointRetryMs * Scheduler.Ms;
        if (outstanding && scheduler.NowNs - lastRequestNs < retryNs)
        {
            throw Broken("3 one request (R5)", EventLog.NoFlow, "asked again before checkpoint_retry_ms was over");
        }

        outstanding = options.Hypervisor.Synchronises;
        lastRequestNs = scheduler.NowNs;
    }

    /// <summary>The appliance hears of a checkpoint.</summary>
    public void NoteTold(CheckpointEvent told)
    {
        bool isOver = told == CheckpointEvent.Completed || (told == CheckpointEvent.Failed && areStanding);
        // Until another one has finished, frames of after the one that broke off wait for it, as far as checkpoint_retries
        // allows.
        hasBrokenOff = told != CheckpointEvent.Completed && (hasBrokenOff || (told == CheckpointEvent.Failed && areStanding));
        areStanding = told == CheckpointEvent.Began;
        if (hasUnseen && told == CheckpointEvent.Completed)
        {
            hasUnseen = false;
            Array.ForEach(judges, judge => judge.Forget());
        }

        if (isOver)
        {
            CheckOneRequest();
            requestsBefore = path.Gate.Requests;
            outstanding = false;
            settledNs = scheduler.NowNs;
        }
    }

    /// <summary>Whatever the primary has said the secondary has said too.</summary>
    public void NoteCopied()
    {
        checkpointsTaken++;
        foreach (FlowJudge judge in judges)
        {
            judge.Synchronise(scheduler.NowNs, scheduler.NowNs + (options.Engine.GraceMs * Scheduler.Ms) + options.ReactionNs);
            judge.IsHarmed = isOut;
        }
    }

    public void NoteStop() => stopped = true;

    /// <summary>After every round of polls.</summary>
    public void Look()
    {
        ReadReports();
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

    /// <summary>Whether a world that has come to rest holds nothing back that the secondary agreed to.</summary>
    public bool HoldsNothing => System.Array.TrueForAll(judges, j => j.OldestHeld is null && j.OldestUnanswered is null);

    private void CheckOneRequest()
    {
        long requests = path.Gate.Requests - requestsBefore;
        if (options.Hypervisor.Synchronises && requests > 1)
        {
            throw Broken("3 one request (R5)", EventLog.NoFlow, $"{requests} requests between two checkpoints");
        }
    }

    /// <summary>What found no partner in time must have been reported.</summary>
    private void CheckFound(int flow, FlowJudge judge)
    {
        bool isFound = options.Hypervisor.Synchronises ? IsAwaited : judge.IsReported || judge.IsFragmentReported;
        if (isFound)
        {
            return;
        }

        if (judge.OldestUnanswered is { } frame && scheduler.NowNs - frame.AtNs > LimitOf(frame))
        {
            throw Broken("3 every divergence", flow, $"the secondary did not agree to {frame.Sent} in time, and nobody asked");
        }

        if (!IsCramped && !judge.LetsGo && judge.SecondaryWaitsSinceNs is { } sinceNs && scheduler.NowNs - sinceNs > limitNs)
        {
            throw Broken("3 every divergence", flow, "the primary never said what the secondary said, and nobody asked");
        }
    }

    /// <summary>What never becomes a datagram is compared as it is, but not before its time to become one is over.</summary>
    private long LimitOf(CapturedFrame frame) =>
        limitNs + (frame.Sent.Fragment.Parts == 0 ? 0 : options.Engine.FragmentTimeoutMs * Scheduler.Ms);

    /// <summary>What the secondary has agreed to must leave soon, unless the way out is blocked or the flow waits for a checkpoint.</summary>
    private void CheckReleased(int flow, FlowJudge judge)
    {
        bool mayWait = IsCramped || IsAwaited || judge.IsHarmed || judge.IsLate || judge.IsReported;
        if (mayWait || judge.OldestHeld is not { CoveredNs: { } coveredNs } frame || judge.MayBeForgotten(frame.Sent))
        {
            return;
        }

        long sinceNs = Math.Max(Math.Max(coveredNs, settledNs), output.CloggedNs);
        sinceNs = Math.Max(sinceNs, lastLeftNs[flow]);
        if (scheduler.NowNs - sinceNs > options.ReactionNs)
        {
            throw Broken("2 release", flow, $"the secondary has agreed to {frame.Sent}, and it is still held");
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
            // What a checkpoint has mended meanwhile costs nothing.
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
            throw Broken("3 one request (R5)", flow, $"reported twice, the second time for {reason?.ToString() ?? report.Cause.ToString()}");
        }

        // Where something ran out, frames of the secondary may be gone; but no byte of a stream becomes another one by that.
        bool isLack = IsCramped && !(judge is StreamJudge && reason is DivergenceReason.Payload or DivergenceReason.Retransmit);
        // What the secondary repeats is forgiven only as long as it is known that it was said before, and memory for that is bounded.
        isLack |= judge is DatagramJudge { LetsGo: true };
        // A flow may hold so many and no more; by the time of the report a batch of them may have left.
        isLack |= reason == DivergenceReason.Overflow && judge.OldestUncovered is not null
            && judge.HeldFrames + EngineLimits.BatchFrames >= options.Engine.MaxQueueSize;
        bool isExcused = judge.IsHarmed || judge.IsLate || isLack;
        long timeoutNs = options.Engine.CompareTimeoutMs * Scheduler.Ms;
        bool isTimeout = (judge.OldestUncovered is { } frame && report.AtNs - frame.AtNs >= timeoutNs)
            || (judge.OldestHeld is { } held && judge.MayBeForgotten(held.Sent) && report.AtNs - held.AtNs >= timeoutNs)
            || (judge.SecondaryWaitsSinceNs is { } sinceNs && report.AtNs - sinceNs >= timeoutNs)
            // Where the time of stragglers ends, appliance and oracle know only about.
            || judge.StragglersUntilNs >= report.AtNs - timeoutNs - limitNs;
        bool isNeeded = isExcused
            || (isTimeout && reason is not (DivergenceReason.Payload or DivergenceReason.Retransmit or DivergenceReason.Overflow));
        if (!isNeeded || (options.Profile == Profile.Clean && !isLack))
        {
            throw Broken(
                "3 no needless checkpoint", flow,
                $"reported for {reason?.ToString() ?? report.Cause.ToString()}, {(isTimeout ? "after its time" : "though nothing differs")}; oldest uncovered "
                + $"{judge.OldestUncovered?.Sent}, held {judge.OldestHeld?.Sent}");
        }
    }
}
