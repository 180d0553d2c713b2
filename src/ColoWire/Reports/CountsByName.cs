// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Reports;

/// <summary>Counters of one kind by the names that reports give them, without those that are zero. It is filled again and again,
/// which allocates nothing once it has been filled.</summary>
internal sealed class CountsByName : OrderedDictionary<string, long>
{
    /// <summary>The sum of all.</summary>
    public long Total
    {
        get
        {
            long total = 0;
            foreach (KeyValuePair<string, long> count in this)
            {
                total += count.Value;
            }

            return total;
        }
    }

    /// <summary>Makes one of counters that an enum indexes.</summary>
    public static CountsByName Of<T>(ReadOnlySpan<long> counts)
        where T : struct, Enum
    {
        CountsByName named = [];
        named.Add<T>(counts);
        return named;
    }

    /// <summary>Forgets what it held, and takes counters that an enum indexes.</summary>
    public void Fill<T>(ReadOnlySpan<long> counts)
        where T : struct, Enum
    {
        Clear();
        Add<T>(counts);
    }

    /// <summary>Adds counters that an enum indexes to those of the same names.</summary>
    public void Add<T>(ReadOnlySpan<long> counts)
        where T : struct, Enum
    {
        IReadOnlyList<string> names = CounterNames.All<T>();
        for (int i = 0; i < counts.Length; i++)
        {
            AddUnlessZero(names[i], counts[i]);
        }
    }

    /// <summary>The number of a name, 0 where it is not there.</summary>
    public long Of(string name) => TryGetValue(name, out long count) ? count : 0;

    /// <summary>Adds a number to the one of its name; 0 adds no name.</summary>
    public void AddUnlessZero(string name, long count)
    {
        if (count != 0)
        {
            this[name] = Of(name) + count;
        }
    }
}
