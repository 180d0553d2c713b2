// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Engine.Pipelines;
using ColoWire.Reports;

namespace ColoWire.Commands;

/// <summary>What all shards of a path have counted together.</summary>
internal sealed class ShardTotals(FramePath path)
{
    /// <summary>The counters of one kind, indexed by an enum.</summary>
    public delegate ReadOnlySpan<long> CountsOf(ShardCounters counters);

    /// <summary>The sum of one counter.</summary>
    public long Sum(Func<ShardCounters, long> counter)
    {
        // Asked at every scan of a replay: no enumerator, no closure.
        long sum = 0;
        for (int i = 0; i < path.Shards.Count; i++)
        {
            sum += counter(path.Shards[i].Counters);
        }

        return sum;
    }

    /// <summary>The sums of the counters of one kind that are not zero, by name.</summary>
    public List<NamedCount> Named<T>(CountsOf counters)
        where T : struct, Enum
    {
        List<NamedCount> named = [];
        foreach (T value in Enum.GetValues<T>())
        {
            int index = Convert.ToInt32(value, null);
            long sum = Sum(shard => counters(shard)[index]);
            if (sum != 0)
            {
                named.Add(new NamedCount(CounterNames.Of(value), sum));
            }
        }

        return named;
    }
}
