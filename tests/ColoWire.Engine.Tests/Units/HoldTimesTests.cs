// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

public sealed class HoldTimesTests
{
    [Test]
    public void A_quantile_is_the_exact_one_or_at_most_an_eighth_more() =>
        Gen.Select(Gen.Long[0, long.MaxValue / 2].Array[1, 200], Gen.Double[0.01, 1]).Sample((durations, quantile) =>
        {
            HoldTimes times = new();
            Array.ForEach(durations, d => times.Add(d));
            long exact = durations.Order().ElementAt((int)Math.Ceiling(durations.Length * quantile) - 1);
            Assert.That(times.Quantile(quantile), Is.InRange(exact, exact + (exact / 8)));
        });

    [Test]
    public void Nothing_counted_is_0_and_a_negative_duration_counts_as_0()
    {
        HoldTimes times = new();
        Assert.That(times.Quantile(0.5), Is.Zero);
        times.Add(-5);
        Assert.That(times.Quantile(1), Is.Zero);
    }
}
