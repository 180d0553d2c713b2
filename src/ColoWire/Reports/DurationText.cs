// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;

namespace ColoWire.Reports;

/// <summary>Durations for people.</summary>
internal static class DurationText
{
    private const long Microsecond = 1_000;
    private const long Millisecond = 1_000 * Microsecond;
    private const long Second = 1_000 * Millisecond;

    /// <summary>Three digits and a unit.</summary>
    public static string Of(long durationNs) => durationNs switch
    {
        < Microsecond => Number(durationNs, 1, "ns"),
        < Millisecond => Number(durationNs, Microsecond, "us"),
        < Second => Number(durationNs, Millisecond, "ms"),
        _ => Number(durationNs, Second, "s"),
    };

    /// <summary>The same for a duration in milliseconds.</summary>
    public static string OfMs(double durationMs) => Of((long)Math.Round(durationMs * Millisecond));

    private static string Number(long durationNs, long unitNs, string unit)
    {
        double value = (double)durationNs / unitNs;
        string format = unitNs == 1 || value >= 100 ? "F0" : value >= 10 ? "F1" : "F2";
        return $"{value.ToString(format, CultureInfo.InvariantCulture)} {unit}";
    }
}
