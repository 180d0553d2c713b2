// SPDX-License-Identifier: GPL-2.0-or-later

using System.Globalization;
using System.IO;
using System.Linq;

namespace ColoWire.Reports;

/// <summary>The counters of an appliance, written after it has stopped.</summary>
internal static class FinalReport
{
    /// <summary>Writes the report.</summary>
    public static void Write(TextWriter writer, in ApplianceSnapshot snapshot)
    {
        Line("in", Count(snapshot.Primary.Frames, "primary"), Count(snapshot.Secondary.Frames, "secondary"));
        Line("released", Count(snapshot.Released.Verified, "verified"), Count(snapshot.Released.NotCompared, "passed"),
            Count(snapshot.Released.Unverified, "unverified"));
        Line("out", Count(snapshot.Output.Frames, "sent"), Count(snapshot.Output.Lost, "lost"),
            Count(snapshot.Output.Retries, "retries"));
        Line("lost at out", Count(snapshot.Output.TooLong, "too long"),
            Count(snapshot.Output.LinkDown, "link down"), Count(snapshot.Output.Failed, "failed"));
        Line("not captured", Missed("primary", snapshot.Primary), Missed("secondary", snapshot.Secondary));
        if (snapshot.FailWire.Bypasses != 0)
        {
            Line("went past", Count(snapshot.FailWire.ToWire, "to the wire"),
                Count(snapshot.FailWire.ToPrimary, "to the primary"), Count(snapshot.FailWire.Dropped, "dropped"),
                $"in {DurationText.Of(snapshot.FailWire.AwayNs)}");
        }

        if (snapshot.Failures != 0)
        {
            Line("failures", Count(snapshot.Failures, "of ColoWire itself"),
                Count(snapshot.QuarantinedFlows, "connections quarantined"));
        }

        Line("compared", Count(snapshot.DivergencesTotal, "divergences"), Count(snapshot.Checkpoints, "checkpoint requests"));
        if (snapshot.Requester is { Requests: > 0 } or { Completed: > 0 })
        {
            RequesterState asked = snapshot.Requester;
            Line("checkpoints", Count(asked.Requests, "requested"), Count(asked.Completed, "completed"),
                Count(asked.Failed, "failed"),
                $"longest {DurationText.OfMs(asked.LongestMs)}", $"longest stop {DurationText.OfMs(asked.LongestStopMs)}");
        }

        Line("hold time", $"p50 {DurationText.Of(snapshot.HoldNs.P50)}", $"p99 {DurationText.Of(snapshot.HoldNs.P99)}");
        if (snapshot.PartialChecksums != default)
        {
            Line("completed", $"partial checksums: {Count(snapshot.PartialChecksums.Primary, "primary")}",
                Count(snapshot.PartialChecksums.Secondary, "secondary"));
        }

        Named("divergences", snapshot.DivergenceReasons);
        Named("passed", snapshot.NotCompared);
        Named("malformed", snapshot.Malformed);
        Named("unverified", snapshot.Unverified);
        Named("soft", snapshot.Tolerated);
        Named("drops", snapshot.Drops);
        Named("fragments P", snapshot.Fragments.Primary);
        Named("fragments S", snapshot.Fragments.Secondary);
        if (snapshot.Unwritten != default)
        {
            Line("not written", Count(snapshot.Unwritten.LogEntries, "entries of the log"),
                Count(snapshot.Unwritten.Status, "lines of counters"));
        }

        writer.Flush();

        void Line(string name, params string[] parts) => writer.WriteLine($"{name + ":",-14}{string.Join(", ", parts)}");

        void Named(string name, CountsByName counts)
        {
            if (counts.Count != 0)
            {
                Line(name, [.. counts.Select(count => Count(count.Value, count.Key))]);
            }
        }
    }

    private static string Missed(string side, in CaptureCounts port) =>
        $"{side}: {Count(port.KernelDropped, "kernel")}, {Count(port.InterfaceDropped, "interface")}, "
        + $"{Count(port.Oversize, "oversize")}, {Count(port.Truncated, "truncated")}";

    private static string Count(long count, string name) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {name}");
}
