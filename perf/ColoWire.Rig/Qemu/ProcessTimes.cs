// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;

namespace ColoWire.Rig.Qemu;

/// <summary>The CPU time of another process, all its threads together, as the scheduler counts it in nanoseconds.</summary>
/// <param name="processId">The process.</param>
internal sealed class ProcessTimes(int processId)
{
    private static readonly TimeSpan IdleTime = TimeSpan.FromMilliseconds(30);

    /// <summary>A process that looks around now and then, as ColoWire does each millisecond, uses less of a core than
    /// this.</summary>
    private const double IdleShare = 0.1;

    private static readonly TimeSpan IdlePatience = TimeSpan.FromSeconds(10);

    /// <summary>User and system time so far.</summary>
    /// <exception cref="RigException">The process is gone.</exception>
    public long CpuNs
    {
        get
        {
            try
            {
                return Directory.EnumerateDirectories($"/proc/{processId}/task").Sum(ThreadNs);
            }
            catch (IOException fault)
            {
                throw new RigException($"process {processId}: is gone: {fault.Message}", fault);
            }
        }
    }

    /// <summary>Waits until the process has done nearly nothing for a moment: until then it is still starting.</summary>
    /// <returns>Its CPU time so far.</returns>
    /// <exception cref="RigException">It never rests.</exception>
    public long WaitUntilIdle()
    {
        Stopwatch waited = Stopwatch.StartNew();
        long before = CpuNs;
        while (waited.Elapsed < IdlePatience)
        {
            Thread.Sleep(IdleTime);
            long now = CpuNs;
            if (now - before < IdleTime.TotalNanoseconds * IdleShare)
            {
                return now;
            }

            before = now;
        }

        throw new RigException(
            $"process {processId}: still busy after {IdlePatience.TotalSeconds} s although nothing was asked of it");
    }

    // The first figure is the time on a CPU; those of /proc/PID/stat are only good to 10 ms.
    private static long ThreadNs(string task) =>
        long.Parse(File.ReadAllText($"{task}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);
}
