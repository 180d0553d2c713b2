// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine;

/// <content>What happens when time runs out: a grace, a timeout, an epoch, or the run itself.</content>
public sealed partial class Shard
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly long compareTimeoutNs;
    private readonly long scanCycleNs;
    private long scanDueNs = long.MinValue;
    private readonly long graceNs;
    private long polledNs;
    private long stragglersUntilNs = long.MinValue;
    private long earlyUntilNs = long.MinValue;
    private uint scanNext = Flow.None;
    private uint flushedEpoch;
    private bool stopped;

    private void RefreshSignals()
    {
        RefreshEpoch();
        RefreshBypass();
        RefreshProtection();
        if (signals.Stop.IsRaised && !stopped)
        {
            stopped = true;
            Flush(UnverifiedReason.Stop);
        }
    }

    /// <summary>
    /// A fragment comes alone when its datagram could not be put together, or because a checkpoint or the stop fell in the middle of
    /// it. The capture duty has seen that, so it can be seen here too; in the latter case nothing diverges.
    /// </summary>
    private void RefreshSignals(in FrameLayout layout)
    {
        if (layout.Kind == FrameKind.Fragment)
        {
            RefreshSignals();
        }
    }

    /// <summary>
    /// A checkpoint has finished: what the primary said is now the secondary's too. A frame may bring the news, because its capture duty saw
    /// the new epoch first.
    /// </summary>
    private void RefreshEpoch()
    {
        isReturning = guest.IsReturning;
        // Acquire: the new epoch comes with everything that led to it. Partners: GuestState.Writer.BeginEpoch and ContinueEpoch.
        uint seen = guest.Epoch;
        if ((int)(seen - epoch) > 0)
        {
            epoch = seen;
            observe = guest.Mode == CompareMode.Observe;
            RefreshProtection();
            RefreshBypass();
            RefreshFlush();
        }
    }

    /// <summary>Most epochs begin with a flush; one that goes on with what is held does not. A flush that belongs to an epoch not seen yet
    /// comes with that one.</summary>
    private void RefreshFlush()
    {
        uint flushed = guest.FlushedEpoch;
        if ((int)(flushed - flushedEpoch) > 0 && (int)(flushed - epoch) <= 0)
        {
            bool isFresh = (int)(guest.FreshEpoch - flushedEpoch) > 0;
            flushedEpoch = flushed;
            stragglersUntilNs = polledNs + graceNs;
            earlyUntilNs = long.MinValue;
            if (isFresh && guest.EpochReason != UnverifiedReason.Checkpoint)
            {
                stragglersUntilNs = Math.Max(stragglersUntilNs, polledNs + EngineLimits.FreshEpochSettlesNs);
                earlyUntilNs = stragglersUntilNs;
            }

            streams.ExpectStragglersUntil(stragglersUntilNs);
            Flush(guest.EpochReason, isFresh);
        }
    }

    private void ReleaseAll(ref Flow flow, UnverifiedReason reason)
    {
        for (; !flow.Primary.IsEmpty && !steps.IsSpent; steps.Count())
        {
            FrameRef oldest = flow.Primary.Head;
            Unhold(ref flow, oldest);
            Counters.Count(reason, Weight(oldest));
            Leave(oldest);
        }

        if (!flow.Primary.IsEmpty)
        {
            unfinishedRelease = reason;
            LeaveUnfinished(ref flow);
        }
    }

    private void ClearSecondary(ref Flow flow)
    {
        for (; !flow.Secondary.IsEmpty && !steps.IsSpent; steps.Count())
        {
            FrameRef oldest = flow.Secondary.Head;
            datagrams.Remove(ref flow, oldest);
            Drop(oldest, DropReason.SecondaryUnmatched);
        }

        if (!flow.Secondary.IsEmpty)
        {
            unfinishedClears = true;
            LeaveUnfinished(ref flow);
        }

        flow.Tcp.Cursor = FrameRef.None;
        flow.Tcp.IndexRoot = FrameRef.None;
        kept.Clear(ref flow);
        suspects.Forget(flows.IndexOf(ref flow));
    }

    /// <summary>
    /// The replicas differ in a flow. Where a checkpoint can mend it, its frames wait for that; where none will come, or the flow has used up
    /// its share of them, they leave unverified from now on. Either way the flow is reported once.
    /// </summary>
    private void Diverge(ref Flow flow, in Verdict verdict, long nowNs)
    {
        flow.State = StateToDiverge(ref flow, nowNs);
        Report(in flow, in verdict, nowNs);
        ClearSecondary(ref flow);
        if (flow.State != FlowState.Diverged)
        {
            ReleaseAll(ref flow, ReasonNotVerified(in flow));
        }
    }

    private void Report(in Flow flow, in Verdict verdict, long nowNs)
    {
        Counters.Count(verdict.Reason);
        if (!rings.Reports.HasRoom)
        {
            Counters.ReportsLost++;
            return;
        }

        CheckpointReport report = new()
        {
            Cause = CheckpointCause.Divergence,
            ExceedsShare = flow.State == FlowState.OverShare,
            Epoch = epoch,
            AtNs = nowNs,
            Flow = flow.Key,
            Divergence = new Divergence { Reason = verdict.Reason, Field = verdict.Field, Offset = verdict.Offset },
        };
        if (!flow.Primary.IsEmpty)
        {
            report.Divergence.Primary.Take(in arena[flow.Primary.Head], arena.Bytes(flow.Primary.Head), verdict.Offset);
        }

        if (!verdict.Secondary.IsNone)
        {
            report.Divergence.Secondary.Take(in arena[verdict.Secondary], arena.Bytes(verdict.Secondary), verdict.SecondaryOffset);
        }

        Send(in report);
    }

    private void Send(in CheckpointReport report)
    {
        if (!rings.Reports.TryAdd(in report))
        {
            Counters.ReportsLost++;
        }
    }

    /// <summary>The expired scan: walks a part of the flows per poll, all of them once per cycle.</summary>
    private void Scan(long nowNs)
    {
        if (scanNext == Flow.None)
        {
            if (nowNs < scanDueNs)
            {
                return;
            }

            scanDueNs = nowNs + scanCycleNs;
            scanNext = 0;
        }

        uint end = Math.Min(flows.HighWater, scanNext + EngineLimits.ScanFlowsPerPoll);
        // Each flow may have something to report; where no room is left, the next poll goes on.
        for (; scanNext < end && rings.Reports.HasRoom && !steps.IsSpent; scanNext++)
        {
            placeFlow = scanNext;
            ref Flow flow = ref flows[scanNext];
            if (flow.InUse)
            {
                Follow(ref flow);
                Expire(ref flow, nowNs);
                if (flow.IsIdle)
                {
                    flows.Readmit(scanNext);
                }
            }
        }

        placeFlow = Flow.None;

        if (scanNext >= flows.HighWater)
        {
            scanNext = Flow.None;
        }
    }

    private void Expire(ref Flow flow, long nowNs)
    {
        // A datagram that the secondary repeats waits for the timeout itself before it is compared with what was kept.
        kept.ClearBefore(ref flow, nowNs - (flow.IsStream ? compareTimeoutNs : 2 * compareTimeoutNs));
        if (flow.State != FlowState.Comparing || flow.IsIdle)
        {
            return;
        }

        if (!flow.Primary.IsEmpty)
        {
            ExpirePrimary(ref flow, nowNs);
        }
        else if (!ExpireSecondary(ref flow, nowNs) && streams.HasControlSince(ref flow, nowNs - compareTimeoutNs))
        {
            Diverge(ref flow, Verdict.Diverged(DivergenceReason.Control), nowNs);
        }
    }

    private void ExpirePrimary(ref Flow flow, long nowNs)
    {
        while (!flow.Primary.IsEmpty && IsExpired(flow.Primary.Head, nowNs))
        {
            Verdict verdict = CompareHeld(ref flow, nowNs);
            if (verdict.Kind is not (VerdictKind.Hold or VerdictKind.Suspect) || !IsExpired(flow.Primary.Head, nowNs))
            {
                return;
            }

            if (!IsEarly(flow.Primary.Head))
            {
                Diverge(ref flow, in verdict, nowNs);
                return;
            }

            // The frames behind it have waited as long, and have no twin either: all of them leave in this scan.
            arena[flow.Primary.Head].Marks |= FrameMarks.Assumed;
            ReleaseOldest(ref flow, VerdictKind.Release);
        }
    }

    /// <summary>Looks for a frame of the secondary that has waited too long.</summary>
    /// <returns>Whether the flow has diverged for it.</returns>
    private bool ExpireSecondary(ref Flow flow, long nowNs)
    {
        FrameRef next;
        int left = EngineLimits.StepsPerPoll;
        for (FrameRef at = flow.Secondary.Head; !at.IsNone && left != 0; at = next, left--)
        {
            steps.Count();
            next = arena[at].Next;
            bool isExpired = IsExpired(at, nowNs);
            if (!isExpired && !flow.IsStream)
            {
                // Datagrams stand in the order in which they came.
                return false;
            }

            if (isExpired && !TryForgive(ref flow, at))
            {
                Verdict verdict = new(VerdictKind.Divergence, DivergenceReason.Timeout, 0, at, 0);
                Diverge(ref flow, in verdict, nowNs);
                return true;
            }
        }

        return false;
    }

    private bool IsExpired(FrameRef frame, long nowNs) => nowNs - arena[frame].ArrivalNs >= compareTimeoutNs;
}
