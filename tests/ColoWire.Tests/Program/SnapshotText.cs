// SPDX-License-Identifier: GPL-2.0-or-later

using System.Text;
using ColoWire.Reports;
using ColoWire.Writing;

namespace ColoWire.Tests.Program;

/// <summary>A snapshot as programs read it.</summary>
internal static class SnapshotText
{
    /// <summary>The last object of an appliance.</summary>
    public static string Json(in ApplianceSnapshot snapshot)
    {
        using JsonLine line = new();
        line.Write(snapshot with { Final = true }, ReportJson.Default.ApplianceSnapshot);
        return Encoding.UTF8.GetString(line.Bytes.Span);
    }
}
