// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Egress;
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

    [Test]
    public void Counts_of_several_are_as_if_one_had_counted_them_all() =>
        Gen.Select(Gen.Long[0, long.MaxValue / 2].Array[0, 100], Gen.Long[0, 100].Array[0, 100], Gen.Double[0.01, 1]).Sample((first, second, quantile) =>
        {
            HoldTimes one = new();
            HoldTimes other = new();
            HoldTimes all = new();
            Array.ForEach(first, d => one.Add(d));
            Array.ForEach(second, d => other.Add(d));
            Array.ForEach([.. first, .. second], (long d) => all.Add(d));
            HoldTimes sum = new();
            sum.Add(one);
            sum.Add(other);
            Assert.That(sum.Quantile(quantile), Is.EqualTo(all.Quantile(quantile)));
        });
}
