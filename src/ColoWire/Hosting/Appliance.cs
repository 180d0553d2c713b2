// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Linux;

namespace ColoWire.Hosting;

/// <summary>How an appliance ended.</summary>
public enum ApplianceEnd
{
    /// <summary>It has not ended.</summary>
    None,

    /// <summary>Every frame has left.</summary>
    Drained,

    /// <summary>The out port did not take all frames in time.</summary>
    HeldBack,

    /// <summary>Duties have failed, and the appliance has given up.</summary>
    Failed,
}

/// <summary>A path of frames with its ports and its threads. It is started once and stopped once. One process can run several on
/// different cores.</summary>
public sealed partial class Appliance : IDisposable
{
    /// <summary>How long a stop waits until the held frames have left.</summary>
    public static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(4);

    /// <summary>How long a stop then waits for each thread to end its round, which takes microseconds.</summary>
    private static readonly TimeSpan JoinPatience = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan DrainLookInterval = TimeSpan.FromMilliseconds(1);

    private readonly IReadOnlySet<int> isolatedCpus = IsolatedCpus.Read();
    private readonly TimeProvider time;
    private PathThreads threads;
    private bool threadsEnded = true;

    /// <summary>Allocates all memory and starts nothing.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="ports">The ports and arenas of its pipelines, which the appliance disposes.</param>
    /// <param name="requester">Requests checkpoints.</param>
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
        Peers = [.. speakers.Where(named => named.Speaker is IPeerReporter)
            .Select(named => (named.Name, (IPeerReporter)named.Speaker))];
        path = new FramePath(options.Engine, ports.Pipelines, requester);
        ports.FailWire?.FollowGuest(room => Path.ReadGuestAddresses(room));
        Plan = ports.Pipelines.Count > 1
            ? CorePlan.ForPipelines(options.Cores)
            : CorePlan.For(options.Cores, options.Engine.Shards, options.Engine.Inbound == InboundMode.Mirror);
        threads = new PathThreads(this, path, Fail);
        reviver = new Thread(ReviveUntilEnd) { Name = "colowire-revive", IsBackground = true };
    }

    /// <summary>The options.</summary>
    public ApplianceOptions Options { get; }

    /// <summary>The clock of its threads.</summary>
    public MonotonicClock Clock { get; }

    /// <summary>Its ports.</summary>
    public AppliancePorts Ports { get; }

    /// <summary>Requests checkpoints. The caller disposes it after the appliance.</summary>
    public ICheckpointRequester Requester { get; }

    /// <summary>The ports and the requester that accept connections of other processes, by name.</summary>
    internal IReadOnlyList<(string Name, IPeerReporter Reporter)> Peers { get; }

    /// <summary>The path of its frames. After a duty has failed another path replaces it, so callers read this property each
    /// time. Any thread may read it.</summary>
    public FramePath Path
    {
        get => Volatile.Read(ref path);
        private set => Volatile.Write(ref path, value);
    }

    /// <summary>Which core runs which duties.</summary>
    public IReadOnlyList<CoreAssignment> Plan { get; }

    /// <summary>What the thread of a core does while no frame arrives, and why.</summary>
    /// <param name="cpu">The number of a CPU of the plan.</param>
    public CoreIdle IdleOf(int cpu) => CoreIdle.Of(Options.Idle, cpu, isolatedCpus);

    /// <summary>How it ended.</summary>
    public ApplianceEnd End { get; private set; }

    /// <summary>Whether it has started.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>When it was started, in nanoseconds of <see cref="Clock"/>.</summary>
    public long StartedAtNs { get; private set; }

    /// <summary>Primary frames that were captured and have neither left, nor been dropped by a policy, a fail-over or a failure,
    /// nor been lost by the out port.</summary>
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

    /// <summary>Starts the threads. When each of them runs, it makes frames come to the capture ports.</summary>
    /// <exception cref="PortException">Frames cannot be captured: another owner's program is on an interface.</exception>
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

    /// <summary>Rounds that each thread has done. A thread whose number stays the same hangs.</summary>
    public IReadOnlyList<long> Rounds() => Volatile.Read(ref threads).Rounds();

    /// <summary>Makes frames go past the appliance where the ports can do that, or stops capturing. Then it flushes the held
    /// frames, waits until they have left, and ends the threads.</summary>
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

    /// <summary>Closes the ports and frees the memory.</summary>
    public void Dispose()
    {
        if (!threadsEnded)
        {
            // A thread that hangs in a system call still uses the memory and the ports; they are freed when the process ends.
            return;
        }

        failing.Dispose();
        wanted.Dispose();
        Ports.Dispose();
        Path.Dispose();
    }
}
