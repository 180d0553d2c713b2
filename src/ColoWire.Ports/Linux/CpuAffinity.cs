// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Numerics;
using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>Binds threads to processors (sched_setaffinity(2)).</summary>
public static unsafe class CpuAffinity
{
    /// <summary>Processors that a mask has room for: the most that a kernel for x86-64 is built for (CONFIG_NR_CPUS of
    /// MAXSMP).</summary>
    public const int MaxCpus = 8192;

    private const int MaskWords = MaxCpus / 64;

    /// <summary>The numbers of the processors that the calling thread may run on, in ascending order.</summary>
    /// <exception cref="PortException">The kernel refuses to say.</exception>
    public static IReadOnlyList<int> AllowedCpus() => TryRead(0)
        ?? throw new PortException($"cannot read the allowed processors: {Marshal.GetLastPInvokeErrorMessage()}");

    /// <summary>Binds the calling thread to one processor.</summary>
    /// <exception cref="PortException">The thread may not run there.</exception>
    public static void Pin(int cpu)
    {
        if (cpu is < 0 or >= MaxCpus || !TryBind(0, [cpu]))
        {
            throw new PortException($"cannot run on processor {cpu}; allowed are {string.Join(", ", AllowedCpus())}");
        }
    }

    /// <summary>
    /// Keeps all threads that the process has so far, the runtime's own among them, off some processors: a compiler or timer
    /// thread on the processor of a pinned thread preempts it for milliseconds. A thread that may run on no other processor
    /// stays.
    /// </summary>
    /// <param name="cpus">The processors to keep free.</param>
    public static void KeepFree(IReadOnlyCollection<int> cpus)
    {
        foreach (string path in Directory.EnumerateDirectories("/proc/self/task"))
        {
            int threadId = int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture);
            int[] others = [.. (TryRead(threadId) ?? []).Except(cpus)];
            if (others.Length != 0)
            {
                // It fails for a thread that has ended meanwhile, which needs no processor.
                _ = TryBind(threadId, others);
            }
        }
    }

    private static List<int>? TryRead(int threadId)
    {
        ulong* mask = stackalloc ulong[MaskWords];
        if (Libc.GetAffinity(threadId, MaskWords * sizeof(ulong), mask) < 0)
        {
            return null;
        }

        List<int> cpus = [];
        for (int word = 0; word < MaskWords; word++)
        {
            for (ulong left = mask[word]; left != 0; left &= left - 1)
            {
                cpus.Add((word * 64) + BitOperations.TrailingZeroCount(left));
            }
        }

        return cpus;
    }

    private static bool TryBind(int threadId, ReadOnlySpan<int> cpus)
    {
        ulong* mask = stackalloc ulong[MaskWords];
        foreach (int cpu in cpus)
        {
            mask[cpu / 64] |= 1UL << (cpu % 64);
        }

        return Libc.SetAffinity(threadId, MaskWords * sizeof(ulong), mask) >= 0;
    }
}
