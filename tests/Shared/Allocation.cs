// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Tests.Shared;

/// <summary>Measures what code allocates on this thread.</summary>
internal static class Allocation
{
    private const int Runs = 5;

    /// <summary>
    /// The least bytes of several runs. One run can be charged for what it did not allocate: a collection that another thread
    /// starts retires this thread's allocation context, and counts its unused rest. Whatever costs a byte per frame costs it in
    /// every run.
    /// </summary>
    public static long LeastBytes(Action run)
    {
        long least = long.MaxValue;
        for (int i = 0; i < Runs; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            run();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
