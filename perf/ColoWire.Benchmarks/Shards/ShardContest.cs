// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Figures;

namespace ColoWire.Benchmarks.Shards;

/// <summary>A workload and the anchor with which it alternates; the result becomes a row.</summary>
/// <param name="What">The row's name.</param>
/// <param name="Unit">The row's unit.</param>
/// <param name="Ours">Makes the measured runner.</param>
/// <param name="Anchor">The anchor's name.</param>
/// <param name="Theirs">Makes the anchor's runner.</param>
/// <param name="Figure">Computes the row's figure from the cost of a run.</param>
/// <param name="Bar">The limit that the figure has to meet.</param>
internal sealed record ShardContest(
    string What, string Unit, Func<Runner> Ours, string Anchor, Func<Runner> Theirs, Func<Cost, double> Figure, Bar? Bar)
{
    /// <summary>The group of all its rows.</summary>
    public const string Group = "shard in memory";

    private const int PairsPerRun = 1 << 20;

    // The order of a workload is a mask: the powers of two next above 100,000 and 1,000,000.
    private const int ManyFlows = 1 << 17;
    private const int MostFlows = 1 << 20;
    private const int SomeFlows = 64;

    /// <summary>Frame lengths in bytes at which one kind of traffic is compared with another.</summary>
    private static readonly int[] ComparedLengths = [96, 1500];

    private static readonly Dress Identical = new();
    private static readonly Dress OwnIds = new() { IdsDiffer = true };

    /// <summary>How long a round takes on the machine of <c>perf/results</c>, in seconds, with its share of creating both.</summary>
    public double RoundSeconds { get; init; } = 0.25;

    /// <summary>All contests.</summary>
    public static IEnumerable<ShardContest> All() => [.. Sizes(), .. Dresses(), .. Shapes()];

    /// <summary>Untagged IPv4 frames, equal on both sides, for several frame lengths and numbers of flows.</summary>
    private static IEnumerable<ShardContest> Sizes()
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

    /// <summary>Frames as real guests send them, compared with equal frames, and other layouts, compared with untagged
    /// IPv4.</summary>
    private static IEnumerable<ShardContest> Dresses()
    {
        foreach (bool tcp in (bool[])[false, true])
        {
            foreach (int length in ComparedLengths)
            {
                yield return Against(tcp, length, "IDs and checksums differ", OwnIds, "identical", Identical);
                if (tcp)
                {
                    yield return Against(
                        tcp, length, "IDs, checksums and timestamps differ", OwnIds with { TimestampsDiffer = true }, "identical", Identical);
                }

                yield return Against(tcp, length, "VLAN tag, IDs differ", OwnIds with { VlanTags = 1 }, "untagged", OwnIds);
                yield return Against(tcp, length, "two VLAN tags, IDs differ", OwnIds with { VlanTags = 2 }, "untagged", OwnIds);
                yield return Against(tcp, length, "IPv6, checksums differ", OwnIds with { IpVersion = 6 }, "IPv4, IDs differ", OwnIds);
            }
        }
    }

    /// <summary>TCP streams that are not only data segments with the same borders on both sides.</summary>
    private static IEnumerable<ShardContest> Shapes()
    {
        Workload udp = new(tcp: false, SomeFlows, 64);
        yield return Pairs("TCP, 64-byte frames in L2 cache", new Workload(tcp: true, SomeFlows, 64), "UDP", udp, new Bar(BarSubject.Ratio, Least: 0.95));
        Workload data = new(tcp: true, SomeFlows, 96, dress: OwnIds);
        Workload acks = new(tcp: true, SomeFlows, 60, dress: OwnIds with { IsPureAck = true });
        yield return Pairs("TCP, pure ACKs, IDs differ", acks, "96-byte data", data, new Bar(BarSubject.Ratio, Least: 1));
        foreach (int length in ComparedLengths)
        {
            Workload identical = new(tcp: true, SomeFlows, length);
            Workload cut = new(tcp: true, SomeFlows, length, dress: new Dress { IsCutApart = true });
            yield return Pairs($"TCP, {length}-byte frames, cut differently", cut, "identical", identical, bar: null);
            yield return Pairs(
                $"web server, frames up to {length} bytes",
                Workload.OfWebServer(SomeFlows, length), "identical", identical, new Bar(BarSubject.Ratio, Least: 0.5));
        }
    }

    /// <summary>Measures the workload and the anchor alternately.</summary>
    /// <param name="costs">Receives the cost of each run of the workload.</param>
    /// <param name="rounds">The rounds, as many as there is time for.</param>
    public Row Measure(List<Cost> costs, IEnumerable<int> rounds)
    {
        List<double> runs = [];
        List<double> anchorRuns = [];
        using Runner ours = Ours();
        using Runner theirs = Theirs();
        foreach (int _ in rounds)
        {
            Cost cost = ours.Run(PairsPerRun);
            costs.Add(cost);
            runs.Add(Figure(cost));
            anchorRuns.Add(Figure(theirs.Run(PairsPerRun)));
        }

        ours.Check();
        theirs.Check();
        return new Row(Group, What, Unit, runs) { Anchor = Anchor, AnchorRuns = anchorRuns, Bar = Bar };
    }

    private static ShardContest Rate(string what, Workload workload, Bar bar) => new(
        what, Row.PairsPerSecond, () => Runner.Appliance(workload), "bare loop", () => Runner.Bare(workload), cost => cost.PairsPerSecond, bar);

    private static ShardContest Against(bool tcp, int length, string what, Dress dress, string anchor, Dress anchorDress) => Pairs(
        $"{(tcp ? "TCP" : "UDP")}, {length}-byte frames, {what}",
        new Workload(tcp, SomeFlows, length, dress: dress),
        anchor,
        new Workload(tcp, SomeFlows, length, dress: anchorDress),
        new Bar(BarSubject.Ratio, Least: 0.85));

    private static ShardContest Pairs(string what, Workload workload, string anchor, Workload anchorWorkload, Bar? bar) => new(
        what, Row.PairsPerSecond, () => Runner.Appliance(workload), anchor, () => Runner.Appliance(anchorWorkload), cost => cost.PairsPerSecond, bar);

    private static ShardContest Growth(string what, Func<Runner> ours, string anchor, Func<Runner> theirs, double most) =>
        new(what, Row.NsPerPair, ours, anchor, theirs, cost => cost.NsPerPair, new Bar(BarSubject.Ratio, Most: most));
}
