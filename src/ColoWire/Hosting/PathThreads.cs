// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Options;
using ColoWire.Ports;

namespace ColoWire.Hosting;

/// <summary>The threads of one path. They run its duties on the cores of the appliance's plan.</summary>
internal sealed class PathThreads
{
    /// <summary>How long a start waits until each thread has done its first round, in which the JIT compiles it.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(5);

    private readonly Appliance appliance;
    private readonly FramePath path;
    private readonly DutyLoop[] loops;
    private readonly List<HeartbeatDuty> heartbeats = [];
    private volatile bool hasFailed;

    /// <summary>Makes threads that are not started.</summary>
    /// <param name="appliance">The appliance, for its ports, plan and options.</param>
    /// <param name="path">The path whose duties they run.</param>
    /// <param name="failed">Called on the thread whose duty has thrown, which then ends.</param>
    public PathThreads(Appliance appliance, FramePath path, Action<Exception> failed)
    {
        this.appliance = appliance;
        this.path = path;
        loops = [.. appliance.Plan.Select(core => Loop(core, exception =>
        {
            failed(exception);
            hasFailed = true;
        }))];
        if (appliance.Ports.Pipelines.Count == 1 && heartbeats.Count != 0)
        {
            // With one pipeline its frames pass all threads; with several, each pipeline has one thread.
            heartbeats[0].Others = [.. loops.Skip(1)];
        }
    }

    /// <summary>Rounds that each thread has done. A thread whose number stays the same hangs.</summary>
    public IReadOnlyList<long> Rounds() => [.. loops.Select(loop => loop.Rounds)];

    /// <summary>Starts them, and waits until each of them has done a round.</summary>
    public void Start()
    {
        foreach (DutyLoop loop in loops)
        {
            loop.Start();
        }

        _ = SpinWait.SpinUntil(() => hasFailed || loops.All(loop => loop.LastRoundNs != 0), StartPatience);
    }

    /// <summary>Ends them.</summary>
    /// <param name="patience">How long each may take to end its round.</param>
    /// <returns>Whether all have ended; a thread that has not hangs.</returns>
    public bool End(TimeSpan patience)
    {
        foreach (DutyLoop loop in loops)
        {
            loop.BeginEnd();
        }

        return loops.Aggregate(true, (ended, loop) => loop.Join(patience) && ended);
    }

    private DutyLoop Loop(CoreAssignment core, Action<Exception> failed)
    {
        List<IDuty> duties = [];
        List<int> waitHandles = [];
        foreach (PlannedDuty planned in core.Duties)
        {
            duties.Add(Duty(planned));
            waitHandles.AddRange(
                Captures(planned).OfType<IWaitable>().Select(port => port.WaitHandle).Where(handle => handle >= 0));
        }

        // A thread without ports polls its rings anyway, so the requester need not wake it.
        if (waitHandles.Count != 0 && appliance.Requester is IWaitable waitable
            && core.Duties.Any(duty => duty.Kind == DutyKind.Gate))
        {
            waitHandles.Add(waitable.WaitHandle);
        }

        bool capturesPrimary = core.Duties[0].Kind is DutyKind.PrimaryCapture or DutyKind.Pipeline;
        if (capturesPrimary && appliance.Ports.FailWire is { HasPrograms: true } failWire)
        {
            HeartbeatDuty heartbeat = new(failWire, appliance.Ports.Queues[core.Duties[0].Index], path.Gate);
            heartbeats.Add(heartbeat);
            duties.Add(heartbeat);
        }

        IdleStrategy strategy = appliance.IdleOf(core.Cpu).Strategy;
        return new DutyLoop($"colowire-{core.Cpu}", core.Cpu, [.. duties], [.. waitHandles], strategy, appliance.Clock, failed);
    }

    /// <summary>The ports that a duty captures from.</summary>
    private ICapturePort[] Captures(PlannedDuty planned) => planned.Kind switch
    {
        DutyKind.PrimaryCapture => [appliance.Ports.Pipelines[0].Primary],
        DutyKind.SecondaryCapture => [appliance.Ports.Pipelines[0].Secondary],
        DutyKind.Inbound => [appliance.Ports.Pipelines[0].Inbound!.World],
        DutyKind.Pipeline => appliance.Ports.Pipelines[planned.Index] is { Inbound: { } inbound } all
            ? [all.Primary, all.Secondary, inbound.World]
            : [appliance.Ports.Pipelines[planned.Index].Primary, appliance.Ports.Pipelines[planned.Index].Secondary],
        _ => [],
    };

    private IDuty Duty(PlannedDuty planned) => planned.Kind switch
    {
        DutyKind.PrimaryCapture => path.Pipelines[0].PrimaryCapture,
        DutyKind.SecondaryCapture => path.Pipelines[0].SecondaryCapture,
        DutyKind.Shard => path.Pipelines[0].Shards[planned.Index],
        DutyKind.Egress => path.Pipelines[0].Egress,
        DutyKind.Inbound => path.Pipelines[0].Inbound!,
        DutyKind.Gate => path.Gate,
        DutyKind.Pipeline => path.Pipelines[planned.Index],
        _ => throw new ArgumentOutOfRangeException(nameof(planned)),
    };
}
