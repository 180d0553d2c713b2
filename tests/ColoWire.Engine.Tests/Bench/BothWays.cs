// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>Runs a case with header prediction and without: what it counts is the same.</summary>
internal static class BothWays
{
    /// <summary>Runs the case twice and compares the counters.</summary>
    /// <param name="run">The case. Its argument is whether frames may be predicted (<see cref="EngineOptions.Predicts"/>). The
    /// case itself checks which frames leave.</param>
    public static void Agree(Func<bool, ShardCounters> run) => Assert.That(run(true).ToArray(), Is.EqualTo(run(false).ToArray()));
}
