// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Compare;

namespace ColoWire.Simulation.World;

/// <summary>How a hypervisor behaves.</summary>
internal sealed record HypervisorOptions
{
    /// <summary>Whether there is one at all; without, nothing mends a divergence.</summary>
    public bool Synchronises { get; init; } = true;

    public long ShortestNs { get; init; } = 2 * Scheduler.Ms;

    public long LongestNs { get; init; } = 60 * Scheduler.Ms;

    /// <summary>Chance that a checkpoint fails and says so.</summary>
    public double Failures { get; init; }

    /// <summary>Chance that a request is not heard at all.</summary>
    public double Deafness { get; init; }

    /// <summary>Mean time between checkpoints that nobody asked for; 0 for none.</summary>
    public long UnaskedNs { get; init; }
}

/// <summary>
/// Pauses both guests, makes the secondary a copy of the primary, tells the appliance while both still stand, and lets them run:
/// the order in which QEMU does it.
/// </summary>
internal sealed class Hypervisor : ICheckpointRequester
{
    private const int MostFailuresInARow = 3;
    private const long LongestDrainNs = 400 * Scheduler.Ms;

    private readonly Scheduler scheduler;
    private readonly EventLog log;
    private readonly HypervisorOptions options;
    private readonly Random random;
    private CheckpointEvent pending;
    private bool running;
    private int failuresInARow;

    public Hypervisor(Scheduler scheduler, EventLog log, HypervisorOptions options, Random random)
    {
        this.scheduler = scheduler;
        this.log = log;
        this.options = options;
        this.random = random;
        PlanUnasked();
    }

    /// <summary>Stops both guests.</summary>
    public required Action Pause { get; init; }

    /// <summary>Lets both guests run.</summary>
    public required Action Resume { get; init; }

    /// <summary>Makes the secondary a copy of the primary.</summary>
    public required Action Copy { get; init; }

    /// <summary>Whether what the guests sent has reached the appliance.</summary>
    public required Func<bool> IsQuiet { get; init; }

    /// <summary>The appliance asks, or asks again.</summary>
    public event Action<DivergenceReport>? Requested;

    /// <summary>The appliance has taken the news of a finished checkpoint.</summary>
    public event Action? Completed;

    public bool Synchronises => options.Synchronises;

    /// <summary>Checkpoints finished.</summary>
    public int Checkpoints { get; private set; }

    /// <summary>Set at the end: whatever is asked now is not granted, for the world is about to stop.</summary>
    public bool IsRetired { get; set; }

    public void Request(in DivergenceReport cause, long nowNs)
    {
        log.Add("request", EventLog.NoFlow, (int)cause.Reason);
        Requested?.Invoke(cause);
        if (!options.Synchronises || IsRetired)
        {
            return;
        }

        if (random.NextDouble() < options.Deafness && failuresInARow < MostFailuresInARow)
        {
            failuresInARow++;
            return;
        }

        scheduler.After(random.NextInt64(5 * Scheduler.Ms), Begin);
    }

    public CheckpointEvent Poll(long nowNs)
    {
        CheckpointEvent happened = pending;
        pending = CheckpointEvent.None;
        if (happened != CheckpointEvent.None)
        {
            log.Add(happened == CheckpointEvent.Completed ? "completed" : "failed");
            if (happened == CheckpointEvent.Completed)
            {
                Completed?.Invoke();
            }

            scheduler.After(random.NextInt64(2 * Scheduler.Ms), () =>
            {
                running = false;
                Resume();
            });
        }

        return happened;
    }

    private void Begin()
    {
        if (running)
        {
            return;
        }

        running = true;
        Pause();
        log.Add("pause");
        long startedNs = scheduler.NowNs;
        scheduler.After(random.NextInt64(options.ShortestNs, options.LongestNs), () => Finish(startedNs));
    }

    private void Finish(long startedNs)
    {
        if (!IsQuiet() && scheduler.NowNs - startedNs < LongestDrainNs)
        {
            scheduler.After(Scheduler.Ms, () => Finish(startedNs));
            return;
        }

        if (random.NextDouble() < options.Failures && failuresInARow < MostFailuresInARow)
        {
            failuresInARow++;
            pending = CheckpointEvent.Failed;
            return;
        }

        failuresInARow = 0;
        Checkpoints++;
        Copy();
        pending = CheckpointEvent.Completed;
    }

    private void PlanUnasked()
    {
        if (options.UnaskedNs != 0 && options.Synchronises)
        {
            scheduler.After(random.NextInt64(2 * options.UnaskedNs), () =>
            {
                if (!IsRetired)
                {
                    log.Add("unasked");
                    Begin();
                    PlanUnasked();
                }
            });
        }
    }
}
