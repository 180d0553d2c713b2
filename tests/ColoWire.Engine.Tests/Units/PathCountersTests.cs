// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using System.Reflection;
using ColoWire.Engine.Fragments;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

internal sealed class PathCountersTests
{
    private static readonly PropertyInfo[] ShardNumbers =
        [.. typeof(ShardCounters).GetProperties().Where(property => property.PropertyType == typeof(long))];

    [TestCaseSource(nameof(ShardNumbers))]
    public void Each_single_number_of_a_shard_is_added_listed_and_cleared(PropertyInfo number)
    {
        ShardCounters counters = new();
        number.SetValue(counters, 3L);
        ShardCounters sum = new();
        sum.Add(counters);
        sum.Add(counters);
        Assert.That(number.GetValue(sum), Is.EqualTo(6));
        Assert.That(sum.ToArray().Where(n => n != 0), Is.EqualTo(new[] { 6 }));
        sum.Clear();
        Assert.That(sum.ToArray(), Has.All.Zero);
    }

    [Test]
    public void Each_number_by_reason_of_a_shard_is_added_listed_and_cleared()
    {
        ShardCounters counters = new();
        counters.Count(NotComparedReason.Arp, 1);
        counters.Count(MalformedKind.EthernetShort, 2);
        counters.Count(UnverifiedReason.Order, 3);
        counters.Count(ToleratedField.Ttl);
        counters.Count(DropReason.SecondaryStale, 5);
        counters.Count(DivergenceReason.Payload);
        ShardCounters sum = new();
        sum.Add(counters);
        sum.Add(counters);
        Assert.That(sum.ToArray().Where(n => n != 0), Is.EqualTo(new[] { 2, 4, 6, 2, 10, 2 }));
        Assert.That(sum.Unverified[(int)UnverifiedReason.Order], Is.EqualTo(6));
        sum.Clear();
        Assert.That(sum.ToArray(), Has.All.Zero);
    }

    [Test]
    public void Each_number_of_a_reassembly_is_added_listed_and_cleared()
    {
        ReassemblyCounters counters = new() { Waiting = 1 };
        counters.Count(DatagramOutcome.TimedOut);
        counters.Count(DropReason.SecondaryFragment, 3);
        ReassemblyCounters sum = new();
        sum.Add(counters);
        sum.Add(counters);
        Assert.That(sum.ToArray().Where(n => n != 0), Is.EqualTo(new[] { 2, 2, 6 }));
        Assert.That(sum.Waiting, Is.EqualTo(2));
        sum.Clear();
        Assert.That(sum.ToArray(), Has.All.Zero);
    }
}
