// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.Linq;
using ColoWire.Benchmarks.Rows;

namespace ColoWire.Benchmarks.Hostile;

/// <summary><c>hostile</c>: measures the cost of frames made to be expensive, alternating with ordinary frames. Takes half a
/// minute.</summary>
internal static class HostileCommand
{
    /// <summary>Makes the verb's command.</summary>
    public static Command Create()
    {
        Option<string?> rows = new("--rows") { Description = "Appends the rows to this file.", HelpName = "FILE" };
        Option<string?> only = new("--only") { Description = "Only what has these words in its name.", HelpName = "WORDS" };
        Option<int> rounds = RowFile.RoundsOption();
        Command command = new("hostile", "Measures frames that are made to cost much, in turn with ordinary ones.") { rows, only, rounds };
        command.SetAction(parse => Run(parse.GetValue(rows), parse.GetValue(only), parse.GetValue(rounds)));
        return command;
    }

    private static int Run(string? path, string? words, int rounds)
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

        foreach (HostileContest contest in contests)
        {
            Row row = contest.Measure(rounds);
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
