// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Linux;

namespace ColoWire.Hosting;

/// <summary>How an appliance ended.</summary>
public enum ApplianceEnd
{
    /// <summary>It runs, or has not run yet.</summary>
    None,

    /// <summary>Every frame has left.</summary>
    Drained,

    /// <summary>The out port did not take all frames in time.</summary>
    HeldBack,

    /// <summary>A duty threw.</summary>
    Failed,
}

/// <summary>
/// A path of frames with its ports and its threads: started once, stopped once. Several can live in one process on different cores.
/// </summary>
public sealed class Appliance : IDisposable
{
    /// <summary>How long a stop waits for what is held to leave.</summary>
    public static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(4);

    /// <summary>How long a stop then waits for each thread to end its round, which takes microseconds.</summary>
    private static readonly TimeSpan JoinPatience = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan DrainLookInterval = TimeSpan.FromMilliseconds(1);

    /// <summary>How long a start waits until each thread has done its first round, which compiles it.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(5);

    private readonly IReadOnlySet<int> isolatedCpus = IsolatedCpus.Read();
    private readonly DutyLoop[] loops;
    private readonly List<HeartbeatDuty> heartbeats = [];
    private readonly CancellationTokenSource failure = new();
    private bool threadsEnded = true;

    /// <summary>Takes all memory; starts nothing.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="ports">The ports and arenas of its lanes; the appliance closes and disposes them.</param>
    /// <param name="requester">Who is asked for checkpoints.</param>
    /// <param name="hashKey">The secret of the flow hash.</param>
    public Appliance(ApplianceOptions options, AppliancePorts ports, ICheckpointRequester requester, FlowHashKey hashKey)
    {
        Options = options;
        Ports = ports;
        Requester = requester;
        (string Name, object Speaker)[] speakers =
            [.. ports.Linked.Select(linked => (linked.Name, (object)linked.Port)), (options.Requester.ToString(), requester)];
        Peers = [.. speakers.Where(named => named.Speaker is IPeerReporter).Select(named => (named.Name, (IPeerReporter)named.Speaker))];
        Path = new FramePath(options.ToEngineOptions(hashKey), ports.Lanes, requester);
        Plan = ports.Lanes.Count > 1 ? CorePlan.ForLanes(options.Cores) : CorePlan.For(options.Cores, options.Shards);
        loops = [.. Plan.Select(Loop)];
        if (ports.Lanes.Count == 1 && heartbeats.Count != 0)
        {
            // Its frames pass all threads; where there are several lanes, each has its own.
            heartbeats[0].Others = [.. loops.Skip(1)];
        }
    }

    /// <summary>What was chosen.</summary>
    public ApplianceOptions Options { get; }

    /// <summary>Its ports.</summary>
    public AppliancePorts Ports { get; }

    /// <summary>Who is asked for checkpoints; whoever has made it disposes it, after the appliance.</summary>
    public ICheckpointRequester Requester { get; }

    /// <summary>What speaks with other processes over sockets: stream ports, and a requester that does.</summary>
    internal IReadOnlyList<(string Name, IPeerReporter Reporter)> Peers { get; }

    /// <summary>The path of its frames.</summary>
    public FramePath Path { get; }

    /// <summary>Which core does what.</summary>
    public IReadOnlyList<CoreAssignment> Plan { get; }

    /// <summary>What the thread of a core does while no frame comes, and why.</summary>
    /// <param name="cpu">One of the plan's.</param>
    public CoreIdle IdleOf(int cpu) => CoreIdle.Of(Options.Idle, cpu, isolatedCpus);

    /// <summary>How it ended.</summary>
    public ApplianceEnd End { get; private set; }

    /// <summary>Whether it has started.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>When it started, on the engine's clock.</summary>
    public long StartedAtNs { get; private set; }

    /// <summary>What a duty threw, when <see cref="End"/> is or becomes <see cref="ApplianceEnd.Failed"/>.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Cancelled when a duty throws.</summary>
    public CancellationToken Failing => failure.Token;

    /// <summary>Primary frames that came in and have neither left, nor been dropped by order, nor been lost by the out port.</summary>
    public long Unsent
    {
        get
        {
            InjectStatistics sent = Ports.OutputStatistics;
            long dropped = Path.Shards.Sum(shard =>
                shard.Counters.Drops[(int)DropReason.PrimaryPolicy] + shard.Counters.Drops[(int)DropReason.PrimaryFailover]);
            long others = Path.Shards.Sum(shard => shard.Counters.SecondaryReleased);
            return Ports.PrimaryStatistics.Frames - dropped - (sent.Frames + sent.Lost - others);
        }
    }

    /// <summary>Starts the threads, and when each is alive has frames come to them.</summary>
    /// <exception cref="PortException">Frames cannot be had: another program of somebody else's has come to an interface.</exception>
    public void Start()
    {
        StartedAtNs = MonotonicClock.NowNs;
        HasStarted = true;
        threadsEnded = false;
        (Requester as CheckpointRequester)?.Start();
        foreach (DutyLoop loop in loops)
        {
            loop.Start();
        }

        _ = SpinWait.SpinUntil(() => loops.All(loop => loop.LastRoundNs != 0) || Failing.IsCancellationRequested, StartPatience);
        Ports.TakeOver();
        if (Ports.FailWire?.Counts.Absences > 0)
        {
            Path.Gate.NoteAbsence();
        }
    }

    /// <summary>Rounds that each thread has done: one that stays the same has hung.</summary>
    public IReadOnlyList<long> Rounds() => [.. loops.Select(loop => loop.Rounds)];

    /// <summary>Has frames go past it, where they can, or stops capturing; flushes what is held, waits until it has left, and ends the threads.</summary>
    public void Stop(TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
        Ports.HandOver();
        Path.BeginStop();
        while (!Path.IsDrained && !Failing.IsCancellationRequested && Stopwatch.GetElapsedTime(start) < patience)
        {
            Thread.Sleep(DrainLookInterval);
        }

        foreach (DutyLoop loop in loops)
        {
            loop.BeginEnd();
        }

        threadsEnded = loops.Aggregate(true, (ended, loop) => loop.Join(JoinPatience) && ended);
        End = Failure != null ? ApplianceEnd.Failed : Path.IsDrained ? ApplianceEnd.Drained : ApplianceEnd.HeldBack;
    }

    /// <summary>Closes the ports and gives the memory back.</summary>
    public void Dispose()
    {
        if (!threadsEnded)
        {
            // A thread that hangs in a system call still owns the memory and the ports; the end of the process takes them.
            return;
        }

        failure.Dispose();
        Ports.Dispose();
        Path.Dispose();
    }

    private DutyLoop Loop(CoreAssignment core)
    {
        List<IDuty> duties = [];
        List<int> waitHandles = [];
        foreach (PlannedDuty planned in core.Duties)
        {
            duties.Add(Duty(planned));
            waitHandles.AddRange(Captures(planned).OfType<IWaitable>().Select(port => port.WaitHandle).Where(handle => handle >= 0));
        }

        // A thread without ports looks at its rings more often than it would wait for an event.
        if (waitHandles.Count != 0 && Requester is IWaitable waitable && core.Duties.Any(duty => duty.Kind == DutyKind.Gate))
        {
            waitHandles.Add(waitable.WaitHandle);
        }

        if (Ports.FailWire is { HasPrograms: true } failWire && core.Duties[0].Kind is DutyKind.PrimaryCapture or DutyKind.Lane)
        {
            HeartbeatDuty heartbeat = new(failWire, Ports.Queues[core.Duties[0].Index], Path.Gate);
            heartbeats.Add(heartbeat);
            duties.Add(heartbeat);
        }

        return new DutyLoop($"colowire-{core.Cpu}", core.Cpu, [.. duties], [.. waitHandles], IdleOf(core.Cpu).Strategy, Fail);
    }

    /// <summary>The ports that a duty captures from.</summary>
    private ICapturePort[] Captures(PlannedDuty planned) => planned.Kind switch
    {
        DutyKind.PrimaryCapture => [Ports.Lanes[0].Primary],
        DutyKind.SecondaryCapture => [Ports.Lanes[0].Secondary],
        DutyKind.Lane => [Ports.Lanes[planned.Index].Primary, Ports.Lanes[planned.Index].Secondary],
        _ => [],
    };

    private IDuty Duty(PlannedDuty planned) => planned.Kind switch
    {
        DutyKind.PrimaryCapture => Path.Lanes[0].PrimaryCapture,
        DutyKind.SecondaryCapture => Path.Lanes[0].SecondaryCapture,
        DutyKind.Shard => Path.Lanes[0].Shards[planned.Index],
        DutyKind.Egress => Path.Lanes[0].Egress,
        DutyKind.Gate => Path.Gate,
        DutyKind.Lane => Path.Lanes[planned.Index],
        _ => throw new ArgumentOutOfRangeException(nameof(planned)),
    };

    private void Fail(Exception exception)
    {
        Failure ??= exception;
        failure.Cancel();
    }
}
