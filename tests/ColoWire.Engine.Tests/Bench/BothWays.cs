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
    public static void Agree(Func<bool, ShardCounters> run) => Assert.That(run(true).ToArray(), Is.EqualTo(run(false).ToArray()));
}
