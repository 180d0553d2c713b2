// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using ColoWire.Benchmarks.Widths;
using ColoWire.Figures;

namespace ColoWire.Benchmarks.Shards;

/// <summary><c>shards</c>: measures a whole appliance in memory, alternating with its anchors. Takes about two minutes.</summary>
internal static class ShardCommand
{
    /// <summary>Makes the verb's command.</summary>
    public static Command Create()
    {
        Option<string?> rows = MeasureOptions.Rows();
        Option<string?> only = MeasureOptions.Only();
        Option<int> rounds = MeasureOptions.Rounds(Row.LeastRuns + 2);
        Option<int> seconds = MeasureOptions.Seconds();
        Command command = new(
            "shards", "Measures a whole appliance in memory in turn with a loop that only compares the same bytes.")
        {
            rows,
            only,
            rounds,
            seconds,
        };
        command.SetAction(
            parse => Run(parse.GetValue(rows), parse.GetValue(only), parse.GetValue(rounds), parse.GetValue(seconds)));
        return command;
    }

    private static int Run(string? path, string? words, int rounds, int seconds)
    {
        ShardContest[] contests =
            [.. ShardContest.All()
                .Where(contest => words == null || contest.What.Contains(words, StringComparison.OrdinalIgnoreCase))];
        bool hasWidths = words == null || WidthContest.What.Contains(words, StringComparison.OrdinalIgnoreCase);
        if (contests.Length == 0 && !hasWidths)
        {
            string allowed = string.Join("; ", ShardContest.All().Select(contest => contest.What).Append(WidthContest.What));
            throw new BadInputException($"--only {words}: nothing has this in its name; there are {allowed}");
        }

        if (path != null)
        {
            RowFile.CheckWritable(path);
        }

        PlannedStep[] widths = hasWidths ? [new PlannedStep(WidthContest.What, WidthContest.RoundSeconds)] : [];
        TimePlan plan = new(
            "shards",
            [.. contests.Select(contest => new PlannedStep(contest.What, contest.RoundSeconds)), .. widths],
            rounds,
            MeasureOptions.Limit(seconds));
        Measure(contests, plan, path);
        foreach (PlannedStep step in widths)
        {
            foreach (Row row in WidthContest.Measure(plan.Rounds(step.Name)))
            {
                Tell(row, path);
            }
        }

        return 0;
    }

    private static void Measure(ShardContest[] contests, TimePlan plan, string? path)
    {
        if (contests.Length == 0)
        {
            return;
        }

        MixedWarmUp.Run();
        List<Cost> costs = [];
        foreach (ShardContest contest in contests)
        {
            Tell(contest.Measure(costs, plan.Rounds(contest.What)), path);
        }

        Tell(Garbage("bytes allocated per pair", "B", costs, cost => cost.Bytes / (double)cost.Pairs), path);
        Tell(Garbage("garbage collections", "per run", costs, cost => cost.Collections), path);
    }

    private static Row Garbage(string what, string unit, List<Cost> costs, Func<Cost, double> figure) =>
        new(ShardContest.Group, what, unit, [.. costs.Select(figure)])
        {
            Bar = new Bar(BarSubject.Each, Most: 0),
            Note = $"in {costs.Count} runs of all the workloads above, {costs.Sum(cost => cost.Pairs) / 1e6:F0} million pairs",
        };

    private static void Tell(Row row, string? path)
    {
        string ratio = row.Ratio is { } value
            ? $", {value:F2} of {row.Anchor} ({RowText.Number(row.Theirs!.Value.Median)})"
            : string.Empty;
        Console.WriteLine($"{row.What}: {RowText.Number(row.Ours.Median)} {row.Unit}{ratio}: {row.Verdict}");
        if (path != null)
        {
            RowFile.Append(path, row);
        }
    }
}
