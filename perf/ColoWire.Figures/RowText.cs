// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace ColoWire.Figures;

/// <summary>The text of the table's cells, the same on a terminal and in Markdown.</summary>
internal static class RowText
{
    /// <summary>The headings of the columns.</summary>
    public static readonly string[] Headings = ["group", "what", "ours", "runs", "unit", "anchor", "ratio", "bar", "verdict"];

    /// <summary>The cells of one row, the verdict last.</summary>
    public static string[] Cells(Row row) =>
    [
        row.Group,
        row.What,
        Figures(row.Ours),
        row.Runs.Count.ToString(CultureInfo.InvariantCulture),
        row.Unit,
        row.Theirs is { } theirs ? $"{row.Anchor}: {Number(theirs.Median)}" : string.Empty,
        row.Ratio is { } ratio ? ratio.ToString("F2", CultureInfo.InvariantCulture) : string.Empty,
        row.Bar is { } bar ? Limit(bar) : string.Empty,
        VerdictOf(row),
    ];

    /// <summary>The notes, each with the name of its row.</summary>
    public static IEnumerable<string> Notes(IEnumerable<Row> rows) =>
        rows.Where(row => row.Note != null).Select(row => $"{row.Group}, {row.What}: {row.Note}");

    /// <summary>The number of bars that were met.</summary>
    public static string Tally(IReadOnlyList<Row> rows)
    {
        int bars = rows.Count(row => row.Bar != null);
        int met = rows.Count(row => row.Verdict == Verdict.Met);
        return $"{rows.Count} rows, {bars} with a bar: {met} met, {bars - met} missed";
    }

    /// <summary>A number rounded to at least three significant digits, except small ones, which get two.</summary>
    public static string Number(double number) => Math.Abs(number) switch
    {
        >= 1e6 => Digits(number / 1e6) + " M",
        >= 1e4 => Digits(number / 1e3) + " k",
        _ => Digits(number),
    };

    private static string Figures(Spread spread) => spread.Least == spread.Most
        ? Number(spread.Median)
        : $"{Number(spread.Median)} ({Number(spread.Least)}..{Number(spread.Most)})";

    private static string Limit(Bar bar)
    {
        string subject = bar.Of switch { BarSubject.Each => "each ", BarSubject.Ratio => "ratio ", BarSubject.Interval => "interval ", _ => string.Empty };
        return bar.Least is { } least ? $"{subject}≥ {Number(least)}" : $"{subject}≤ {Number(bar.Most!.Value)}";
    }

    private static string VerdictOf(Row row) => row.Verdict switch
    {
        Verdict.Met => "met",
        Verdict.Missed => "MISSED",
        Verdict.TooFewRuns => $"MISSED: fewer than {Row.LeastRuns} runs",
        _ => string.Empty,
    };

    private static string Digits(double number) =>
        number.ToString(
            Math.Abs(number) switch { 0 or >= 100 => "F0", >= 10 => "F1", >= 0.1 => "F2", _ => "G2" }, CultureInfo.InvariantCulture);
}
