// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Figures;

namespace ColoWire.Benchmarks.Hostile;

/// <summary>A workload of a hostile guest and the ordinary one with which it alternates; the result becomes a row.</summary>
/// <param name="What">The row's name.</param>
/// <param name="Hostile">Makes the hostile workload.</param>
/// <param name="Anchor">The anchor's name.</param>
/// <param name="Ordinary">Makes the ordinary workload, which is the anchor.</param>
/// <param name="Bar">The limit that the result has to meet.</param>
internal sealed record HostileContest(string What, Func<HostileRun> Hostile, string Anchor, Func<HostileRun> Ordinary, Bar Bar)
{
    /// <summary>The group of all its rows.</summary>
    public const string Group = "hostile in memory";

    private const int WarmUpRounds = 3;

    /// <summary>How long a round takes on the machine of <c>perf/results</c>, in seconds, with its share of creating both.</summary>
    public double RoundSeconds { get; init; } = 0.3;

    /// <summary>Measures both workloads alternately: hostile, ordinary, hostile, ordinary.</summary>
    /// <param name="rounds">The rounds, as many as there is time for.</param>
    public Row Measure(IEnumerable<int> rounds)
    {
        List<double> runs = [];
        List<double> anchorRuns = [];
        using HostileRun hostile = Hostile();
        using HostileRun ordinary = Ordinary();
        for (int i = 0; i < WarmUpRounds; i++)
        {
            hostile.Measure();
            ordinary.Measure();
        }

        foreach (int _ in rounds)
        {
            runs.Add(hostile.Measure());
            anchorRuns.Add(ordinary.Measure());
        }

        string unit = Bar.Of == BarSubject.Ratio ? Row.NsPerFrame : Row.NsPerPoll;
        return new Row(Group, What, unit, runs) { Anchor = Anchor, AnchorRuns = anchorRuns, Bar = Bar };
    }
}
