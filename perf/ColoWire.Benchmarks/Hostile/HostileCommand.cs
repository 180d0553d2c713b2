// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.Linq;
using ColoWire.Figures;

namespace ColoWire.Benchmarks.Hostile;

/// <summary><c>hostile</c>: measures the cost of frames made to be expensive, alternating with ordinary frames. Takes half a
/// minute.</summary>
internal static class HostileCommand
{
    /// <summary>Makes the verb's command.</summary>
    public static Command Create()
    {
        Option<string?> rows = MeasureOptions.Rows();
        Option<string?> only = MeasureOptions.Only();
        Option<int> rounds = MeasureOptions.Rounds(Row.LeastRuns + 2);
        Option<int> seconds = MeasureOptions.Seconds();
        Command command = new("hostile", "Measures frames that are made to cost much, in turn with ordinary ones.")
        {
            rows,
            only,
            rounds,
            seconds,
        };
        command.SetAction(parse => Run(parse.GetValue(rows), parse.GetValue(only), parse.GetValue(rounds), parse.GetValue(seconds)));
        return command;
    }

    private static int Run(string? path, string? words, int rounds, int seconds)
    {
        HostileContest[] all = [.. HostileWorkloads.All()];
        HostileContest[] contests =
            [.. all.Where(contest => words == null || contest.What.Contains(words, StringComparison.OrdinalIgnoreCase))];
        if (contests.Length == 0)
        {
            string allowed = string.Join("; ", all.Select(contest => contest.What));
            throw new BadInputException($"--only {words}: nothing has this in its name; there are {allowed}");
        }

        if (path != null)
        {
            RowFile.CheckWritable(path);
        }

        TimePlan plan = new(
            "hostile", contests.Select(contest => new PlannedStep(contest.What, contest.RoundSeconds)), rounds, MeasureOptions.Limit(seconds));
        foreach (HostileContest contest in contests)
        {
            Row row = contest.Measure(plan.Rounds(contest.What));
            Console.WriteLine(
                $"{row.What}: {RowText.Number(row.Ours.Median)} {row.Unit}, {row.Ratio:F2} of {row.Anchor} "
                + $"({RowText.Number(row.Theirs!.Value.Median)}): {row.Verdict}");
            if (path != null)
            {
                RowFile.Append(path, row);
            }
        }

        return 0;
    }
}
