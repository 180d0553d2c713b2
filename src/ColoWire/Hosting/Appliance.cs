// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using ColoWire.Engine;
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
public sealed partial class Appliance : IDisposable
{
    /// <summary>How long a stop waits for what is held to leave.</summary>
    public static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(4);

    /// <summary>How long a stop then waits for each thread to end its round, which takes microseconds.</summary>
    private static readonly TimeSpan JoinPatience = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan DrainLookInterval = TimeSpan.FromMilliseconds(1);

    private readonly IReadOnlySet<int> isolatedCpus = IsolatedCpus.Read();
    private readonly TimeProvider time;
    private PathThreads threads;
    private bool threadsEnded = true;

    /// <summary>Takes all memory; starts nothing.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="ports">The ports and arenas of its pipelines; the appliance closes and disposes them.</param>
    /// <param name="requester">Who is asked for checkpoints.</param>
    /// <param name="time">The source of the time.</param>
    public Appliance(ApplianceOptions options, AppliancePorts ports, ICheckpointRequester requester, TimeProvider time)
    {
        this.time = time;
        Clock = new MonotonicClock(time);
        Options = options;
        Ports = ports;
        Requester = requester;
        (string Name, object Speaker)[] speakers =
            [.. ports.Linked.Select(linked => (linked.Name, (object)linked.Port)), (options.Requester.ToString(), requester)];
        Peers = [.. speakers.Where(named => named.Speaker is IPeerReporter).Select(named => (named.Name, (IPeerReporter)named.Speaker))];
        path = new FramePath(options.Engine, ports.Pipelines, requester);
        Plan = ports.Pipelines.Count > 1 ? CorePlan.ForPipelines(options.Cores) : CorePlan.For(options.Cores, options.Engine.Shards);
        threads = new PathThreads(this, path, Fail);
        reviver = new Thread(ReviveUntilEnd) { Name = "colowire-revive", IsBackground = true };
    }

    /// <summary>What was chosen.</summary>
    public ApplianceOptions Options { get; }

    /// <summary>The clock of its threads.</summary>
    public MonotonicClock Clock { get; }

    /// <summary>Its ports.</summary>
    public AppliancePorts Ports { get; }

    /// <summary>Who is asked for checkpoints; whoever has made it disposes it, after the appliance.</summary>
    public ICheckpointRequester Requester { get; }

    /// <summary>What speaks with other processes over sockets: stream ports, and a requester that does.</summary>
    internal IReadOnlyList<(string Name, IPeerReporter Reporter)> Peers { get; }

    /// <summary>The path of its frames. Another one goes on in its place when a duty has failed: it is to be asked for anew with
    /// each look. Any thread may ask.</summary>
    public FramePath Path
    {
        get => Volatile.Read(ref path);
        private set => Volatile.Write(ref path, value);
    }

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

    /// <summary>Primary frames that came in and have neither left, nor been dropped by order, nor been lost by a failure or by
    /// the out port.</summary>
    public long Unsent
    {
        get
        {
            InjectStatistics sent = Ports.OutputStatistics;
            PathCounters counters = PathCounters.Of(Path);
            long dropped = counters.Drops[(int)DropReason.PrimaryPolicy] + counters.Drops[(int)DropReason.PrimaryFailover]
                + counters.Drops[(int)DropReason.PrimaryFailure];
            long others = counters.Shards.SecondaryReleased;
            return Ports.PrimaryStatistics.Frames - dropped - (sent.Frames + sent.Lost - others);
        }
    }

    /// <summary>Starts the threads, and when each is alive has frames come to them.</summary>
    /// <exception cref="PortException">Frames cannot be had: another program of somebody else's has come to an interface.</exception>
    public void Start()
    {
        StartedAtNs = Clock.NowNs;
        HasStarted = true;
        threadsEnded = false;
        (Requester as CheckpointRequester)?.Start();
        reviver.Start();
        lock (turn)
        {
            threads.Start();
        }

        Ports.TakeOver();
        if (Ports.FailWire?.Counts.Bypasses > 0)
        {
            Path.Gate.NoteBypass();
        }
    }

    /// <summary>Rounds that each thread has done: one that stays the same has hung.</summary>
    public IReadOnlyList<long> Rounds() => Volatile.Read(ref threads).Rounds();

    /// <summary>Has frames go past it, where they can, or stops capturing; flushes what is held, waits until it has left, and ends the threads.</summary>
    public void Stop(TimeSpan patience)
    {
        lock (turn)
        {
            stops = true;
            long start = time.GetTimestamp();
            Ports.HandOver();
            Path.BeginStop();
            while (!Path.IsDrained && failed.IsEmpty && Failure is null && time.GetElapsedTime(start) < patience)
            {
                Thread.Sleep(DrainLookInterval);
            }

            threadsEnded = threads.End(JoinPatience);
            if (threadsEnded && failed.TryDequeue(out Exception? exception))
            {
                GiveUp(new PathFailure(exception, Path.FindCulprits()) { End = "it was stopping" });
            }

            End = Failure != null ? ApplianceEnd.Failed : Path.IsDrained ? ApplianceEnd.Drained : ApplianceEnd.HeldBack;
        }

        EndReviver();
    }

    /// <summary>Closes the ports and gives the memory back.</summary>
    public void Dispose()
    {
        if (!threadsEnded)
        {
            // A thread that hangs in a system call still owns the memory and the ports; the end of the process takes them.
            return;
        }

        failing.Dispose();
        wanted.Dispose();
        Ports.Dispose();
        Path.Dispose();
    }
}
