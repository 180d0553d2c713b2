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

    private readonly DutyLoop[] loops;
    private readonly CancellationTokenSource failure = new();
    private bool threadsEnded = true;

    /// <summary>Takes all memory; starts nothing.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="ports">The ports; the appliance closes them.</param>
    /// <param name="requester">Who is asked for checkpoints.</param>
    /// <param name="hashKey">The secret of the flow hash.</param>
    public Appliance(ApplianceOptions options, AppliancePorts ports, ICheckpointRequester requester, FlowHashKey hashKey)
    {
        Options = options;
        Ports = ports;
        Path = new FramePath(options.ToEngineOptions(hashKey), ports.Primary, ports.Secondary, ports.Output, requester);
        Plan = CorePlan.For(options.Cores, options.Shards);
        loops = [.. Plan.Select(Loop)];
    }

    /// <summary>What was chosen.</summary>
    public ApplianceOptions Options { get; }

    /// <summary>Its ports.</summary>
    public AppliancePorts Ports { get; }

    /// <summary>The path of its frames.</summary>
    public FramePath Path { get; }

    /// <summary>Which core does what.</summary>
    public IReadOnlyList<CoreAssignment> Plan { get; }

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
            InjectStatistics sent = Ports.Output.Statistics;
            long dropped = Path.Shards.Sum(shard =>
                shard.Counters.Drops[(int)DropReason.PrimaryPolicy] + shard.Counters.Drops[(int)DropReason.PrimaryFailover]);
            long others = Path.Shards.Sum(shard => shard.Counters.SecondaryReleased);
            return Ports.Primary.Statistics.Frames - dropped - (sent.Frames + sent.Lost - others);
        }
    }

    /// <summary>Starts the threads.</summary>
    public void Start()
    {
        StartedAtNs = MonotonicClock.NowNs;
        HasStarted = true;
        threadsEnded = false;
        foreach (DutyLoop loop in loops)
        {
            loop.Start();
        }
    }

    /// <summary>Rounds that each thread has done: one that stays the same has hung.</summary>
    public IReadOnlyList<long> Rounds() => [.. loops.Select(loop => loop.Rounds)];

    /// <summary>Stops capturing, flushes what is held, waits until it has left, and ends the threads.</summary>
    public void Stop(TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
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
            object? port = planned.Kind switch
            {
                DutyKind.PrimaryCapture => Ports.Primary,
                DutyKind.SecondaryCapture => Ports.Secondary,
                _ => null,
            };
            if (port is IWaitable { WaitHandle: >= 0 } waitable)
            {
                waitHandles.Add(waitable.WaitHandle);
            }
        }

        return new DutyLoop($"colowire-{core.Cpu}", core.Cpu, [.. duties], [.. waitHandles], Options.Idle, Fail);
    }

    private IDuty Duty(PlannedDuty planned) => planned.Kind switch
    {
        DutyKind.PrimaryCapture => Path.PrimaryCapture,
        DutyKind.SecondaryCapture => Path.SecondaryCapture,
        DutyKind.Shard => Path.Shards[planned.Index],
        DutyKind.Egress => Path.Egress,
        DutyKind.Gate => Path.Gate,
        _ => throw new ArgumentOutOfRangeException(nameof(planned)),
    };

    private void Fail(Exception exception)
    {
        Failure ??= exception;
        failure.Cancel();
    }
}
