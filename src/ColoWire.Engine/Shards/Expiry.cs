// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Handles timeouts: a frame was suspect for longer than <c>grace_ms</c>, or held for longer than <c>compare_timeout</c>. Graces
/// are kept in a queue; timeouts are found by a scan over all flows, in parts over several polls.
/// </summary>
internal sealed class Expiry(
    EngineOptions options, FrameArena arena, FlowTable flows, FlowComparers comparers, HeldComparison comparison,
    FlowLifecycle lifecycle,
    DivergenceReporter reports, SuspectQueue suspects, UnfinishedFlow unfinished, StepMeter steps, WorkPlace place)
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly long timeoutNs = options.CompareTimeoutMs * NanosecondsPerMs;
    private readonly long cycleNs = options.ExpiredScanCycleMs * NanosecondsPerMs;
    private long dueNs = long.MinValue;
    private uint next = Flow.None;

    /// <summary>
    /// Resolves the flows whose suspect frame has exceeded its grace: the frame is then no longer considered late, but different.
    /// </summary>
    public void ResolveSuspects(long nowNs)
    {
        uint due;
        while (reports.HasRoom && !steps.IsSpent && (due = suspects.FindDue(nowNs)) != Flow.None)
        {
            place.FlowIndex = due;
            ref Flow flow = ref flows[due];
            lifecycle.Follow(ref flow);
            if (!unfinished.IsAny && flow.IsSuspect)
            {
                ResolveSuspect(ref flow, nowNs);
            }
        }

        place.FlowIndex = Flow.None;
    }

    /// <summary>Scans the next flows; a scan visits each flow once per cycle.</summary>
    public void Scan(long nowNs)
    {
        if (next == Flow.None)
        {
            if (nowNs < dueNs)
            {
                return;
            }

            dueNs = nowNs + cycleNs;
            next = 0;
        }

        uint end = Math.Min(flows.HighWater, next + EngineLimits.ScanFlowsPerPoll);
        // Each flow may produce a report; where the ring is full, the next poll continues.
        for (; next < end && reports.HasRoom && !steps.IsSpent; next++)
        {
            place.FlowIndex = next;
            ref Flow flow = ref flows[next];
            if (flow.InUse)
            {
                lifecycle.Follow(ref flow);
                Expire(ref flow, nowNs);
                if (flow.IsIdle)
                {
                    flows.Readmit(next);
                }
            }
        }

        place.FlowIndex = Flow.None;
        if (next >= flows.HighWater)
        {
            next = Flow.None;
        }
    }

    private void ResolveSuspect(ref Flow flow, long nowNs)
    {
        FrameRef subject = flow.Suspect.Subject;
        // A subject that has left the flow since is no longer suspect.
        bool isOvertaken = subject == flow.Secondary.Head;
        if (isOvertaken && !comparison.TryReturnUnmatched(ref flow, subject))
        {
            lifecycle.Diverge(ref flow, VerdictOnOvertaken(ref flow, subject), nowNs);
        }
        else
        {
            // The subject is released, diverges, or waits for another event: in no case does the same suspect remain due.
            comparison.Compare(ref flow, nowNs, isGraceOver: true);
        }
    }

    /// <summary>
    /// The divergence for an overtaken frame of the secondary: where the primary holds frames too, the oldest frames of both
    /// sides differ; otherwise the secondary's frame has no twin.
    /// </summary>
    private Verdict VerdictOnOvertaken(ref Flow flow, FrameRef overtaken) => flow.Primary.IsEmpty
        ? new Verdict(VerdictKind.Divergence, DivergenceReason.Timeout, 0, overtaken, 0)
        : comparers.Compare(ref flow, flow.Primary.Head) with { Kind = VerdictKind.Divergence };

    private void Expire(ref Flow flow, long nowNs)
    {
        // A datagram that the secondary repeats is held for one timeout before it is compared with the cached frames, so the
        // cache of a datagram flow is kept for two timeouts.
        comparers.ClearCache(ref flow, nowNs - (flow.IsStream ? timeoutNs : 2 * timeoutNs));
        if (flow.State != FlowState.Comparing || flow.IsIdle)
        {
            return;
        }

        if (!flow.Primary.IsEmpty)
        {
            ExpirePrimary(ref flow, nowNs);
        }
        else if (!ExpireSecondary(ref flow, nowNs) && comparers.HasControlSince(ref flow, nowNs - timeoutNs))
        {
            lifecycle.Diverge(ref flow, Verdict.Diverged(DivergenceReason.Control), nowNs);
        }
    }

    private void ExpirePrimary(ref Flow flow, long nowNs)
    {
        while (!flow.Primary.IsEmpty && IsExpired(flow.Primary.Head, nowNs))
        {
            Verdict verdict = comparison.Compare(ref flow, nowNs);
            if (verdict.Kind is not (VerdictKind.Hold or VerdictKind.Suspect) || !IsExpired(flow.Primary.Head, nowNs))
            {
                return;
            }

            if (!comparison.IsEarly(flow.Primary.Head))
            {
                lifecycle.Diverge(ref flow, in verdict, nowNs);
                return;
            }

            // The frames behind it have also exceeded the timeout and also lack a twin: all of them are released in this scan.
            comparison.ReleaseEarly(ref flow);
        }
    }

    /// <summary>Searches for a frame of the secondary that has exceeded the timeout.</summary>
    /// <returns>Whether the flow has diverged because of it.</returns>
    private bool ExpireSecondary(ref Flow flow, long nowNs)
    {
        FrameRef behind;
        int left = EngineLimits.StepsPerPoll;
        for (FrameRef at = flow.Secondary.Head; !at.IsNone && left != 0; at = behind, left--)
        {
            steps.Count();
            behind = arena[at].Next;
            bool isExpired = IsExpired(at, nowNs);
            if (!isExpired && !flow.IsStream)
            {
                // Datagrams are queued in order of arrival, so all later ones are newer.
                return false;
            }

            if (isExpired && !comparison.TryReturnUnmatched(ref flow, at))
            {
                Verdict verdict = new(VerdictKind.Divergence, DivergenceReason.Timeout, 0, at, 0);
                lifecycle.Diverge(ref flow, in verdict, nowNs);
                return true;
            }
        }

        return false;
    }

    private bool IsExpired(FrameRef frame, long nowNs) => nowNs - arena[frame].ArrivalNs >= timeoutNs;
}
