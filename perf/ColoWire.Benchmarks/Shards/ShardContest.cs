// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Benchmarks.Rows;

namespace ColoWire.Benchmarks.Shards;

/// <summary>What runs in turn with its anchor, and becomes a row.</summary>
/// <param name="What">The row's name.</param>
/// <param name="Unit">The row's unit.</param>
/// <param name="Ours">Makes what is measured.</param>
/// <param name="Anchor">The anchor's name.</param>
/// <param name="Theirs">Makes the anchor.</param>
/// <param name="Figure">What of a run's cost the row shows.</param>
/// <param name="Bar">What is to be reached.</param>
internal sealed record ShardContest(
    string What, string Unit, Func<Runner> Ours, string Anchor, Func<Runner> Theirs, Func<Cost, double> Figure, Bar Bar)
{
    /// <summary>The group of all its rows.</summary>
    public const string Group = "shard in memory";

    private const int Rounds = 7;
    private const int PairsPerRun = 1 << 20;

    // The order of a workload is a mask: the powers of two next above 100,000 and 1,000,000.
    private const int ManyFlows = 1 << 17;
    private const int MostFlows = 1 << 20;
    private const int SomeFlows = 64;

    /// <summary>All of them.</summary>
    public static IEnumerable<ShardContest> All()
    {
        foreach (bool tcp in (bool[])[false, true])
        {
            string name = tcp ? "TCP" : "UDP";
            foreach ((string memory, int slots) in ((string, int)[])[("L2 cache", Workload.CachedFrames), ("memory", Workload.UncachedFrames)])
            {
                yield return Rate(
                    $"{name}, 64-byte frames in {memory}, 64 flows",
                    new Workload(tcp, SomeFlows, 64, slots),
                    new Bar(BarSubject.Value, Least: 20e6));
                yield return Rate(
                    $"{name}, 1500-byte frames in {memory}, 64 flows",
                    new Workload(tcp, SomeFlows, 1500, slots),
                    new Bar(BarSubject.Ratio, Least: 0.75));
            }

            yield return Rate(
                $"{name}, 64-byte frames, 131,072 flows", new Workload(tcp, ManyFlows, 64), new Bar(BarSubject.Value, Least: 10e6));
            yield return Growth(
                $"{name}, 64-byte frames, 1,048,576 flows",
                () => Runner.Appliance(new Workload(tcp, MostFlows, 64)),
                "64 flows",
                () => Runner.Appliance(new Workload(tcp, SomeFlows, 64)),
                4);
            yield return Growth(
                $"{name}, 64-byte frames, 1 flow holds 1,000",
                () => Runner.Appliance(new Workload(tcp, 1, 64), held: 1000),
                "it holds 1",
                () => Runner.Appliance(new Workload(tcp, 1, 64), held: 1),
                1.3);
        }
    }

    /// <summary>Measures it: ours, the anchor, ours, the anchor.</summary>
    /// <param name="costs">Gets what each of our runs cost.</param>
    public Row Measure(List<Cost> costs)
    {
        double[] runs = new double[Rounds];
        double[] anchorRuns = new double[Rounds];
        using Runner ours = Ours();
        using Runner theirs = Theirs();
        for (int i = 0; i < Rounds; i++)
        {
            Cost cost = ours.Run(PairsPerRun);
            costs.Add(cost);
            runs[i] = Figure(cost);
            anchorRuns[i] = Figure(theirs.Run(PairsPerRun));
        }

        ours.Check();
        theirs.Check();
        return new Row(Group, What, Unit, runs) { Anchor = Anchor, AnchorRuns = anchorRuns, Bar = Bar };
    }

    private static ShardContest Rate(string what, Workload workload, Bar bar) => new(
        what, "pairs/s", () => Runner.Appliance(workload), "bare loop", () => Runner.Bare(workload), cost => cost.PairsPerSecond, bar);

    private static ShardContest Growth(string what, Func<Runner> ours, string anchor, Func<Runner> theirs, double most) =>
        new(what, "ns/pair", ours, anchor, theirs, cost => cost.NsPerPair, new Bar(BarSubject.Ratio, Most: most));
}
