// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using ColoWire.Hosting;
using Spectre.Console;

namespace ColoWire.Control;

/// <summary>The answer to <c>status</c>, for people.</summary>
internal static class StatusText
{
    /// <summary>Writes it.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="status">What the control socket has answered.</param>
    /// <param name="width">Columns; null for what the terminal has.</param>
    /// <exception cref="KeyNotFoundException">It is no such answer.</exception>
    /// <exception cref="InvalidOperationException">It is no such answer.</exception>
    public static void Write(TextWriter writer, JsonElement status, int? width)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = width ?? console.Profile.Width;
        Table table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns("what", "how");
        foreach ((string name, string text) in Rows(status))
        {
            table.AddRow(new Text(name), new Text(text));
        }

        console.Write(table);
    }

    private static IEnumerable<(string Name, string Text)> Rows(JsonElement status)
    {
        JsonElement ports = status.GetProperty("ports");
        JsonElement released = status.GetProperty("released");
        JsonElement output = status.GetProperty("output");
        JsonElement holdTime = status.GetProperty("hold_ns");
        yield return ("ColoWire", $"{Word(status, "version")}, up {TimeSpan.FromSeconds(status.GetProperty("uptime_s").GetInt64()):c}");
        yield return ("protection", Word(status, "protection"));
        yield return ("mode", Word(status, "mode"));
        yield return ("requester", Requester(status.GetProperty("requester")));
        yield return ("primary_in", $"{Word(ports, "primary_in")}: {Capture(status.GetProperty("primary"))}");
        yield return ("secondary_in", $"{Word(ports, "secondary_in")}: {Capture(status.GetProperty("secondary"))}");
        yield return ("outdev", $"{Word(ports, "outdev")}: {Count(output, "frames")} frames, "
            + $"{Sum(output, "too_long", "link_down", "failed")} lost");
        yield return ("released", $"{Count(released, "verified")} verified, {Count(released, "passed")} passed, "
            + $"{Count(released, "unverified")} unverified");
        yield return ("held", $"{Count(status, "held")} of the primary, {Count(status, "secondary_held")} of the secondary");
        yield return ("hold time", $"p50 {Duration(holdTime, "p50")}, p99 {Duration(holdTime, "p99")}");
        yield return ("compared", $"{Count(status, "flows")} flows, {Count(status, "divergences_total")} divergences");
        yield return ("checkpoints", $"{Count(status, "checkpoints")} asked for, {Count(status, "checkpoints_completed")} finished");
        if (status.GetProperty("failures").GetInt64() != 0)
        {
            yield return ("failures", $"{Count(status, "failures")} of ColoWire itself, {Count(status, "quarantined_flows")} connections quarantined");
        }

        foreach (string name in (string[])["divergence_reasons", "unverified", "drops"])
        {
            if (Named(status.GetProperty(name)) is { Length: > 0 } counts)
            {
                yield return (name.Replace('_', ' '), counts);
            }
        }

        foreach (JsonElement fault in status.GetProperty("faults").EnumerateArray())
        {
            yield return ("fault", fault.GetString() ?? string.Empty);
        }
    }

    private static string Requester(JsonElement requester)
    {
        string readiness = requester.GetProperty("ready").GetBoolean() ? "ready" : "not ready";
        return requester.GetProperty("trouble").GetString() is { Length: > 0 } trouble
            ? $"{Word(requester, "name")}, {readiness}: {trouble}"
            : $"{Word(requester, "name")}, {readiness}";
    }

    private static string Capture(JsonElement port) =>
        $"{Count(port, "frames")} frames, {Sum(port, "kernel_dropped", "interface_dropped", "oversize", "truncated")} not captured";

    private static string Sum(JsonElement parent, params string[] names) =>
        Number(names.Sum(name => parent.GetProperty(name).GetInt64()));

    private static string Duration(JsonElement parent, string name) => DurationText.Of(parent.GetProperty(name).GetInt64());

    private static string Named(JsonElement counts) =>
        string.Join(", ", counts.EnumerateObject().Select(count => $"{Number(count.Value.GetInt64())} {count.Name}"));

    private static string Word(JsonElement parent, string name) => parent.GetProperty(name).GetString() ?? string.Empty;

    private static string Count(JsonElement parent, string name) => Number(parent.GetProperty(name).GetInt64());

    private static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
