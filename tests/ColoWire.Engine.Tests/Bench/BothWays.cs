// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>Runs a case with header prediction and without: what it counts is the same.</summary>
internal static class BothWays
{
    /// <summary>Runs it.</summary>
    /// <param name="run">The case; it is told whether frames may be predicted (<see cref="EngineOptions.Predicts"/>), and checks what leaves
    /// itself.</param>
    public static void Agree(Func<bool, ShardCounters> run) => Assert.That(Numbers(run(true)), Is.EqualTo(Numbers(run(false))));

    /// <summary>All that a shard has counted.</summary>
    public static long[] Numbers(ShardCounters counters) =>
    [
        counters.Verified, counters.Held, counters.SecondaryHeld, counters.Flows, counters.FlowsEvicted, counters.SecondaryRepeated,
        counters.SecondaryReleased, counters.ReportsLost, .. counters.NotCompared.ToArray(), .. counters.Malformed.ToArray(),
        .. counters.Unverified.ToArray(), .. counters.Tolerated.ToArray(), .. counters.Drops.ToArray(), .. counters.Divergences.ToArray(),
    ];
}
