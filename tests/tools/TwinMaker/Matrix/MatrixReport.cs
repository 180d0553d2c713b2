// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ColoWire.TwinMaker.Matrix;

/// <summary>Prints a matrix of trials: the failures, a row for each capture, and the totals.</summary>
internal static class MatrixReport
{
    private const string Empty = "-";

    public static void Write(TextWriter writer, IReadOnlyList<TwinTrial> trials)
    {
        foreach (TwinTrial fault in trials.Where(trial => trial.IsFault))
            writer.WriteLine(fault);

        WriteTable(writer, trials);
        int wrongReasons = trials.Count(trial => trial.Outcome == TwinOutcome.WrongReason);
        if (wrongReasons > 0)
            writer.WriteLine($"found in the right flow for another reason: {wrongReasons}");
        writer.WriteLine(Sum(trials));
    }

    /// <summary>The figures in one line.</summary>
    public static string Sum(IReadOnlyList<TwinTrial> trials) =>
        $"twins tried {trials.Count(trial => trial.IsTried)}, false divergences {trials.Count(trial => trial.Outcome == TwinOutcome.FalseDivergence)}, "
        + $"missed {trials.Count(trial => trial.Outcome == TwinOutcome.Missed)}, wrong flow {trials.Count(trial => trial.Outcome == TwinOutcome.WrongFlow)}";

    private static void WriteTable(TextWriter writer, IReadOnlyList<TwinTrial> trials)
    {
        List<string[]> rows = [["capture", .. TwinMatrix.Harms.Select(harm => harm ?? "harmless")]];
        rows.AddRange(trials.GroupBy(trial => trial.Capture).Select(group => Row(Path.GetFileName(group.Key), [.. group])));
        rows.Add(Row("all", trials));
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
            writer.WriteLine(string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]))));
    }

    /// <summary>The text of a cell: the number of twins with a right result, and the number of all twins where it is
    /// greater.</summary>
    private static string[] Row(string name, IReadOnlyList<TwinTrial> trials) => [name, .. TwinMatrix.Harms.Select(harm =>
    {
        TwinTrial[] tried = [.. trials.Where(trial => trial.Harm == harm && trial.IsTried)];
        int right = tried.Count(trial => !trial.IsFault);
        return tried.Length == 0 ? Empty : right == tried.Length ? $"{right}" : $"{right} of {tried.Length}";
    })];
}
