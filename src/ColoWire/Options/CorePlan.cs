// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Options;

/// <summary>The kinds of duties that a plan tells apart.</summary>
public enum DutyKind
{
    /// <summary>Captures the primary's frames.</summary>
    PrimaryCapture,

    /// <summary>Captures the secondary's frames.</summary>
    SecondaryCapture,

    /// <summary>Compares frames.</summary>
    Shard,

    /// <summary>Sends frames.</summary>
    Egress,

    /// <summary>Requests checkpoints.</summary>
    Gate,

    /// <summary>Captures the frames of clients and sends them to both replicas.</summary>
    Inbound,

    /// <summary>A pipeline from end to end: both captures, its shards, its egress.</summary>
    Pipeline,
}

/// <summary>One duty of the plan.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Index">The number of the shard or of the pipeline; 0 for other kinds.</param>
public readonly record struct PlannedDuty(DutyKind Kind, int Index = 0);

/// <summary>The duties of one core.</summary>
/// <param name="Cpu">Its number.</param>
/// <param name="Duties">Its duties, in the order in which it runs them.</param>
public sealed record CoreAssignment(int Cpu, IReadOnlyList<PlannedDuty> Duties);

/// <summary>
/// Which core runs which duty. One core runs all duties in the order in which a frame passes them, which gives the smallest
/// latency. With more cores the captures, the egress and then the shards get cores of their own, because capturing and sending
/// cost most. With several pipelines each pipeline has one core, so that a frame never moves to another core.
/// </summary>
public static class CorePlan
{
    /// <summary>Cores that a plan of four or more gives to the two captures and the egress.</summary>
    private const int PortCores = 3;

    /// <summary>How many of the cores compare. Each of them needs a shard.</summary>
    public static int ComparingCores(int cores) => Math.Max(1, cores - PortCores);

    /// <summary>Makes the plan of a path of several pipelines. The gate goes with the first.</summary>
    /// <param name="cores">Numbers of the CPUs, one for each pipeline.</param>
    public static IReadOnlyList<CoreAssignment> ForPipelines(IReadOnlyList<int> cores) =>
    [
        .. cores.Select((cpu, pipeline) => new CoreAssignment(
            cpu, pipeline == 0 ? [new(DutyKind.Pipeline), new(DutyKind.Gate)] : [new(DutyKind.Pipeline, pipeline)])),
    ];

    /// <summary>Makes the plan of a path of one pipeline.</summary>
    /// <param name="cores">Numbers of the CPUs, one or more, in the order in which duties go to them.</param>
    /// <param name="shards">How many shards there are; not fewer than <see cref="ComparingCores"/>.</param>
    /// <param name="hasInbound">Whether frames of clients pass. The core that sends frames to the clients receives theirs, too:
    /// both directions of an interface then share a cache.</param>
    public static IReadOnlyList<CoreAssignment> For(IReadOnlyList<int> cores, int shards, bool hasInbound = false)
    {
        ArgumentOutOfRangeException.ThrowIfZero(cores.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(shards, ComparingCores(cores.Count));
        PlannedDuty primary = new(DutyKind.PrimaryCapture);
        PlannedDuty secondary = new(DutyKind.SecondaryCapture);
        PlannedDuty[] outside = hasInbound ? [new(DutyKind.Egress), new(DutyKind.Inbound)] : [new(DutyKind.Egress)];
        PlannedDuty gate = new(DutyKind.Gate);
        PlannedDuty[] all = [.. Enumerable.Range(0, shards).Select(index => new PlannedDuty(DutyKind.Shard, index))];
        return cores.Count switch
        {
            1 => ForPipelines(cores),
            2 => [new(cores[0], [primary, secondary, .. outside, gate]), new(cores[1], all)],
            3 => [new(cores[0], [primary, secondary]), new(cores[1], all), new(cores[2], [.. outside, gate])],
            _ => [new(cores[0], [primary]), new(cores[1], [secondary]), new(cores[2], [.. outside, gate]), .. Spread()],
        };

        IEnumerable<CoreAssignment> Spread()
        {
            int comparing = ComparingCores(cores.Count);
            for (int turn = 0; turn < comparing; turn++)
            {
                yield return new CoreAssignment(cores[PortCores + turn], [.. all.Where(duty => duty.Index % comparing == turn)]);
            }
        }
    }
}
