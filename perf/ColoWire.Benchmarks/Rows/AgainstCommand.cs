// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using ColoWire.Figures;

namespace ColoWire.Benchmarks.Rows;

/// <summary><c>against</c>: compares a program with an older one that ran alternately with it, old, new, old, new, on a machine
/// whose speed drifts by more than the expected difference. Each pair of neighbouring runs gives a ratio.</summary>
internal static class AgainstCommand
{
    /// <summary>The least allowed ratio of speeds, new to old.</summary>
    private const double LeastRatio = 0.97;

    private const int Missed = 1;

    /// <summary>Makes the verb's command.</summary>
    public static Command Create()
    {
        Argument<string> before = new("OLD") { Description = "The older program's rows, one of each name per turn." };
        Argument<string> after = new("NEW") { Description = "The newer program's rows, as many turns." };
        Command command = new("against", "Holds rows against those of an older program that ran in turn with it; exit code 1 where one is slower.")
        {
            before,
            after,
        };
        command.SetAction(parse =>
        {
            Row[] rows = Compare(RowFile.Read(parse.GetValue(before)!), RowFile.Read(parse.GetValue(after)!));
            TableCommand.Print(Console.Out, rows);
            return rows.Any(row => row.Verdict is Verdict.Missed or Verdict.TooFewRuns) ? Missed : 0;
        });
        return command;
    }

    /// <summary>The ratio of each turn, new to old, greater is faster, for every name that is in both files.</summary>
    internal static Row[] Compare(IReadOnlyList<Row> before, IReadOnlyList<Row> after)
    {
        ILookup<string, Row> old = before.ToLookup(row => row.What);
        Row[] rows =
        [
            .. after.Where(row => IsSpeed(row) && old.Contains(row.What)).GroupBy(row => row.What)
                .Select(turns => Compare([.. old[turns.Key]], [.. turns])),
        ];
        return rows.Length != 0 ? rows : throw new BadInputException("OLD and NEW have no row of speed with the same name");
    }

    private static Row Compare(Row[] before, Row[] after)
    {
        if (before.Length != after.Length)
        {
            throw new BadInputException($"{after[0].What}: {before.Length} turns in OLD and {after.Length} in NEW; as many are needed");
        }

        bool moreIsFaster = after[0].Unit == Row.PairsPerSecond;
        IEnumerable<double> ratios = before.Zip(after, (old, now) => now.Ours.Median / old.Ours.Median);
        string figures = $"{RowText.Number(Spread.Of(before.Select(row => row.Ours.Median)).Median)} before, "
            + $"{RowText.Number(Spread.Of(after.Select(row => row.Ours.Median)).Median)} {after[0].Unit} now";
        return new Row("against", after[0].What, "speed, now : before", [.. ratios.Select(ratio => moreIsFaster ? ratio : 1 / ratio)])
        {
            Bar = new Bar(BarSubject.Interval, Least: LeastRatio),
            Note = figures,
        };
    }

    private static bool IsSpeed(Row row) => row.Unit is Row.PairsPerSecond or Row.NsPerPair or Row.NsPerFrame or Row.NsPerPoll;
}
