// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using Spectre.Console;

namespace ColoWire.Reports;

/// <summary>The result of a comparison for people: the verdict, a table, the first divergences.</summary>
/// <param name="writer">Where it is written.</param>
/// <param name="colour">Whether the writer is a terminal that shows colours; otherwise the text is plain.</param>
internal sealed class CompareText(TextWriter writer, bool colour)
{
    private const int Width = 80;
    private const long NanosecondsPerMicrosecond = 1_000;
    private const long NanosecondsPerMs = 1_000_000;

    /// <summary>Writes the result.</summary>
    /// <param name="result">The result.</param>
    /// <param name="startGapLimitMs">When the captures start farther apart than this, a hint is written.</param>
    public void Write(CompareResult result, int startGapLimitMs)
    {
        IAnsiConsole console = MakeConsole();
        console.Write(new Text(Verdict(result) + Environment.NewLine, new Style(result.IsEqual ? Color.Green : Color.Red)));
        WriteHints(result, startGapLimitMs);
        writer.WriteLine();
        console.Write(MakeTable(result));
        writer.WriteLine();
        WriteCounts("soft differences", result.Tolerated);
        WriteCounts("not comparable", result.NotCompared);
        WriteCounts("malformed", result.Malformed);
        WriteCounts("unverified", result.Unverified);
        WriteCounts("dropped", result.Drops);
        if (result.Inbound is { } inbound)
        {
            WriteCounts("clients' frames for the secondary", inbound.Frames);
            WriteCounts("clients' frames for no guest", inbound.Drops);
        }

        WriteCounts("primary's datagrams in fragments", result.Fragments.Primary);
        WriteCounts("secondary's datagrams in fragments", result.Fragments.Secondary);
        writer.WriteLine($"held: median {Microseconds(result.HoldMedianNs)} us, p99 {Microseconds(result.HoldP99Ns)} us");
        writer.WriteLine(Invariant($"checkpoints asked for: {result.Checkpoints:N0}"));
        WriteDivergences(result);
    }

    /// <summary>The verdict, in one line.</summary>
    public static string Verdict(CompareResult result)
    {
        if (result.IsEqual)
        {
            return Invariant($"equal: {Frames(result.Verified)} in {Flows(result.Flows)} verified");
        }

        if (!result.IsAnythingCompared)
        {
            return $"nothing compared: {ReasonForNothing(result)}";
        }

        bool hasCompared = result.UnverifiedFrames + result.HeldAtEnd == 0;
        if (result.DivergencesTotal == 0 && hasCompared)
        {
            return Invariant(
                $"not all compared: {Frames(result.Verified)} verified, {result.UnreadableFrames:N0} could not be compared");
        }

        if (result.DivergencesTotal == 0)
        {
            return Invariant($"diverged: {Frames(result.UnverifiedFrames + result.HeldAtEnd)} of the primary not verified");
        }

        long diverged = Math.Min(result.DivergencesTotal, result.Divergences.Select(d => d.Key).Distinct().LongCount());
        IEnumerable<string> reasons = result.Divergences
            .GroupBy(d => d.Kind)
            .OrderBy(g => g.Key)
            .Select(g => Invariant($"{DivergenceText.Reason(g.Key)} {g.Count():N0}"));
        return Invariant($"diverged: {diverged:N0} of {Flows(Math.Max(diverged, result.Flows))} ({string.Join(", ", reasons)})");
    }

    private static string ReasonForNothing(CompareResult result)
    {
        if (result.UnreadableFrames != 0)
        {
            return Invariant($"{Frames(result.UnreadableFrames)} held only in part, damaged, or too long");
        }

        return result.Primary.Frames + result.Secondary.Frames == 0
            ? "the captures hold no frame"
            : "no frame is of a kind that is compared, or policies let all pass";
    }

    private static string Frames(long count) => Invariant($"{count:N0} frame{(count == 1 ? "" : "s")}");

    private static string Flows(long count) => Invariant($"{count:N0} flow{(count == 1 ? "" : "s")}");

    private static string Microseconds(long durationNs) => Invariant($"{durationNs / NanosecondsPerMicrosecond:N0}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private IAnsiConsole MakeConsole()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colour ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = colour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        // The table fits into this width; the width that Spectre.Console assumes for a pipe must not wrap it.
        console.Profile.Width = Width;
        console.Profile.Capabilities.Unicode = colour;
        return console;
    }

    private Table MakeTable(CompareResult result)
    {
        Table table = new() { Border = colour ? TableBorder.Rounded : TableBorder.Ascii };
        table.AddColumn(new TableColumn("").NoWrap());
        table.AddColumn(new TableColumn("primary").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("secondary").RightAligned().NoWrap());
        Add("frames", result.Primary.Frames, result.Secondary.Frames);
        Add("bytes", result.Primary.Bytes, result.Secondary.Bytes);
        Add("verified", result.Verified, null);
        Add("passed (not comparable)", result.NotComparedFrames, null);
        Add("unverified", result.UnverifiedFrames, null);
        Add("held at the end", result.HeldAtEnd, null);
        return table;

        void Add(string name, long primary, long? secondary) =>
            table.AddRow(name, Invariant($"{primary:N0}"), secondary is { } count ? Invariant($"{count:N0}") : "");
    }

    private void WriteHints(CompareResult result, int startGapLimitMs)
    {
        if (result.UnreadableFrames != 0)
        {
            writer.WriteLine(
                Invariant($"Not compared: {Frames(result.UnreadableFrames)} held only in part, damaged, or too long."));
        }

        WriteClockStep("primary", result.Primary);
        WriteClockStep("secondary", result.Secondary);

        long gapNs = Math.Abs(result.Primary.FirstNs - result.Secondary.FirstNs);
        bool bothSpeak = result is { Primary.Frames: > 0, Secondary.Frames: > 0 };
        if (!result.IsEqual && bothSpeak && gapNs / NanosecondsPerMs > startGapLimitMs)
        {
            writer.WriteLine(Invariant($"The captures start {gapNs / 1e9:N3} s apart; --align makes them start together."));
        }
    }

    private void WriteClockStep(string side, in SideTotals totals)
    {
        if (totals.ClockStepFrame != 0)
        {
            writer.WriteLine(
                Invariant($"The {side}'s clock was set back before frame {totals.ClockStepFrame}; time goes on from there."));
        }
    }

    private void WriteCounts(string title, CountsByName counts)
    {
        if (counts.Count != 0)
        {
            string text = $"{title}: {string.Join(", ", counts.Select(count => Invariant($"{count.Key} {count.Value:N0}")))}";
            foreach (string line in Wrap(text))
            {
                writer.WriteLine(line);
            }
        }
    }

    private void WriteDivergences(CompareResult result)
    {
        foreach (CheckpointReport report in result.Shown)
        {
            writer.WriteLine();
            DivergenceText.Write(writer, report, result.OriginNs);
        }

        long more = result.DivergencesTotal - result.Shown.Count;
        if (more > 0)
        {
            writer.WriteLine();
            writer.WriteLine(Invariant($"{more:N0} more; --show N shows more of them, --json lists them."));
        }
    }

    // Breaks a long line between two counters; the next line is indented.
    private static IEnumerable<string> Wrap(string text)
    {
        string line = "";
        foreach (string word in text.Split(", "))
        {
            if (line.Length != 0 && line.Length + word.Length + 3 > Width)
            {
                yield return line + ",";
                line = "  " + word;
            }
            else
            {
                line = line.Length == 0 ? word : $"{line}, {word}";
            }
        }

        yield return line;
    }
}
