// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Fragments;

namespace ColoWire.Reports;

/// <summary>What became of the datagrams that came in fragments.</summary>
/// <param name="Primary">Of the primary, by outcome.</param>
/// <param name="Secondary">Of the secondary, by outcome.</param>
/// <param name="Waiting">Frames of both whose datagrams are incomplete.</param>
/// <param name="Drops">Frames of the secondary that went nowhere, by reason.</param>
internal sealed record FragmentTotals(
    IReadOnlyList<NamedCount> Primary, IReadOnlyList<NamedCount> Secondary, long Waiting, IReadOnlyList<NamedCount> Drops)
{
    /// <summary>Reads the counters.</summary>
    public static FragmentTotals Of(FramePath path)
    {
        ReassemblyCounters primary = path.PrimaryCapture.Reassembly;
        ReassemblyCounters secondary = path.SecondaryCapture.Reassembly;
        return new FragmentTotals(
            Named<DatagramOutcome>(primary.Datagrams), Named<DatagramOutcome>(secondary.Datagrams), WaitingOf(path), Named<DropReason>(secondary.Drops));
    }

    /// <summary>Frames of both sides whose datagrams are incomplete.</summary>
    public static long WaitingOf(FramePath path) => path.PrimaryCapture.Reassembly.Waiting + path.SecondaryCapture.Reassembly.Waiting;

    /// <summary>The drops of the shards and these, by reason.</summary>
    public IReadOnlyList<NamedCount> JoinDrops(IReadOnlyList<NamedCount> shards) =>
        [.. shards.Concat(Drops).GroupBy(drop => drop.Name).Select(same => new NamedCount(same.Key, same.Sum(drop => drop.Count)))];

    private static List<NamedCount> Named<T>(ReadOnlySpan<long> counts)
        where T : struct, Enum
    {
        List<NamedCount> named = [];
        T[] values = Enum.GetValues<T>();
        for (int i = 0; i < values.Length; i++)
        {
            if (counts[i] != 0)
            {
                named.Add(new NamedCount(CounterNames.Of(values[i]), counts[i]));
            }
        }

        return named;
    }
}
