// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using ColoWire.Ports.Checkpoint;
using Spectre.Console;

namespace ColoWire.Reports;

/// <summary>The answer to <c>status</c>, for people.</summary>
internal static class StatusText
{
    /// <summary>Writes it.</summary>
    /// <param name="writer">Where it is written.</param>
    /// <param name="status">The answer of the control socket.</param>
    /// <param name="width">Columns; null for those of the terminal.</param>
    public static void Write(TextWriter writer, ApplianceSnapshot status, int? width)
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

    private static IEnumerable<(string Name, string Text)> Rows(ApplianceSnapshot status)
    {
        yield return ("ColoWire", $"{status.Version}, up {TimeSpan.FromSeconds(status.UptimeS ?? 0):c}");
        yield return ("protection", status.Protection);
        yield return ("mode", status.Mode ?? string.Empty);
        yield return ("requester", Requester(status.Requester));
        yield return ("primary_in", $"{status.Ports?.PrimaryIn}: {Capture(status.Primary)}");
        yield return ("secondary_in", $"{status.Ports?.SecondaryIn}: {Capture(status.Secondary)}");
        yield return (
            "outdev", $"{status.Ports?.Outdev}: {Number(status.Output.Frames)} frames, {Number(status.Output.Lost)} lost");
        yield return ("released", $"{Number(status.Released.Verified)} verified, {Number(status.Released.NotCompared)} passed, "
            + $"{Number(status.Released.Unverified)} unverified");
        if (status.Inbound is { } inbound)
        {
            yield return ("inbound",
                string.Join(", ", inbound.Frames.Concat(inbound.Drops).Select(count => $"{Number(count.Value)} {count.Key}")
                .Append(
                    $"{Number(inbound.PrimaryMissed)} missed by the primary, "
                    + $"{Number(inbound.SecondaryMissed)} by the secondary")));
        }

        yield return ("held", $"{Number(status.Held)} of the primary, {Number(status.SecondaryHeld)} of the secondary");
        yield return ("hold time", $"p50 {DurationText.Of(status.HoldNs.P50)}, p99 {DurationText.Of(status.HoldNs.P99)}");
        yield return ("compared", $"{Number(status.Flows)} flows, {Number(status.DivergencesTotal)} divergences");
        yield return (
            "checkpoints", $"{Number(status.Checkpoints)} asked for, {Number(status.CheckpointsCompleted ?? 0)} finished");
        if (status.Failures != 0)
        {
            yield return ("failures", $"{Number(status.Failures)} of ColoWire itself, "
                + $"{Number(status.QuarantinedFlows)} connections quarantined");
        }

        (string Name, CountsByName Counts)[] all =
            [("divergence reasons", status.DivergenceReasons), ("unverified", status.Unverified), ("drops", status.Drops)];
        foreach ((string name, CountsByName counts) in all.Where(named => named.Counts.Count != 0))
        {
            yield return (name, string.Join(", ", counts.Select(count => $"{Number(count.Value)} {count.Key}")));
        }

        foreach (string fault in status.Faults ?? [])
        {
            yield return ("fault", fault);
        }
    }

    private static string Requester(in RequesterState requester)
    {
        if (requester.Name == RequesterSpec.None.ToString())
        {
            // No program is asked for checkpoints, so none can be ready.
            return requester.Name;
        }

        string readiness = requester.Ready ? "ready" : "not ready";
        string state = $"{requester.Name}, {readiness}";
        return requester.Trouble is { Length: > 0 } trouble ? $"{state}: {trouble}" : state;
    }

    private static string Capture(in CaptureCounts port) =>
        $"{Number(port.Frames)} frames, {Number(port.NotCaptured)} not captured";

    private static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
