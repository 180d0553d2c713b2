// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Options;

/// <summary>What a duty is, as far as the plan of the cores cares.</summary>
public enum DutyKind
{
    /// <summary>Takes in the primary's frames.</summary>
    PrimaryCapture,

    /// <summary>Takes in the secondary's frames.</summary>
    SecondaryCapture,

    /// <summary>Compares.</summary>
    Shard,

    /// <summary>Sends.</summary>
    Egress,

    /// <summary>Asks for checkpoints.</summary>
    Gate,

    /// <summary>A pipeline from end to end: both captures, its shards, its egress.</summary>
    Pipeline,
}

/// <summary>One duty of the plan.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Index">Which of the shards or of the pipelines; 0 for all else.</param>
public readonly record struct PlannedDuty(DutyKind Kind, int Index = 0);

/// <summary>What one core does.</summary>
/// <param name="Cpu">Its number.</param>
/// <param name="Duties">Its duties, in the order in which it runs them.</param>
public sealed record CoreAssignment(int Cpu, IReadOnlyList<PlannedDuty> Duties);

/// <summary>
/// Which core runs which duty. One core runs them all in the order of the way of a frame, to completion: the smallest latency. More
/// cores take the captures, the egress and then the shards apart, because a frame costs most where it enters and leaves. Where there are
/// several pipelines, each has a core and runs to completion there, so that a frame never goes from core to core.
/// </summary>
public static class CorePlan
{
    /// <summary>Cores that a plan of four or more gives to the two captures and the egress.</summary>
    private const int PortCores = 3;

    /// <summary>How many of so many cores compare: no fewer shards than that make sense.</summary>
    public static int ComparingCores(int cores) => Math.Max(1, cores - PortCores);

    /// <summary>Makes the plan of a path of several pipelines. The gate goes with the first.</summary>
    /// <param name="cores">Numbers of the CPUs, one for each pipeline.</param>
    public static IReadOnlyList<CoreAssignment> ForPipelines(IReadOnlyList<int> cores) =>
        [.. cores.Select((cpu, pipeline) => new CoreAssignment(cpu, pipeline == 0 ? [new(DutyKind.Pipeline), new(DutyKind.Gate)] : [new(DutyKind.Pipeline, pipeline)]))];

    /// <summary>Makes the plan of a path of one pipeline.</summary>
    /// <param name="cores">Numbers of the CPUs, one or more, in the order in which duties go to them.</param>
    /// <param name="shards">How many shards there are; not fewer than <see cref="ComparingCores"/>.</param>
    public static IReadOnlyList<CoreAssignment> For(IReadOnlyList<int> cores, int shards)
    {
        ArgumentOutOfRangeException.ThrowIfZero(cores.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(shards, ComparingCores(cores.Count));
        PlannedDuty primary = new(DutyKind.PrimaryCapture);
        PlannedDuty secondary = new(DutyKind.SecondaryCapture);
        PlannedDuty egress = new(DutyKind.Egress);
        PlannedDuty gate = new(DutyKind.Gate);
        PlannedDuty[] all = [.. Enumerable.Range(0, shards).Select(index => new PlannedDuty(DutyKind.Shard, index))];
        return cores.Count switch
        {
            1 => ForPipelines(cores),
            2 => [new(cores[0], [primary, secondary, egress, gate]), new(cores[1], all)],
            3 => [new(cores[0], [primary, secondary]), new(cores[1], all), new(cores[2], [egress, gate])],
            _ => [new(cores[0], [primary]), new(cores[1], [secondary]), new(cores[2], [egress, gate]), .. Spread()],
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
