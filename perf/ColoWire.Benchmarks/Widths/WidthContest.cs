// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Benchmarks.Shards;
using ColoWire.Figures;

namespace ColoWire.Benchmarks.Widths;

/// <summary>Measures the same workloads with each width of vectors that this machine has, in turn. Each width is a process of its
/// own, because the runtime decides at its start which vectors it uses.</summary>
internal static class WidthContest
{
    /// <summary>A word in the names of all its rows.</summary>
    public const string What = "vectors";

    /// <summary>Seconds that a round takes on the machine of <c>perf/results</c>, with its share of the start of the
    /// processes.</summary>
    public const double RoundSeconds = 4;

    /// <summary>Makes the rows.</summary>
    /// <param name="rounds">The rounds, as many as there is time for.</param>
    public static IReadOnlyList<Row> Measure(IEnumerable<int> rounds)
    {
        Dictionary<VectorWidth, WidthProcess> processes = [];
        try
        {
            foreach (VectorWidth width in VectorWidth.All())
            {
                processes.Add(width, new WidthProcess(width));
            }

            return Measure(rounds, processes);
        }
        finally
        {
            foreach (WidthProcess process in processes.Values)
            {
                process.Dispose();
            }
        }
    }

    private static Row[] Measure(IEnumerable<int> rounds, Dictionary<VectorWidth, WidthProcess> processes)
    {
        Dictionary<(WidthWorkload, VectorWidth), List<double>> figures = [];
        foreach (int _ in rounds)
        {
            foreach (WidthWorkload workload in WidthWorkload.All)
            {
                foreach ((VectorWidth width, WidthProcess process) in processes)
                {
                    double figure = process.Measure(workload);
                    if (!figures.TryAdd((workload, width), [figure]))
                    {
                        figures[(workload, width)].Add(figure);
                    }
                }
            }
        }

        VectorWidth widest = processes.Keys.MaxBy(width => width.Bits)!;
        return
        [
            .. WidthWorkload.All.SelectMany(workload => processes.Keys.Select(width =>
            {
                Row row = new(
                    ShardContest.Group, $"{workload.Name}, {width.Name}", Row.PairsPerSecond, figures[(workload, width)]);
                return width == widest ? row : row with { Anchor = widest.Name, AnchorRuns = figures[(workload, widest)] };
            })),
        ];
    }
}
