// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Benchmarks.Rows;

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

    /// <summary>Measures both workloads alternately: hostile, ordinary, hostile, ordinary.</summary>
    /// <param name="rounds">Number of measurements of each.</param>
    public Row Measure(int rounds)
    {
        double[] runs = new double[rounds];
        double[] anchorRuns = new double[rounds];
        using HostileRun hostile = Hostile();
        using HostileRun ordinary = Ordinary();
        for (int i = -WarmUpRounds; i < rounds; i++)
        {
            double cost = hostile.Measure();
            double ordinaryCost = ordinary.Measure();
            if (i >= 0)
            {
                runs[i] = cost;
                anchorRuns[i] = ordinaryCost;
            }
        }

        string unit = Bar.Of == BarSubject.Ratio ? Row.NsPerFrame : Row.NsPerPoll;
        return new Row(Group, What, unit, runs) { Anchor = Anchor, AnchorRuns = anchorRuns, Bar = Bar };
    }
}
