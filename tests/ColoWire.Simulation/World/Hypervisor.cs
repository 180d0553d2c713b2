// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;

namespace ColoWire.Simulation.World;

/// <summary>The behaviour of a hypervisor.</summary>
internal sealed record HypervisorOptions
{
    /// <summary>Whether the world has a hypervisor; without one, no divergence is resolved.</summary>
    public bool Synchronises { get; init; } = true;

    public long ShortestNs { get; init; } = 2 * Scheduler.Ms;

    public long LongestNs { get; init; } = 60 * Scheduler.Ms;

    /// <summary>Probability that a checkpoint fails with a report.</summary>
    public double Failures { get; init; }

    /// <summary>Probability that a request is lost.</summary>
    public double Deafness { get; init; }

    /// <summary>Probability, at each step of a checkpoint, that the connection to the hypervisor breaks; and that a request is
    /// refused.</summary>
    public double BreakOffs { get; init; }

    /// <summary>Probability that the end of a checkpoint is reported twice.</summary>
    public double Echoes { get; init; }

    /// <summary>Greatest duration of a broken connection, in nanoseconds.</summary>
    public long LongestAwayNs { get; init; } = 1000 * Scheduler.Ms;

    /// <summary>Mean time between checkpoints without a request, in nanoseconds; 0 for none.</summary>
    public long UnaskedNs { get; init; }

    /// <summary>Whether it reports the beginning of a checkpoint, as QEMU does. Then the guests run before it reports the
    /// end.</summary>
    public bool TellsBeginning { get; init; }

    /// <summary>Greatest delay before the appliance processes an event, in nanoseconds.</summary>
    public long ReactionNs { get; init; }
}

/// <summary>
/// Pauses both guests, makes the secondary a copy of the primary, reports to the appliance and resumes the guests. QEMU also
/// reports the beginning, resumes the secondary, the primary some milliseconds later, and then reports the end.
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

    /// <summary>Pauses both guests.</summary>
    public required Action Pause { get; init; }

    /// <summary>Resumes the primary.</summary>
    public required Action ResumePrimary { get; init; }

    /// <summary>Resumes the secondary.</summary>
    public required Action ResumeSecondary { get; init; }

    /// <summary>Makes the secondary a copy of the primary.</summary>
    public required Action Copy { get; init; }

    /// <summary>Whether all frames that the guests sent have reached the appliance.</summary>
    public required Func<bool> IsQuiet { get; init; }

    /// <summary>The appliance sends a request or a retry.</summary>
    public event Action<CheckpointReport>? Requested;

    /// <summary>The secondary is a copy of the primary.</summary>
    public event Action? Copied;

    /// <summary>The appliance has read an event of a checkpoint.</summary>
    public event Action<CheckpointEvent>? Told;

    /// <summary>The hypervisor has become unreachable.</summary>
    public event Action? WentAway;

    /// <summary>The hypervisor is reachable again.</summary>
    public event Action? Returned;

    public bool Synchronises => options.Synchronises;

    public bool IsReady { get; private set; } = true;

    /// <summary>Number of finished checkpoints.</summary>
    public int Checkpoints { get; private set; }

    /// <summary>Set at the end: further requests are ignored, because the world is about to stop.</summary>
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
            // A refused request: both guests run, and no checkpoint has begun.
            isRefusal = false;
            return happened;
        }

        if (happened == CheckpointEvent.Completed && !isEcho && random.NextDouble() < options.Echoes && !options.TellsBeginning)
        {
            // Both guests are still paused, so the second report is as valid as the first.
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
            // The connection breaks before the guests are paused: the appliance only detects that the connection is closed.
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

    /// <summary>Both guests are paused and the connection closes: the guests are resumed without a report of how the checkpoint
    /// ended.</summary>
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
