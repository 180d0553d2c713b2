// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Figures;

/// <summary>Makes one row of the rows that a part has written in several rounds, one of each name per round.</summary>
internal static class RowMerge
{
    /// <summary>The rows in the order in which their names came first; the runs of those with the same group and name in
    /// one.</summary>
    public static Row[] Merge(IEnumerable<Row> rows) =>
        [.. rows.GroupBy(row => (row.Group, row.What)).Select(rounds => Merge([.. rounds]))];

    private static Row Merge(Row[] rounds)
    {
        Row first = rounds[0];
        if (rounds.Any(row => row.Unit != first.Unit || row.Anchor != first.Anchor || row.Bar != first.Bar))
        {
            throw new BadInputException($"{first.Group}, {first.What}: stands more than once, with another unit, anchor or bar");
        }

        string[] notes = [.. rounds.Select(row => row.Note).OfType<string>().Distinct()];
        return first with
        {
            Runs = [.. rounds.SelectMany(row => row.Runs)],
            AnchorRuns = first.AnchorRuns == null ? null : [.. rounds.SelectMany(row => row.AnchorRuns!)],
            Note = notes.Length == 0 ? null : string.Join("; ", notes),
        };
    }
}
