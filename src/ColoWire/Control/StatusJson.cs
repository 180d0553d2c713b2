// SPDX-License-Identifier: GPL-2.0-or-later

using System.Text.Json;
using ColoWire.Hosting;
using ColoWire.Reports;

namespace ColoWire.Control;

/// <summary>How an appliance stands: what it is, and the members of a snapshot.</summary>
internal static class StatusJson
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Writes the members into an object that the caller has begun.</summary>
    public static void WriteMembers(Utf8JsonWriter json, Appliance appliance)
    {
        ApplianceSnapshot snapshot = ApplianceSnapshot.Of(appliance);
        json.WriteString("version", StartReport.Version());
        json.WriteNumber("uptime_s", snapshot.ElapsedNs / NanosecondsPerSecond);
        json.WriteString("mode", CounterNames.Of(appliance.Path.Gate.Mode));
        json.WriteNumber("epoch", appliance.Path.Gate.Epoch);
        json.WriteNumber("checkpoints_completed", appliance.Path.Gate.Completed);
        json.WriteStartObject("ports");
        json.WriteString("primary_in", appliance.Ports.PrimaryName);
        json.WriteString("secondary_in", appliance.Ports.SecondaryName);
        json.WriteString("outdev", appliance.Ports.OutputName);
        json.WriteEndObject();
        json.WriteStartArray("faults");
        foreach (string fault in appliance.Ports.Faults)
        {
            json.WriteStringValue(fault);
        }

        json.WriteEndArray();
        SnapshotJson.WriteMembers(json, snapshot, final: false);
    }
}
