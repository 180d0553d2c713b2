// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Pipelines;

namespace ColoWire.Reports;

/// <summary>What became of the datagrams that came in fragments.</summary>
/// <param name="Primary">Of the primary, by outcome.</param>
/// <param name="Secondary">Of the secondary, by outcome.</param>
/// <param name="Waiting">Frames of both whose datagrams are incomplete.</param>
/// <param name="Drops">Frames of the secondary that went nowhere, by reason.</param>
internal sealed record FragmentTotals(
    IReadOnlyList<NamedCount> Primary, IReadOnlyList<NamedCount> Secondary, long Waiting, IReadOnlyList<NamedCount> Drops)
{
    private delegate ReadOnlySpan<long> Counts(ReassemblyCounters counters);

    /// <summary>Reads the counters of all pipelines.</summary>
    public static FragmentTotals Of(FramePath path)
    {
        ReassemblyCounters[] primary = [.. path.Pipelines.Select(pipeline => pipeline.PrimaryCapture.Reassembly)];
        ReassemblyCounters[] secondary = [.. path.Pipelines.Select(pipeline => pipeline.SecondaryCapture.Reassembly)];
        return new FragmentTotals(
            Named<DatagramOutcome>(primary, side => side.Datagrams),
            Named<DatagramOutcome>(secondary, side => side.Datagrams),
            WaitingOf(path),
            Named<DropReason>(secondary, side => side.Drops));
    }

    /// <summary>Frames of both sides whose datagrams are incomplete.</summary>
    public static long WaitingOf(FramePath path)
    {
        // Asked at every scan of a replay: no enumerator, no closure.
        long waiting = 0;
        for (int i = 0; i < path.Pipelines.Count; i++)
        {
            waiting += path.Pipelines[i].PrimaryCapture.Reassembly.Waiting + path.Pipelines[i].SecondaryCapture.Reassembly.Waiting;
        }

        return waiting;
    }

    /// <summary>The drops of the shards and these, by reason.</summary>
    public IReadOnlyList<NamedCount> JoinDrops(IReadOnlyList<NamedCount> shards) =>
        [.. shards.Concat(Drops).GroupBy(drop => drop.Name).Select(same => new NamedCount(same.Key, same.Sum(drop => drop.Count)))];

    private static List<NamedCount> Named<T>(ReassemblyCounters[] pipelines, Counts counts)
        where T : struct, Enum
    {
        List<NamedCount> named = [];
        foreach (T value in Enum.GetValues<T>())
        {
            int index = Convert.ToInt32(value, null);
            long sum = pipelines.Sum(pipeline => counts(pipeline)[index]);
            if (sum != 0)
            {
                named.Add(new NamedCount(CounterNames.Of(value), sum));
            }
        }

        return named;
    }
}
