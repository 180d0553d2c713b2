// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Text;
using ColoWire.Figures;
using Spectre.Console;

namespace ColoWire.Benchmarks.Rows;

/// <summary><c>table</c>: prints rows as a readable table.</summary>
internal static class TableCommand
{
    /// <summary>Width in columns of a table that goes to a file or a pipe, so that no row is wrapped.</summary>
    private const int RedirectedWidth = 240;

    /// <summary>Makes the verb's command.</summary>
    public static Command Create()
    {
        Argument<string[]> files = new("ROWS") { Description = "Files of rows.", Arity = ArgumentArity.OneOrMore };
        Option<string?> markdown = new("--markdown")
        {
            Description = "Writes the table to a file as Markdown, too.",
            HelpName = "FILE",
        };
        Command command = new(
            "table", "Prints rows as one table: medians, spreads, ratios to the anchors, and whether the bars are met.")
        {
            files,
            markdown,
        };
        command.SetAction(parse =>
        {
            Row[] rows = RowMerge.Merge(parse.GetValue(files)!.SelectMany(RowFile.Read));
            Print(Console.Out, rows);
            if (parse.GetValue(markdown) is { } path)
            {
                WriteMarkdown(path, rows);
            }

            return 0;
        });
        return command;
    }

    /// <summary>Writes the table for a terminal.</summary>
    internal static void Print(TextWriter writer, IReadOnlyList<Row> rows)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = Console.IsOutputRedirected ? RedirectedWidth : console.Profile.Width;
        Table table = new Table().AddColumns(RowText.Headings).Border(TableBorder.Rounded);
        string? group = null;
        foreach (Row row in rows)
        {
            string[] cells = RowText.Cells(row);
            if (group != null && group != row.Group)
            {
                table.AddEmptyRow();
            }

            cells[0] = group == row.Group ? string.Empty : row.Group;
            group = row.Group;
            Color color = row.Verdict switch { Verdict.NoBar => Color.Default, Verdict.Met => Color.Green, _ => Color.Red };
            table.AddRow([.. cells[..^1].Select(cell => new Text(cell)), new Text(cells[^1], new Style(color))]);
        }

        console.Write(table);
        foreach (string line in RowText.Notes(rows).Append(RowText.Tally(rows)))
        {
            writer.WriteLine(line);
        }
    }

    /// <summary>Writes the table as Markdown.</summary>
    internal static string Markdown(IReadOnlyList<Row> rows)
    {
        StringBuilder text = new();
        AppendLine(text, RowText.Headings);
        AppendLine(text, RowText.Headings.Select(_ => "---"));
        foreach (Row row in rows)
        {
            AppendLine(text, RowText.Cells(row).Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal)));
        }

        text.Append('\n').Append(RowText.Tally(rows)).Append(".\n");
        string[] notes = [.. RowText.Notes(rows)];
        return notes.Length == 0 ? text.ToString() : text.Append("\n- ").AppendJoin("\n- ", notes).Append('\n').ToString();
    }

    private static void WriteMarkdown(string path, IReadOnlyList<Row> rows)
    {
        try
        {
            File.WriteAllText(path, Markdown(rows));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new BadInputException($"--markdown {path}: cannot be written: {exception.Message}");
        }
    }

    private static void AppendLine(StringBuilder text, IEnumerable<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
