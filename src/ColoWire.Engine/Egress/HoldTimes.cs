// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;
using System.Threading;

namespace ColoWire.Engine.Egress;

/// <summary>
/// A histogram of durations with a relative error of at most 1/8: eight equal steps within each power of two. One thread writes
/// it, any thread may read it.
/// </summary>
public sealed class HoldTimes
{
    private const int StepBits = 3;
    private const int Steps = 1 << StepBits;

    private readonly long[] counts = new long[(64 - StepBits + 1) * Steps];

    /// <summary>Counts a duration.</summary>
    /// <param name="durationNs">The duration in nanoseconds; a negative duration counts as 0.</param>
    /// <param name="times">How many times to count it.</param>
    public void Add(long durationNs, int times = 1)
    {
        ulong value = durationNs < 0 ? 0 : (ulong)durationNs;
        counts[IndexOf(value)] += times;
    }

    /// <summary>Adds the counts of another histogram.</summary>
    public void Add(HoldTimes other)
    {
        for (int i = 0; i < counts.Length; i++)
        {
            counts[i] += Volatile.Read(ref other.counts[i]);
        }
    }

    /// <summary>Resets all counts. Only for a histogram that sums up others: the histogram of a duty is never reset.</summary>
    public void Clear() => Array.Clear(counts);

    /// <summary>Returns the duration in nanoseconds that a given share of all durations does not exceed.</summary>
    /// <param name="quantile">Between 0 and 1: 0.5 is the median.</param>
    /// <returns>The upper end of the quantile's step; 0 when nothing was counted.</returns>
    public long Quantile(double quantile)
    {
        long total = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            total += Volatile.Read(ref counts[i]);
        }

        long rank = Math.Max(1, (long)Math.Ceiling(total * quantile));
        for (int i = 0; i < counts.Length && total != 0; i++)
        {
            rank -= Volatile.Read(ref counts[i]);
            if (rank <= 0)
            {
                return UpperEnd(i);
            }
        }

        return 0;
    }

    // Each value below 8 has its own step; above, the three bits after the leading one select the step.
    private static int IndexOf(ulong value)
    {
        if (value < Steps)
        {
            return (int)value;
        }

        int exponent = BitOperations.Log2(value);
        int step = (int)(value >> (exponent - StepBits)) & (Steps - 1);
        return ((exponent - StepBits + 1) << StepBits) + step;
    }

    private static long UpperEnd(int index)
    {
        if (index < Steps)
        {
            return index;
        }

        int exponent = (index >> StepBits) + StepBits - 1;
        long step = index & (Steps - 1);
        return ((Steps + step + 1) << (exponent - StepBits)) - 1;
    }
}
