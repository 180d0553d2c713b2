// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;

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

    /// <summary>Chance, at each step of a checkpoint, that the connection to the hypervisor breaks there; and that a request is refused.</summary>
    public double BreakOffs { get; init; }

    /// <summary>Chance that the end of a checkpoint is told twice.</summary>
    public double Echoes { get; init; }

    /// <summary>How long a broken connection stays so at most.</summary>
    public long LongestAwayNs { get; init; } = 1000 * Scheduler.Ms;

    /// <summary>Mean time between checkpoints that nobody asked for; 0 for none.</summary>
    public long UnaskedNs { get; init; }

    /// <summary>Whether it tells when a checkpoint begins, as QEMU does. Then it lets the guests run before it tells the end.</summary>
    public bool TellsBeginning { get; init; }

    /// <summary>How long the appliance may take to hear something.</summary>
    public long ReactionNs { get; init; }
}

/// <summary>
/// Pauses both guests, makes the secondary a copy of the primary, tells the appliance and lets them run. QEMU tells that it begins, too,
/// lets the secondary run, some milliseconds later the primary, and then the appliance hears of it.
/// </summary>
internal sealed class Hypervisor : ICheckpointRequester
{
    private const int MostFailuresInARow = 3;
    private const long LongestDrainNs = 400 * Scheduler.Ms;
    private const long LongestHeadStartNs = 8 * Scheduler.Ms;
    private const long LongestNewsNs = 2 * Scheduler.Ms;

    private readonly Scheduler scheduler;
    private readonly EventLog log;
    private readonly HypervisorOptions options;
    private readonly Random random;
    private CheckpointEvent pending;
    private bool isRefusal;
    private bool isEcho;
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

    /// <summary>Lets the primary run.</summary>
    public required Action ResumePrimary { get; init; }

    /// <summary>Lets the secondary run.</summary>
    public required Action ResumeSecondary { get; init; }

    /// <summary>Makes the secondary a copy of the primary.</summary>
    public required Action Copy { get; init; }

    /// <summary>Whether what the guests sent has reached the appliance.</summary>
    public required Func<bool> IsQuiet { get; init; }

    /// <summary>The appliance asks, or asks again.</summary>
    public event Action<CheckpointReport>? Requested;

    /// <summary>The secondary is a copy of the primary.</summary>
    public event Action? Copied;

    /// <summary>The appliance has taken news of a checkpoint.</summary>
    public event Action<CheckpointEvent>? Told;

    /// <summary>The appliance cannot reach the hypervisor any more.</summary>
    public event Action? WentAway;

    /// <summary>The appliance can reach the hypervisor again.</summary>
    public event Action? Returned;

    public bool Synchronises => options.Synchronises;

    public bool IsReady { get; private set; } = true;

    /// <summary>Checkpoints finished.</summary>
    public int Checkpoints { get; private set; }

    /// <summary>Set at the end: whatever is asked now is not granted, for the world is about to stop.</summary>
    public bool IsRetired { get; set; }

    public void Request(in CheckpointReport cause, long nowNs)
    {
        log.Add("request", EventLog.NoFlow, EventLog.NumberOf(in cause));
        Requested?.Invoke(cause);
        if (!options.Synchronises || IsRetired)
        {
            return;
        }

        if (!IsReady)
        {
            return;
        }

        if (random.NextDouble() < options.Deafness && failuresInARow < MostFailuresInARow)
        {
            failuresInARow++;
            return;
        }

        if (MayBreakOff() && !running && pending == CheckpointEvent.None)
        {
            log.Add("refused");
            pending = CheckpointEvent.Failed;
            isRefusal = true;
            return;
        }

        scheduler.After(random.NextInt64(5 * Scheduler.Ms), Begin);
    }

    public CheckpointEvent Poll(long nowNs)
    {
        CheckpointEvent happened = pending;
        pending = CheckpointEvent.None;
        if (happened == CheckpointEvent.None)
        {
            return happened;
        }

        log.Add(happened.ToString());
        if (happened == CheckpointEvent.Completed && !options.TellsBeginning)
        {
            Copied?.Invoke();
        }

        Told?.Invoke(happened);
        if (isRefusal)
        {
            // Both run on: nothing has begun.
            isRefusal = false;
            return happened;
        }

        if (happened == CheckpointEvent.Completed && !isEcho && random.NextDouble() < options.Echoes && !options.TellsBeginning)
        {
            // Both still stand, so that it is as true as before.
            isEcho = true;
            pending = happened;
            return happened;
        }

        isEcho = false;
        if (happened == CheckpointEvent.Began)
        {
            scheduler.After(
                options.ReactionNs + random.NextInt64(options.ShortestNs, options.LongestNs), MayBreakOff() ? BreakOff : Finish);
        }
        else if (happened == CheckpointEvent.Completed && options.TellsBeginning)
        {
            running = false;
        }
        else
        {
            scheduler.After(random.NextInt64(LongestNewsNs), () =>
            {
                running = false;
                ResumePrimary();
                ResumeSecondary();
            });
        }

        return happened;
    }

    private void Begin()
    {
        if (running || !IsReady)
        {
            return;
        }

        if (MayBreakOff())
        {
            // Before both stand: the appliance hears nothing but that the connection is gone.
            BreakOff();
            isRefusal = true;
            return;
        }

        running = true;
        Pause();
        log.Add("pause");
        long startedNs = scheduler.NowNs;
        scheduler.After(random.NextInt64(options.ShortestNs, options.LongestNs), () => Drain(startedNs));
    }

    private void Drain(long startedNs)
    {
        if (!IsQuiet() && scheduler.NowNs - startedNs < LongestDrainNs)
        {
            scheduler.After(Scheduler.Ms, () => Drain(startedNs));
        }
        else if (options.TellsBeginning)
        {
            pending = CheckpointEvent.Began;
        }
        else
        {
            Finish();
        }
    }

    private bool MayBreakOff()
    {
        bool breaks = random.NextDouble() < options.BreakOffs && failuresInARow < MostFailuresInARow;
        failuresInARow += breaks ? 1 : 0;
        return breaks;
    }

    /// <summary>Both stand, and the connection closes: whoever lets them run again does not say what became of the checkpoint.</summary>
    private void BreakOff()
    {
        log.Add("away");
        pending = CheckpointEvent.Failed;
        IsReady = false;
        WentAway?.Invoke();
        scheduler.After(random.NextInt64(options.LongestAwayNs), () =>
        {
            log.Add("returned");
            IsReady = true;
            Returned?.Invoke();
        });
    }

    private void Finish()
    {
        if (random.NextDouble() < options.Failures && failuresInARow < MostFailuresInARow)
        {
            failuresInARow++;
            pending = CheckpointEvent.Failed;
            return;
        }

        failuresInARow = 0;
        Checkpoints++;
        Copy();
        if (!options.TellsBeginning)
        {
            pending = CheckpointEvent.Completed;
            return;
        }

        Copied?.Invoke();
        ResumeSecondary();
        scheduler.After(random.NextInt64(LongestHeadStartNs), () =>
        {
            ResumePrimary();
            scheduler.After(random.NextInt64(LongestNewsNs), () => pending = CheckpointEvent.Completed);
        });
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
