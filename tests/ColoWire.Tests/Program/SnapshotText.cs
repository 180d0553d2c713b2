// SPDX-License-Identifier: GPL-2.0-or-later

using System.Text;
using ColoWire.Hosting;
using ColoWire.Writing;

namespace ColoWire.Tests.Program;

/// <summary>A snapshot as programs read it.</summary>
internal static class SnapshotText
{
    /// <summary>The last object of an appliance.</summary>
    public static string Json(ApplianceSnapshot snapshot)
    {
        using JsonLine line = new();
        SnapshotJson.Write(line, snapshot, final: true);
        return Encoding.UTF8.GetString(line.Bytes.Span);
    }
}
