// SPDX-License-Identifier: GPL-2.0-or-later

using System.Text.Json;
using ColoWire.Engine.Frames;
using ColoWire.Reports;
using ColoWire.Writing;

namespace ColoWire.Hosting;

/// <summary>A snapshot for programs: one JSON object on one line, with the names that <c>colowire compare --json</c> uses too.</summary>
internal static class SnapshotJson
{
    private const double NanosecondsPerMs = 1e6;

    /// <summary>Writes the object and ends the line.</summary>
    /// <param name="line">Where to; what stood there is overwritten.</param>
    /// <param name="snapshot">What was counted.</param>
    /// <param name="final">Whether the appliance has stopped.</param>
    public static void Write(JsonLine line, ApplianceSnapshot snapshot, bool final)
    {
        line.Begin();
        WriteMembers(line.Json, snapshot, final);
        line.End();
    }

    /// <summary>Writes what is in the object, into one that the caller has begun.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="snapshot">What was counted.</param>
    /// <param name="final">Whether the appliance has stopped.</param>
    public static void WriteMembers(Utf8JsonWriter json, ApplianceSnapshot snapshot, bool final)
    {
        json.WriteBoolean("final", final);
        json.WriteNumber("elapsed_ns", snapshot.ElapsedNs);
        json.WriteString("protection", CounterNames.Of(snapshot.Protection));
        WriteCapture(json, "primary", snapshot.Primary);
        WriteCapture(json, "secondary", snapshot.Secondary);
        WriteOutput(json, snapshot.Output);
        json.WriteStartObject("fail_wire");
        json.WriteNumber("absences", snapshot.FailWire.Bypasses);
        json.WriteNumber("away_ns", snapshot.FailWire.AwayNs);
        json.WriteNumber("to_wire", snapshot.FailWire.ToWire);
        json.WriteNumber("dropped", snapshot.FailWire.Dropped);
        json.WriteString("trouble", snapshot.Trouble);
        json.WriteEndObject();
        json.WriteNumber("connections_refused", snapshot.ConnectionsRefused);
        json.WriteStartObject("released");
        json.WriteNumber("verified", snapshot.Verified);
        json.WriteNumber("passed", snapshot.NotComparedFrames);
        json.WriteNumber("unverified", snapshot.UnverifiedFrames);
        json.WriteEndObject();
        json.WriteNumber("held", snapshot.Held);
        json.WriteNumber("secondary_held", snapshot.SecondaryHeld);
        json.WriteNumber("flows", snapshot.Flows);
        json.WriteNumber("flows_evicted", snapshot.FlowsEvicted);
        json.WriteNumber("checkpoints", snapshot.Checkpoints);
        WriteRequester(json, snapshot.Requester);
        json.WriteNumber("divergences_total", snapshot.DivergenceCount);
        json.WriteNumber("reports_lost", snapshot.ReportsLost);
        json.WriteNumber("failures", snapshot.Failures);
        json.WriteNumber("quarantined_flows", snapshot.QuarantinedFlows);
        json.WriteStartObject("hold_ns");
        json.WriteNumber("p50", snapshot.HoldMedianNs);
        json.WriteNumber("p99", snapshot.HoldP99Ns);
        json.WriteEndObject();
        json.WriteStartObject("runtime");
        json.WriteNumber("garbage_collections", snapshot.GarbageCollections);
        json.WriteNumber("allocated_bytes", snapshot.AllocatedBytes);
        json.WriteEndObject();
        json.WriteStartObject("unwritten");
        json.WriteNumber("log_entries", snapshot.Unwritten.LogEntries);
        json.WriteNumber("status", snapshot.Unwritten.Status);
        json.WriteEndObject();
        WriteCounts(json, "divergence_reasons", snapshot.Divergences);
        WriteCounts(json, "soft", snapshot.Tolerated);
        WriteCounts(json, "drops", snapshot.Drops);
        json.WriteStartObject("partial_checksums");
        json.WriteNumber("primary", snapshot.PrimaryChecksums);
        json.WriteNumber("secondary", snapshot.SecondaryChecksums);
        json.WriteEndObject();
        json.WriteStartObject("fragments");
        json.WriteNumber("waiting", snapshot.FragmentsWaiting);
        WriteCounts(json, "primary", snapshot.PrimaryFragments);
        WriteCounts(json, "secondary", snapshot.SecondaryFragments);
        json.WriteEndObject();
        WriteCounts(json, "passed", snapshot.NotCompared);
        WriteCounts(json, "malformed", snapshot.Malformed);
        WriteCounts(json, "unverified", snapshot.Unverified);
    }

    private static void WriteCapture(Utf8JsonWriter json, string name, in CaptureStatistics port)
    {
        json.WriteStartObject(name);
        json.WriteNumber("frames", port.Frames);
        json.WriteNumber("bytes", port.Bytes);
        json.WriteNumber("kernel_dropped", port.KernelDropped);
        json.WriteNumber("interface_dropped", port.InterfaceDropped);
        json.WriteNumber("oversize", port.Oversize);
        json.WriteNumber("truncated", port.Truncated);
        json.WriteEndObject();
    }

    private static void WriteOutput(Utf8JsonWriter json, in InjectStatistics port)
    {
        json.WriteStartObject("output");
        json.WriteNumber("frames", port.Frames);
        json.WriteNumber("bytes", port.Bytes);
        json.WriteNumber("retries", port.Retries);
        json.WriteNumber("too_long", port.TooLong);
        json.WriteNumber("link_down", port.LinkDown);
        json.WriteNumber("failed", port.Failed);
        json.WriteEndObject();
    }

    private static void WriteRequester(Utf8JsonWriter json, in RequesterSnapshot requester)
    {
        json.WriteStartObject("requester");
        json.WriteString("name", requester.Name);
        json.WriteBoolean("ready", requester.IsReady);
        json.WriteString("trouble", requester.Trouble);
        json.WriteNumber("requests", requester.Counts.Requests);
        json.WriteNumber("completed", requester.Counts.Completed);
        json.WriteNumber("failed", requester.Counts.Failed);
        json.WriteNumber("ignored", requester.Counts.Ignored);
        json.WriteNumber("last_ms", requester.Counts.LastNs / NanosecondsPerMs);
        json.WriteNumber("longest_ms", requester.Counts.LongestNs / NanosecondsPerMs);
        json.WriteNumber("last_stop_ms", requester.Counts.LastStopNs / NanosecondsPerMs);
        json.WriteNumber("longest_stop_ms", requester.Counts.LongestStopNs / NanosecondsPerMs);
        json.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter json, string name, CountsByName counts)
    {
        json.WriteStartObject(name);
        foreach ((string counter, long count) in counts)
        {
            json.WriteNumber(counter, count);
        }

        json.WriteEndObject();
    }
}
