// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine.Rings;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

public sealed class SpscRingTests
{
    [Test]
    public void What_is_added_is_seen_only_after_publish_and_in_order()
    {
        SpscRing<int> ring = new(4);
        int[] batch = new int[8];
        ring.Add(1);
        ring.Add(2);
        Assert.That(ring.Read(batch), Is.Zero);
        ring.Publish();
        Assert.That(ring.Read(batch), Is.EqualTo(2));
        Assert.That(batch[..2], Is.EqualTo(new[] { 1, 2 }));
    }

    [TestCase(1, 1)]
    [TestCase(5, 8)]
    [TestCase(64, 64)]
    public void Capacity_is_rounded_up_and_a_full_ring_refuses(int asked, int capacity)
    {
        SpscRing<int> ring = new(asked);
        Assert.That(ring.Capacity, Is.EqualTo(capacity));
        for (int i = 0; i < capacity; i++)
        {
            Assert.That(ring.TryAdd(i), Is.True);
        }

        Assert.That(ring.TryAdd(99), Is.False);
        ring.Publish();
        Assert.That(ring.Read(new int[1]), Is.EqualTo(1));
        Assert.That(ring.TryAdd(99), Is.True);
    }

    [TestCase(16, 3)]
    [TestCase(1024, 64)]
    public void Two_threads_hand_over_every_item_once_and_in_order(int capacity, int batchSize)
    {
        const int Items = 2_000_000;
        SpscRing<int> ring = new(capacity);
        Thread producer = new(() =>
        {
            for (int i = 0; i < Items;)
            {
                if (ring.TryAdd(i))
                {
                    i++;
                }
                else
                {
                    ring.Publish();
                    Thread.Yield();
                }

                if (i % batchSize == 0)
                {
                    ring.Publish();
                }
            }

            ring.Publish();
        });
        producer.Start();
        int[] batch = new int[batchSize];
        int expected = 0;
        while (expected < Items)
        {
            int count = ring.Read(batch);
            for (int i = 0; i < count; i++)
            {
                if (batch[i] != expected++)
                {
                    Assert.Fail($"item {batch[i]} instead of {expected - 1}");
                }
            }

            if (count == 0)
            {
                Thread.Yield();
            }
        }

        Assert.That(producer.Join(TimeSpan.FromSeconds(10)), Is.True);
        Assert.That(ring.Read(batch), Is.Zero);
    }
}
