// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;

namespace ColoWire.Hosting;

/// <summary>The clock of a live appliance and of its engine: nanoseconds that no step of the wall clock changes
/// (CLOCK_MONOTONIC).</summary>
/// <param name="time">The source of the time.</param>
public sealed class MonotonicClock(TimeProvider time)
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly bool isSystem = ReferenceEquals(time, TimeProvider.System);

    /// <summary>On Linux a tick of the system's time is a nanosecond.</summary>
    private readonly long nanosecondsPerTick = NanosecondsPerSecond / time.TimestampFrequency;

    /// <summary>The time, in nanoseconds. The threads that move frames read it in each round, so the system's time is read
    /// without the virtual call of a <see cref="TimeProvider"/>.</summary>
    public long NowNs => (isSystem ? Stopwatch.GetTimestamp() : time.GetTimestamp()) * nanosecondsPerTick;

    /// <summary>What has to be added to a time of this clock now to get nanoseconds since 1970.</summary>
    public long UnixOffsetNs => ((time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick) - NowNs;
}
