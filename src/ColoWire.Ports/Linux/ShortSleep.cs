// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>Sleeps for less than a millisecond, which is the shortest sleep of the runtime (nanosleep(2)).</summary>
public static partial class ShortSleep
{
    private const long NanosecondsPerMicrosecond = 1_000;

    /// <summary>Sleeps; the kernel adds its timer slack, 50 microseconds by default, and a signal ends it early.</summary>
    /// <param name="microseconds">Less than a second.</param>
    public static unsafe void Microseconds(int microseconds)
    {
        TimeSpecification time = new() { Nanoseconds = microseconds * NanosecondsPerMicrosecond };
        _ = Nanosleep(&time, null);
    }

    [LibraryImport("libc", EntryPoint = "nanosleep")]
    private static unsafe partial int Nanosleep(TimeSpecification* time, TimeSpecification* left);

    /// <summary>struct timespec of 64-bit Linux.</summary>
    private struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
