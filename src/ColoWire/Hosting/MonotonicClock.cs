// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;

namespace ColoWire.Hosting;

/// <summary>The clock of a live appliance: nanoseconds that no step of the wall clock moves.</summary>
internal static class MonotonicClock
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>On Linux a tick is a nanosecond.</summary>
    private static readonly long NanosecondsPerTick = NanosecondsPerSecond / Stopwatch.Frequency;

    /// <summary>The time.</summary>
    public static long NowNs => Stopwatch.GetTimestamp() * NanosecondsPerTick;
}
