// SPDX-License-Identifier: GPL-2.0-or-later

using System.Buffers;
using System.IO;
using System.Net;
using System.Text;
using System.Text.Json;
using ColoWire.Engine.Flows;

namespace ColoWire.Reports;

/// <summary>The result of a comparison for programs: one JSON object on one line.</summary>
internal static class CompareReport
{
    /// <summary>Divergences that are listed; beyond these only the number grows. At some 200 bytes each, 20 MB of JSON.</summary>
    public const int MaxListedDivergences = 100_000;

    /// <summary>Writes the object and ends the line.</summary>
    public static void WriteJson(TextWriter writer, CompareResult result)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            WriteSide(json, "primary", result.Primary);
            WriteSide(json, "secondary", result.Secondary);
            json.WriteStartObject("released");
            json.WriteNumber("verified", result.Verified);
            json.WriteNumber("passed", result.NotComparedFrames);
            json.WriteNumber("unverified", result.UnverifiedFrames);
            json.WriteEndObject();
            json.WriteNumber("not_compared", result.UnreadableFrames);
            json.WriteNumber("held_at_end", result.HeldAtEnd);
            json.WriteNumber("checkpoints", result.Checkpoints);
            json.WriteStartArray("divergences");
            foreach (DivergenceSummary divergence in result.Divergences)
            {
                WriteDivergence(json, divergence);
            }

            json.WriteEndArray();
            json.WriteNumber("divergences_total", result.DivergencesTotal);
            WriteCounts(json, "soft", result.Tolerated);
            WriteCounts(json, "drops", result.Drops);
            json.WriteStartObject("fragments");
            WriteCounts(json, "primary", result.PrimaryFragments);
            WriteCounts(json, "secondary", result.SecondaryFragments);
            json.WriteEndObject();
            WriteCounts(json, "passed", result.NotCompared);
            WriteCounts(json, "malformed", result.Malformed);
            WriteCounts(json, "unverified", result.Unverified);
            json.WriteEndObject();
        }

        writer.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static void WriteSide(Utf8JsonWriter json, string name, SideTotals totals)
    {
        json.WriteStartObject(name);
        json.WriteNumber("frames", totals.Frames);
        json.WriteNumber("bytes", totals.Bytes);
        json.WriteEndObject();
    }

    private static void WriteDivergence(Utf8JsonWriter json, in DivergenceSummary divergence)
    {
        json.WriteStartObject();
        json.WriteString("reason", CounterNames.Of(divergence.Reason));
        if (divergence.Field is { } field)
        {
            json.WriteString("field", CounterNames.Of(field));
        }

        WriteFlow(json, divergence.Flow);
        json.WriteNumber("offset", divergence.Offset);
        WriteFrameNumber(json, "primary_frame", divergence.PrimaryFrame);
        WriteFrameNumber(json, "secondary_frame", divergence.SecondaryFrame);
        json.WriteNumber("at_ns", divergence.AtNs);
        json.WriteEndObject();
    }

    private static void WriteFlow(Utf8JsonWriter json, in FlowKey flow)
    {
        if (!FlowText.IsFlow(flow))
        {
            json.WriteNull("flow");
            return;
        }

        bool hasPorts = FlowText.HasPorts(flow);
        json.WriteStartObject("flow");
        json.WriteString("proto", FlowText.Protocol(flow));
        json.WriteString("src", new IPAddress(flow.SourceAddress()).ToString());
        WritePort("sport", flow.SourcePort);
        json.WriteString("dst", new IPAddress(flow.DestinationAddress()).ToString());
        WritePort("dport", flow.DestinationPort);
        WriteVlan(json, flow.OuterVlan, flow.InnerVlan);
        json.WriteEndObject();

        void WritePort(string name, ushort port)
        {
            if (hasPorts)
            {
                json.WriteNumber(name, port);
            }
            else
            {
                json.WriteNull(name);
            }
        }
    }

    private static void WriteVlan(Utf8JsonWriter json, int outer, int inner)
    {
        if (outer >= 0 && inner >= 0)
        {
            json.WriteStartArray("vlan");
            json.WriteNumberValue(outer);
            json.WriteNumberValue(inner);
            json.WriteEndArray();
        }
        else if (outer >= 0 || inner >= 0)
        {
            json.WriteNumber("vlan", outer >= 0 ? outer : inner);
        }
        else
        {
            json.WriteNull("vlan");
        }
    }

    private static void WriteFrameNumber(Utf8JsonWriter json, string name, uint number)
    {
        if (number == 0)
        {
            json.WriteNull(name);
        }
        else
        {
            json.WriteNumber(name, number);
        }
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
