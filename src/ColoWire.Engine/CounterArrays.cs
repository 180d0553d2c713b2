// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Engine;

/// <summary>What the types that hold counters do with several arrays of them.</summary>
internal static class CounterArrays
{
    /// <summary>Adds numbers, one by one, to those of a sum. The thread that counts may write them meanwhile.</summary>
    public static void Add(Span<long> sum, ReadOnlySpan<long> counts)
    {
        for (int i = 0; i < sum.Length; i++)
        {
            sum[i] += counts[i];
        }
    }

    /// <summary>Adds arrays of numbers to those of a sum.</summary>
    public static void Add(long[][] sum, long[][] counts)
    {
        for (int i = 0; i < sum.Length; i++)
        {
            Add(sum[i], (ReadOnlySpan<long>)counts[i]);
        }
    }

    /// <summary>Sets all numbers to zero.</summary>
    public static void Clear(long[][] sum)
    {
        foreach (long[] counts in sum)
        {
            Array.Clear(counts);
        }
    }

    /// <summary>The numbers of all arrays, one after the other.</summary>
    public static List<long> Flatten(long[][] arrays)
    {
        List<long> numbers = [];
        foreach (long[] counts in arrays)
        {
            numbers.AddRange(counts);
        }

        return numbers;
    }
}
