// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>Runs a case with header prediction and without it, and checks that both runs end with the same counters.</summary>
internal static class BothWays
{
    /// <summary>Runs the case twice and compares the counters.</summary>
    /// <param name="run">The case. Its argument is whether frames may be predicted (<see cref="EngineOptions.Predicts"/>). The
    /// case itself checks which frames leave.</param>
    public static void Agree(Func<bool, ShardCounters> run) => Assert.That(Numbers(run(true)), Is.EqualTo(Numbers(run(false))));

    /// <summary>All counters of a shard, as numbers.</summary>
    public static long[] Numbers(ShardCounters counters) =>
    [
        counters.Verified, counters.Held, counters.SecondaryHeld, counters.Flows, counters.FlowsEvicted, counters.SecondaryRepeated,
        counters.SecondaryReleased, counters.ReportsLost, .. counters.NotCompared.ToArray(), .. counters.Malformed.ToArray(),
        .. counters.Unverified.ToArray(), .. counters.Tolerated.ToArray(), .. counters.Drops.ToArray(), .. counters.Divergences.ToArray(),
    ];
}
