// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;
using ColoWire.Ports;
using ColoWire.Ports.Files;
using ColoWire.Reports;

namespace ColoWire.Commands;

/// <summary>
/// Compares two captures: the duties of a live appliance on one thread, driven by the captures' own timestamps, so that the same
/// captures always give the same result. What is allocated grows with the divergences, never with the frames.
/// </summary>
internal sealed class CompareRun : IDisposable
{
    private const long NanosecondsPerMs = 1_000_000;

    /// <summary>Polls in a row that do nothing although a frame is due: no slot is free, and only time can free one.</summary>
    private const int StalledPolls = 2;

    /// <summary>Polls between two looks at what the user wants and sees.</summary>
    private const int PollsPerLook = 1024;

    private readonly EngineOptions options;
    private readonly FileCapturePort primary;
    private readonly FileCapturePort secondary;
    private readonly FramePath path;
    private readonly PathCounters counters = new();
    private readonly ReplayClock clock;
    private readonly long primaryFirstNs;
    private readonly long secondaryFirstNs;
    private readonly int shownDivergences;
    private readonly List<DivergenceSummary> divergences = [];
    private readonly List<DivergenceReport> shown = [];
    private long requestsSeen;
    private int pollsUntilLook = PollsPerLook;

    /// <summary>Joins an appliance to two captures.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="primary">The primary's capture.</param>
    /// <param name="secondary">The secondary's capture.</param>
    /// <param name="output">Where released frames go.</param>
    /// <param name="shownDivergences">How many divergences are kept with their frames' bytes.</param>
    public CompareRun(
        EngineOptions options, FileCapturePort primary, FileCapturePort secondary, IInjectPort output, int shownDivergences)
    {
        this.options = options;
        this.primary = primary;
        this.secondary = secondary;
        this.shownDivergences = shownDivergences;
        primaryFirstNs = primary.NextArrivalNs ?? 0;
        secondaryFirstNs = secondary.NextArrivalNs ?? 0;
        clock = new ReplayClock(DueNs ?? 0, options.ExpiredScanCycleMs * NanosecondsPerMs);
        path = new FramePath(options, primary, secondary, output, new NoCheckpoints());
    }

    /// <summary>Where to tell how far it is, if anywhere.</summary>
    public CompareProgress? Progress { get; init; }

    /// <summary>Makes <see cref="Run"/> end at once.</summary>
    public CancellationToken Cancellation { get; init; }

    private long? DueNs => (primary.NextArrivalNs, secondary.NextArrivalNs) switch
    {
        (long p, long s) => Math.Min(p, s),
        (long p, null) => p,
        (null, long s) => s,
        _ => null,
    };

    // Records that the ports could not hand on whole.
    private long Refused => SideTotals.Of(primary.Statistics, 0).Refused + SideTotals.Of(secondary.Statistics, 0).Refused;

    private long Waiting
    {
        get
        {
            counters.Read(path);
            return counters.Shards.Held + counters.Shards.SecondaryHeld + counters.FragmentsWaiting;
        }
    }

    /// <summary>Runs both captures to their ends and judges all that is still held.</summary>
    /// <exception cref="OperationCanceledException">The user has had enough.</exception>
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

    /// <summary>Gives the memory back; the ports belong to the caller.</summary>
    public void Dispose() => path.Dispose();

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

        // A capture that is cut off has no end that could be judged.
        if ((primary.Fault ?? secondary.Fault) is { } fault)
        {
            throw new PortException(fault);
        }
    }

    // Whatever time alone does before the next frame: a grace that is over, a scan.
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
                    // While nothing waits, a gap of years costs no more than one of a scan cycle.
                    clock.SkipScansBefore(Math.Min(dueNs, path.NextDueNs));
                }

                clock.AdvanceToScan();
            }

            Settle();
        }
    }

    // What nobody holds a frame for may wait too (a FIN without its twin), so time runs on beyond the timeout in any case. A scan finds at
    // most as many divergences as there is room for reports; what is left is found by the next.
    private void RunOut()
    {
        Settle();
        // A datagram in fragments is given up first; what it was the twin of may wait for longer.
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

    // A scan takes several polls when there are many flows, and each of them may find nothing to do.
    private void Settle()
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
        while (path.Gate.TryReadReport(out DivergenceReport report))
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
        // What only the stop let go was held to the end.
        unverified.Remove(CounterNames.Of(UnverifiedReason.Stop));
        return new CompareResult
        {
            Primary = SideTotals.Of(primary.Statistics, primaryFirstNs) with { ClockStepFrame = primary.FirstClockStepFrame },
            Secondary = SideTotals.Of(secondary.Statistics, secondaryFirstNs) with { ClockStepFrame = secondary.FirstClockStepFrame },
            Verified = shards.Verified,
            NotCompared = CountsByName.Of<NotComparedReason>(shards.NotCompared),
            Malformed = CountsByName.Of<MalformedKind>(shards.Malformed),
            SecondaryMalformed = shards.Drops[(int)DropReason.SecondaryMalformed],
            Unverified = unverified,
            HeldAtEnd = heldAtEnd,
            Checkpoints = path.Gate.Requests,
            Flows = shards.Flows + shards.FlowsEvicted,
            DivergencesTotal = counters.DivergenceCount,
            Divergences = divergences,
            Shown = shown,
            Tolerated = CountsByName.Of<ToleratedField>(shards.Tolerated),
            Drops = Drops(),
            Fragments = new FragmentCounts
            {
                Waiting = null,
                Primary = CountsByName.Of<DatagramOutcome>(counters.PrimaryFragments.Datagrams),
                Secondary = CountsByName.Of<DatagramOutcome>(counters.SecondaryFragments.Datagrams),
            },
            HoldMedianNs = counters.HoldTimes.Quantile(0.5),
            HoldP99Ns = counters.HoldTimes.Quantile(0.99),
        };
    }

    // Those of the shards come first, then those of fragments alone, then the frames that the ports could not hand on whole.
    private CountsByName Drops()
    {
        CountsByName drops = CountsByName.Of<DropReason>(counters.Shards.Drops);
        drops.Add<DropReason>(counters.SecondaryFragments.Drops);
        foreach ((string side, FileCapturePort port) in ((string, FileCapturePort)[])[("primary", primary), ("secondary", secondary)])
        {
            CaptureStatistics statistics = port.Statistics;
            drops.AddUnlessZero($"{side}_oversize", statistics.Oversize);
            drops.AddUnlessZero($"{side}_truncated", statistics.Truncated);
        }

        return drops;
    }
}
