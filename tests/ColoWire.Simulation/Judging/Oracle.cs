// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>
/// Watches one appliance and throws as soon as it breaks a rule. It sees all frames at the ports, all events of the hypervisor,
/// and the content that the guests meant to send. This file checks the frames that leave (R2, R4, R6);
/// <c>Oracle.Checkpoints.cs</c> checks checkpoints and times.
/// </summary>
internal sealed partial class Oracle
{
    private readonly Scheduler scheduler;
    private readonly EventLog log;
    private readonly SimulationOptions options;
    private readonly FlowJudge[] judges;
    private readonly Dictionary<uint, CapturedFrame> bySlot = [];
    private readonly long[] lastLeftNs;
    private FramePath path = null!;
    private SimulatedInjectPort output = null!;
    private long primaryCaptured;
    private long primaryLeft;
    private long leftUncovered;
    private long passedLeft;
    private long malformedLeft;
    private bool stopped;

    public Oracle(Scheduler scheduler, EventLog log, SimulationOptions options, IEnumerable<FlowJudge> judges)
    {
        this.scheduler = scheduler;
        this.log = log;
        this.options = options;
        this.judges = [.. judges];
        lastLeftNs = new long[this.judges.Length];
        int limitMs = options.Engine.CompareTimeoutMs + options.Engine.ExpiredScanCycleMs + options.Engine.GraceMs + SlackMs;
        limitNs = (limitMs * Scheduler.Ms) + options.ReactionNs;
    }

    /// <summary>Number of captured frames, of both sides.</summary>
    public long Captured { get; private set; }

    private bool IsCramped => options.Profile == Profile.Cramped;

    public void Watch(FramePath watched, SimulatedInjectPort outPort)
    {
        path = watched;
        output = outPort;
    }

    public void Capture(SentFrame frame, FrameRef slot)
    {
        Captured++;
        FlowJudge judge = judges[frame.Flow];
        if (frame.Checkpoints < checkpointsTaken && (frame.Side == Side.Primary || !options.Has(Features.LateSecondary)))
        {
            judge.IsLate = true;
        }

        log.Add("captured", frame, slot.Slot);
        if (frame.Side == Side.Secondary)
        {
            judge.CaptureSecondary(frame, scheduler.NowNs);
            return;
        }

        primaryCaptured++;
        Inbound?.NoteGuestSeen(frame);
        CapturedFrame captured = new(frame, scheduler.NowNs) { IsBeforeNews = path.Guest.CapturedEpoch < checkpointsTaken };
        if (bySlot.TryGetValue(slot.Slot, out CapturedFrame? before) && !before.HasLeft)
        {
            throw Broken("R4 no loss", frame.Flow, $"a frame was captured into the slot of {before.Sent}, which has not left");
        }

        bySlot[slot.Slot] = captured;
        judge.CapturePrimary(captured);
    }

    /// <summary>A frame is injected.</summary>
    public SentFrame Leave(FrameRef slot, byte[] bytes)
    {
        if (!bySlot.TryGetValue(slot.Slot, out CapturedFrame? captured))
        {
            throw Broken("1 nothing invented", EventLog.NoFlow, $"slot {slot.Slot} left without a captured primary frame");
        }

        SentFrame sent = captured.Sent;
        log.Add("left", sent, captured.CoveredNs is null ? 1 : 0);
        if (captured.HasLeft)
        {
            throw Broken("1 nothing twice", sent.Flow, $"{sent} left twice");
        }

        if (!bytes.AsSpan().SequenceEqual(sent.Bytes))
        {
            throw Broken("1 nothing changed (R1)", sent.Flow, $"{sent} left with other bytes");
        }

        primaryLeft++;
        lastLeftNs[sent.Flow] = scheduler.NowNs;
        passedLeft += sent.Kind == SentKind.Passed ? 1 : 0;
        malformedLeft += sent.Kind == SentKind.Malformed ? 1 : 0;
        leftUncovered += captured.CoveredNs is null && !captured.IsBeforeNews && !judges[sent.Flow].Repeats(sent) ? 1 : 0;
        if (!judges[sent.Flow].Leave(captured))
        {
            throw Broken("1 order (R6)", sent.Flow, $"{sent} left before one that the primary sent earlier");
        }

        if (Inbound is not null)
        {
            worldStreams.Take(sent);
        }

        if (!options.IsObserving && leftUncovered > CountedUnverified())
        {
            throw Broken(
                "2 agreement (R2)", sent.Flow,
                $"{sent} left: {leftUncovered} frames left without the secondary's, {CountedUnverified()} are counted");
        }

        return sent;
    }

    /// <summary>The appliance has stopped and reports that its work is complete.</summary>
    public void JudgeEnd()
    {
        ReadReports();
        Demand(path.IsDrained, "4 every slot", "the path stopped and not every slot was returned");
        Demand(primaryCaptured == primaryLeft, "4 no loss (R4)", $"{primaryCaptured} captured, {primaryLeft} left");
        FlowJudge? holding = Array.Find(judges, j => j.OldestHeld is not null);
        Demand(holding is null, "4 no loss (R4)", $"{holding?.OldestHeld?.Sent} never left");
        Demand(Sum(c => c.Held) == 0 && Sum(c => c.SecondaryHeld) == 0, "5 counters", "frames are counted as held after the end");
        long passed = Sum(c => Total(c.NotCompared));
        long malformed = Sum(c => Total(c.Malformed));
        Demand(passed == passedLeft, "5 counters", $"{passedLeft} frames that are not compared left, {passed} are counted");
        Demand(malformed == malformedLeft, "5 counters", $"{malformedLeft} malformed frames left, {malformed} are counted");
        long accounted = Sum(c => c.Verified) + Sum(c => Total(c.Unverified)) + passed + malformed;
        JudgeInboundEnd();
        Demand(accounted == primaryLeft, "5 counters", $"{primaryLeft} primary frames left, {accounted} are accounted for");
    }

    private long CountedUnverified() => Sum(c =>
        Total(c.Unverified) - c.Unverified[(int)UnverifiedReason.Checkpoint] - c.Unverified[(int)UnverifiedReason.StaleEpoch]
        - c.Unverified[(int)UnverifiedReason.ClientReset]);

    private static long Total(ReadOnlySpan<long> counters)
    {
        long total = 0;
        foreach (long counter in counters)
        {
            total += counter;
        }

        return total;
    }

    private long Sum(Func<ShardCounters, long> counter) => path.Shards.Sum(shard => counter(shard.Counters));

    private static void Demand(bool holds, string rule, string message)
    {
        if (!holds)
        {
            throw Broken(rule, EventLog.NoFlow, message);
        }
    }

    private static OracleException Broken(string rule, int flow, string message) => new(rule, flow, message);
}
