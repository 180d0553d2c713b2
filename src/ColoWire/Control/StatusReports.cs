// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Text.Json;
using System.Threading;
using ColoWire.Hosting;
using ColoWire.Reports;
using ColoWire.Writing;

namespace ColoWire.Control;

/// <summary>How an appliance stands, for whoever asks: what it is, and the members of a snapshot. Monitors ask each second, for months, so the
/// memory of an answer is used again.</summary>
/// <param name="appliance">The appliance.</param>
/// <param name="outputs">What the process could not write.</param>
internal sealed class StatusReports(Appliance appliance, StandardOutputs outputs)
{
    private Report? spare;

    /// <summary>Writes a report; it has to be given back.</summary>
    public Report Take()
    {
        Report report = Interlocked.Exchange(ref spare, null) ?? new Report();
        report.Write(appliance, outputs.Unwritten);
        return report;
    }

    /// <summary>Gives a report back.</summary>
    public void GiveBack(Report report)
    {
        if (Interlocked.CompareExchange(ref spare, report, null) != null)
        {
            // Somebody else asked at the same time: one is kept.
            report.Dispose();
        }
    }

    /// <summary>One report.</summary>
    internal sealed class Report : IDisposable
    {
        private const long NanosecondsPerSecond = 1_000_000_000;
        private static readonly string Version = StartReport.Version();

        private readonly ApplianceSnapshot snapshot = new();
        private readonly JsonLine line = new(ControlAnswer.Form);

        /// <summary>The report: one JSON object.</summary>
        public ReadOnlyMemory<byte> Bytes => line.Bytes;

        /// <summary>Writes it.</summary>
        public void Write(Appliance appliance, UnwrittenCounts unwritten)
        {
            snapshot.Read(appliance, unwritten);
            line.Begin();
            WriteMembers(line.Json, appliance);
            line.End();
        }

        /// <inheritdoc/>
        public void Dispose() => line.Dispose();

        private void WriteMembers(Utf8JsonWriter json, Appliance appliance)
        {
            json.WriteString("version", Version);
            json.WriteNumber("uptime_s", snapshot.ElapsedNs / NanosecondsPerSecond);
            json.WriteString("mode", CounterNames.Of(appliance.Path.Guest.Mode));
            json.WriteNumber("epoch", appliance.Path.Guest.Epoch);
            json.WriteNumber("checkpoints_completed", appliance.Path.Gate.Completed);
            json.WriteStartObject("ports");
            json.WriteString("primary_in", appliance.Ports.PrimaryName);
            json.WriteString("secondary_in", appliance.Ports.SecondaryName);
            json.WriteString("outdev", appliance.Ports.OutputName);
            json.WriteEndObject();
            json.WriteStartArray("faults");
            if (appliance.Ports.HasFaults)
            {
                foreach (string fault in appliance.Ports.Faults)
                {
                    json.WriteStringValue(fault);
                }
            }

            json.WriteEndArray();
            SnapshotJson.WriteMembers(json, snapshot, final: false);
        }
    }
}
