// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Numerics;
using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>Binds threads to processors (sched_setaffinity(2)).</summary>
public static unsafe class CpuAffinity
{
    /// <summary>Processors that a mask has room for: the most that a kernel for x86-64 is built for (CONFIG_NR_CPUS of MAXSMP).</summary>
    public const int MaxCpus = 8192;

    private const int MaskWords = MaxCpus / 64;

    /// <summary>The numbers of the processors that the calling thread may run on, in rising order.</summary>
    public static IReadOnlyList<int> AllowedCpus()
    {
        ulong* mask = stackalloc ulong[MaskWords];
        if (Libc.GetAffinity(0, MaskWords * sizeof(ulong), mask) < 0)
        {
            throw new PortException($"cannot learn the allowed processors: {Marshal.GetLastPInvokeErrorMessage()}");
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

    /// <summary>Binds the calling thread to one processor.</summary>
    /// <exception cref="PortException">The thread may not run there.</exception>
    public static void Pin(int cpu)
    {
        ulong* mask = stackalloc ulong[MaskWords];
        bool known = cpu is >= 0 and < MaxCpus;
        if (known)
        {
            mask[cpu / 64] = 1UL << (cpu % 64);
        }

        if (!known || Libc.SetAffinity(0, MaskWords * sizeof(ulong), mask) < 0)
        {
            throw new PortException($"cannot run on processor {cpu}; allowed are {string.Join(", ", AllowedCpus())}");
        }
    }
}
