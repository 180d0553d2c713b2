// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Capture;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports;
using ColoWire.Ports.Files;
using ColoWire.Reports;

namespace ColoWire.Commands;

/// <summary>
/// Compares two captures: the duties of a live appliance run on one thread, with the timestamps of the captures as their clock,
/// so that the same captures always give the same result. Memory grows with the divergences, not with the frames.
/// </summary>
internal sealed class CompareRun : IDisposable
{
    private const long NanosecondsPerMs = 1_000_000;

    /// <summary>After so many polls in a row that do nothing although a frame is due, no slot is free, and only a later time can
    /// free one.</summary>
    private const int StalledPolls = 2;

    /// <summary>Polls between two checks of the cancellation and two updates of the progress.</summary>
    private const int PollsPerLook = 1024;

    private readonly EngineOptions options;
    private readonly FileCapturePort primary;
    private readonly FileCapturePort secondary;
    private readonly FileCapturePort? world;
    private readonly FramePath path;
    private readonly PathCounters counters = new();
    private readonly ReplayClock clock;
    private readonly long primaryFirstNs;
    private readonly long secondaryFirstNs;
    private readonly long worldFirstNs;
    private readonly int shownDivergences;
    private readonly List<DivergenceSummary> divergences = [];
    private readonly List<CheckpointReport> shown = [];
    private long requestsSeen;
    private int pollsUntilLook = PollsPerLook;

    /// <summary>Makes an appliance for two captures.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="inputs">The captures.</param>
    /// <param name="output">The port to which released frames are sent.</param>
    /// <param name="received">The port to which the clients' frames are sent as the secondary receives them.</param>
    /// <param name="shownDivergences">How many divergences are kept with their frames' bytes.</param>
    public CompareRun(
        EngineOptions options, CompareInputs inputs, IInjectPort output, IInjectPort received, int shownDivergences)
    {
        this.options = options;
        (primary, secondary, world) = inputs;
        this.shownDivergences = shownDivergences;
        primaryFirstNs = primary.NextArrivalNs ?? 0;
        secondaryFirstNs = secondary.NextArrivalNs ?? 0;
        worldFirstNs = world?.NextArrivalNs ?? 0;
        clock = new ReplayClock(DueNs ?? 0, options.ExpiredScanCycleMs * NanosecondsPerMs);
        InboundPorts? inbound = world is null ? null : new InboundPorts(world, new DiscardPort(), received);
        PipelinePorts ports = new(FramePath.MakeArena(options), primary, secondary, output, inbound);
        path = new FramePath(options, [ports], new NoCheckpoints());
    }

    /// <summary>Shows the progress; null for no display.</summary>
    public CompareProgress? Progress { get; init; }

    /// <summary>Ends <see cref="Run"/> at once.</summary>
    public CancellationToken Cancellation { get; init; }

    private long? DueNs => Earlier(Earlier(primary.NextArrivalNs, secondary.NextArrivalNs), world?.NextArrivalNs);

    // Frames that the ports could not deliver whole.
    private long Refused => SideTotals.Of(primary.Statistics, 0).Refused + SideTotals.Of(secondary.Statistics, 0).Refused
        + (world is null ? 0 : SideTotals.Of(world.Statistics, 0).Refused);

    private long Waiting
    {
        get
        {
            counters.Read(path);
            return counters.Shards.Held + counters.Shards.SecondaryHeld + counters.FragmentsWaiting;
        }
    }

    /// <summary>Runs both captures to their ends, and then lets time pass until every held frame is decided.</summary>
    /// <exception cref="OperationCanceledException">The user has cancelled it.</exception>
    /// <exception cref="PortException">A capture is cut off or damaged.</exception>
    public CompareResult Run()
    {
        Replay();
        RunOut();
        counters.Read(path);
        long heldAtEnd = counters.Shards.Held;
        path.BeginStop();
        while (Poll() != 0 || !path.IsDrained)
        {
        }

        return Summarise(heldAtEnd);
    }

    /// <summary>Frees the memory; the ports belong to the caller.</summary>
    public void Dispose() => path.Dispose();

    private static long? Earlier(long? left, long? right) =>
        left is { } l && right is { } r ? Math.Min(l, r) : left ?? right;

    private void Replay()
    {
        int idlePolls = 0;
        long refused = 0;
        while (DueNs is { } dueNs)
        {
            if (dueNs > clock.NowNs)
            {
                AdvanceTime(dueNs);
                clock.AdvanceTo(dueNs);
            }
            else if (idlePolls >= StalledPolls)
            {
                clock.AdvanceToScan();
                idlePolls = 0;
            }

            bool progresses = Poll() != 0;
            if (!progresses)
            {
                long before = refused;
                refused = Refused;
                progresses = refused != before;
            }

            idlePolls = progresses ? 0 : idlePolls + 1;
        }

        // What is missing of a capture that is cut off cannot be compared.
        if ((primary.Fault ?? secondary.Fault ?? world?.Fault) is { } fault)
        {
            throw new PortException(fault);
        }
    }

    // Events before the next frame that depend on time alone: the end of a grace time, an expired scan.
    private void AdvanceTime(long dueNs)
    {
        while (path.NextDueNs < dueNs || clock.IsScanBefore(dueNs))
        {
            if (!clock.IsScanBefore(path.NextDueNs))
            {
                clock.AdvanceTo(Math.Max(path.NextDueNs, clock.NowNs));
            }
            else
            {
                if (Waiting == 0)
                {
                    // While no frame waits, all scans of a gap but the last are skipped: a gap of years takes no longer than one
                    // of a scan cycle.
                    clock.SkipScansBefore(Math.Min(dueNs, path.NextDueNs));
                }

                clock.AdvanceToScan();
            }

            PollUntilIdle();
        }
    }

    // A flow can wait without a held frame (for the FIN of the other side), so time passes beyond the timeout in any case. A scan
    // finds at most as many divergences as there is room for reports; the next scan finds the others.
    private void RunOut()
    {
        PollUntilIdle();
        // Incomplete datagrams time out first; the frame of the other side that waits for such a datagram times out later.
        long patienceMs = options.FragmentTimeoutMs + options.CompareTimeoutMs + (2L * options.ExpiredScanCycleMs);
        long judgedNs = clock.NowNs + (patienceMs * NanosecondsPerMs);
        bool progresses = true;
        while (clock.NowNs < judgedNs || (Waiting != 0 && progresses))
        {
            long waiting = Waiting;
            AdvanceTime(clock.NextScanNs + 1);
            progresses = Waiting < waiting;
        }
    }

    // With many flows a scan takes several polls, some of which find nothing to do.
    private void PollUntilIdle()
    {
        long idleAllowed = 1 + (Waiting == 0 ? 0 : counters.Shards.Flows / EngineLimits.ScanFlowsPerPoll);
        while (idleAllowed > 0)
        {
            if (Poll() == 0)
            {
                idleAllowed--;
            }
        }
    }

    private int Poll()
    {
        int work = path.Poll(clock.NowNs);
        if (path.Gate.Requests != requestsSeen)
        {
            requestsSeen = path.Gate.Requests;
            FetchReports();
        }

        if (--pollsUntilLook == 0)
        {
            pollsUntilLook = PollsPerLook;
            Cancellation.ThrowIfCancellationRequested();
            CaptureStatistics p = primary.Statistics;
            CaptureStatistics s = secondary.Statistics;
            long frames = p.Frames + s.Frames;
            Progress?.Show(frames, p.Bytes + s.Bytes + (frames * CompareProgress.RecordHeaderBytes));
        }

        return work;
    }

    private void FetchReports()
    {
        while (path.Gate.TryReadReport(out CheckpointReport report))
        {
            if (divergences.Count < CompareResult.MaxListedDivergences)
            {
                divergences.Add(DivergenceSummary.Of(report));
            }

            if (shown.Count < shownDivergences)
            {
                shown.Add(report);
            }
        }
    }

    private CompareResult Summarise(long heldAtEnd)
    {
        counters.Read(path);
        counters.ReadHoldTimes(path);
        ShardCounters shards = counters.Shards;
        CountsByName unverified = CountsByName.Of<UnverifiedReason>(shards.Unverified);
        // Frames that left because of the stop were held to the end, and are counted there.
        unverified.Remove(CounterNames.Of(UnverifiedReason.Stop));
        return new CompareResult
        {
            Primary = SideTotals.Of(primary.Statistics, primaryFirstNs) with { ClockStepFrame = primary.FirstClockStepFrame },
            Secondary = SideTotals.Of(secondary.Statistics, secondaryFirstNs) with
            {
                ClockStepFrame = secondary.FirstClockStepFrame,
            },
            World = world is null ? null : SideTotals.Of(world.Statistics, worldFirstNs),
            Inbound = world is null ? null : new InboundCounts(
                CountsByName.Of<InboundCount>(counters.Inbound.All), counters.PrimaryMissed, counters.SecondaryMissed,
                CountsByName.Of<InboundDrop>(counters.InboundDrops)),
            Verified = shards.Verified,
            NotCompared = CountsByName.Of<NotComparedReason>(shards.NotCompared),
            Malformed = CountsByName.Of<MalformedKind>(shards.Malformed),
            SecondaryMalformed = shards.Drops[(int)DropReason.SecondaryMalformed],
            Unverified = unverified,
            FramesAfterReset = shards.Unverified[(int)UnverifiedReason.ClientReset],
            HeldAtEnd = heldAtEnd,
            Checkpoints = path.Gate.Requests,
            Flows = shards.Flows + shards.FlowsEvicted,
            DivergencesTotal = counters.DivergenceCount,
            Divergences = divergences,
            Shown = shown,
            Tolerated = CountsByName.Of<ToleratedField>(shards.Tolerated),
            Drops = Drops(),
            Fragments = new FragmentCounts(
                Waiting: null,
                CountsByName.Of<DatagramOutcome>(counters.PrimaryFragments.Datagrams),
                CountsByName.Of<DatagramOutcome>(counters.SecondaryFragments.Datagrams)),
            HoldMedianNs = counters.HoldTimes.Quantile(0.5),
            HoldP99Ns = counters.HoldTimes.Quantile(0.99),
        };
    }

    // First the shards' reasons, then those of fragments alone, then the frames that the ports could not deliver whole.
    private CountsByName Drops()
    {
        CountsByName drops = CountsByName.Of<DropReason>(counters.Shards.Drops);
        drops.Add<DropReason>(counters.SecondaryFragments.Drops);
        foreach ((string side, FileCapturePort port) in
            ((string, FileCapturePort)[])[("primary", primary), ("secondary", secondary)])
        {
            CaptureStatistics statistics = port.Statistics;
            drops.AddUnlessZero($"{side}_oversize", statistics.Oversize);
            drops.AddUnlessZero($"{side}_truncated", statistics.Truncated);
        }

        return drops;
    }
}
