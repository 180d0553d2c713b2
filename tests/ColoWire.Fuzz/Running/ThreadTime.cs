// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;

namespace ColoWire.Fuzz.Running;

/// <summary>The CPU time of this thread, which excludes other processes.</summary>
internal static partial class ThreadTime
{
    /// <summary>CLOCK_THREAD_CPUTIME_ID of clock_gettime(2).</summary>
    private const int ThreadCpuTime = 3;

    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>CPU time since the thread began, in nanoseconds.</summary>
    public static long NowNs()
    {
        _ = Read(ThreadCpuTime, out TimeSpec now);
        return (now.Seconds * NanosecondsPerSecond) + now.Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int Read(int clock, out TimeSpec now);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct TimeSpec
    {
        public readonly long Seconds;
        public readonly long Nanoseconds;
    }
}
