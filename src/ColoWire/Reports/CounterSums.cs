// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Reports;

/// <summary>Counters of one kind, indexed by an enum, of several counting places together. It is made once and filled again and again.</summary>
internal sealed class CounterSums<T>
    where T : struct, Enum
{
    private readonly long[] sums = new long[CounterNames.All<T>().Count];
    private readonly List<NamedCount> named = new(CounterNames.All<T>().Count);

    /// <summary>Those that are not zero, by name, as of the last <see cref="Name"/>.</summary>
    public IReadOnlyList<NamedCount> Named => named;

    /// <summary>Begins anew.</summary>
    public void Clear() => Array.Clear(sums);

    /// <summary>Adds what one place has counted.</summary>
    public void Add(ReadOnlySpan<long> counts)
    {
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] += counts[i];
        }
    }

    /// <summary>Makes the list of those that are not zero.</summary>
    public void Name()
    {
        IReadOnlyList<string> names = CounterNames.All<T>();
        named.Clear();
        for (int i = 0; i < sums.Length; i++)
        {
            if (sums[i] != 0)
            {
                named.Add(new NamedCount(names[i], sums[i]));
            }
        }
    }
}
