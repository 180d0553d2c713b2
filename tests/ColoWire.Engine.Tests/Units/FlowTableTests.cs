// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Wire;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

public sealed class FlowTableTests
{
    private static readonly FlowHashKey Secret = FlowHashKey.FromSeed(42);

    [Test]
    public void Finds_what_was_added_and_not_what_was_removed() =>
        Gen.Select(Gen.Int[0, 40], Gen.Bool).List[1, 300].Sample(operations =>
        {
            using FlowTable table = new(64);
            using FrameBench bench = new();
            Dictionary<int, uint> model = [];
            foreach ((int port, bool add) in operations)
            {
                FlowKey key = Key(port);
                // A poor hash on purpose: chains must work.
                uint hash = (uint)port % 4;
                uint found = Find(table, bench, port, hash, 0);
                Assert.That(found, Is.EqualTo(model.GetValueOrDefault(port, Flow.None)));
                if (add && found == Flow.None)
                {
                    model[port] = table.Add(in key, hash, 0);
                }
                else if (!add && found != Flow.None)
                {
                    table.Remove(found);
                    model.Remove(port);
                }

                Assert.That(table.Count, Is.EqualTo(model.Count));
            }
        });

    [Test]
    public void A_flow_is_six_cache_lines() => Assert.That(Unsafe.SizeOf<Flow>(), Is.EqualTo(6 * EngineLimits.CacheLineBytes));

    [Test]
    public void The_oldest_is_the_one_seen_longest_ago()
    {
        using FlowTable table = new(3);
        using FrameBench bench = new();
        long now = 0;
        FlowKey[] keys = [Key(1), Key(2), Key(3)];
        uint[] flows = [.. keys.Select((k, i) => table.Add(in k, (uint)i, now += EngineLimits.IdleOrderGranularityNs))];
        Assert.That(table.IsFull, Is.True);
        Assert.That(table.Oldest, Is.EqualTo(flows[0]));
        Find(table, bench, 1, 0, now + EngineLimits.IdleOrderGranularityNs);
        Assert.That(table.Oldest, Is.EqualTo(flows[1]));
        table.Remove(flows[1]);
        Assert.That(table.Oldest, Is.EqualTo(flows[2]));
    }

    [Test]
    public void Keys_differ_in_each_thing_that_makes_a_connection_and_in_nothing_soft()
    {
        Segment one = new(1, [1]);
        Packet[] others =
        [
            one with { SourcePort = 81 }, one with { DestinationPort = 1 }, one with { Source = [10, 0, 0, 2] },
            one with { Destination = [10, 0, 0, 2] }, one with { Vlans = [5] }, one with { Vlans = [5, 6] }, one with { Vlans = [6, 5] },
            one with { Vlans = [0] }, new Datagram("x") { SourcePort = 80 }, new Other(47, [1, 2, 3, 4]),
            one with { Source = new byte[16], Destination = new byte[16] },
        ];
        FlowKey[] keys = [KeyOf(one), .. others.Select(KeyOf)];
        Assert.That(keys.Distinct().Count(), Is.EqualTo(keys.Length));
        Assert.That(keys.Select(k => k.Hash(in Secret)).Distinct().Count(), Is.EqualTo(keys.Length));
        Packet[] same = [one with { Ttl = 3 }, one with { Id = 9 }, one with { Sequence = 77 }, one with { MacSource = [6, 6, 6, 6, 6, 6] }];
        Assert.That(same.Select(KeyOf), Is.All.EqualTo(KeyOf(one)));
        Assert.That(KeyOf(one with { Vlans = [0x2005] }), Is.EqualTo(KeyOf(one with { Vlans = [5] })), "the key has no priority");
    }

    [Test]
    public void A_frame_matches_the_key_that_would_be_read_from_it_and_no_other()
    {
        Segment one = new(1, [1]);
        Packet[] packets =
        [
            one, one with { IpOptions = [1, 1, 1, 1] }, one with { SourcePort = 81 }, one with { DestinationPort = 1 },
            one with { Source = [10, 0, 0, 2] }, one with { Destination = [10, 0, 0, 2] }, one with { Vlans = [5] },
            new Datagram("x") { SourcePort = 80 }, new Other(47, [1, 2, 3, 4]), one with { Source = new byte[16], Destination = new byte[16] },
            one with { Source = [10, 0, 0, 1, .. new byte[12]], Destination = [10, 0, 0, 99, .. new byte[12]] },
        ];
        using FrameBench bench = new();
        foreach ((Packet left, Packet right) in packets.SelectMany(p => packets, (left, right) => (left, right)))
        {
            Assert.That(KeyOf(left).Matches(bench.View(right)), Is.EqualTo(KeyOf(left) == KeyOf(right)), $"{left} and {right}");
        }
    }

    [Test]
    public void The_hash_of_a_regular_frame_is_that_of_its_key() =>
        Gen.Select(Gen.Byte.Array[16], Gen.Byte.Array[16], Gen.UShort, Gen.UShort.Array[0, 2], Gen.Select(Gen.Bool, Gen.Bool), Gen.ULong).Sample(
            (source, destination, port, vlans, kind, seed) =>
            {
                (bool tcp, bool ipv6) = kind;
                Packet packet = tcp
                    ? new Segment(1, [1]) { SourcePort = port }
                    : new Datagram(new byte[20]) { DestinationPort = port };
                int addressBytes = ipv6 ? 16 : 4;
                packet = packet with { Source = source[..addressBytes], Destination = destination[..addressBytes], Vlans = vlans };
                using FrameBench bench = new();
                FrameView frame = bench.View(packet);
                Assert.That(frame.Descriptor.Layout.IsRegular);
                FlowHashKey secret = FlowHashKey.FromSeed(seed);
                Assert.That(new FlowHash(in secret).Identify(frame), Is.EqualTo(KeyOf(packet).Hash(in secret)));
                Assert.That(KeyOf(packet).Matches(frame));
            });

    [Test]
    public void The_hash_spreads_and_depends_on_its_secret()
    {
        const int Flows = 100_000;
        const int Buckets = 1024;
        FlowHashKey other = FlowHashKey.FromSeed(43);
        int[] load = new int[Buckets];
        int same = 0;
        for (int i = 0; i < Flows; i++)
        {
            FlowKey key = Key(i);
            load[key.Hash(in Secret) % Buckets]++;
            same += key.Hash(in Secret) == key.Hash(in other) ? 1 : 0;
        }

        Assert.That(load.Max(), Is.LessThan(2 * Flows / Buckets));
        Assert.That(same, Is.LessThan(5));
    }

    [Test]
    public void Scenario_79_keys_crafted_to_collide_under_one_secret_spread_under_another()
    {
        const int Flows = 100_000;
        const int BucketBits = 18;
        FlowKey[] crafted = CollidingKeys(Flows, BucketBits);
        FlowKey[] ordinary = [.. Enumerable.Range(0, Flows).Select(Key)];

        Assert.That(Visits(crafted, in Secret), Is.EqualTo((Flows + 1) / 2.0), "all keys share a bucket if the secret is known");
        FlowHashKey other = FlowHashKey.FromSeed(43);
        double usual = Visits(ordinary, in other);
        Assert.That(usual, Is.LessThan(1.5));
        Assert.That(Visits(crafted, in other), Is.LessThan(2 * usual));
    }

    /// <summary>How many records a look-up of each of these keys visits on average, in a table that holds all of them.</summary>
    private static double Visits(FlowKey[] keys, in FlowHashKey secret)
    {
        using FlowTable table = new(keys.Length);
        HashSet<uint> heads = [];
        foreach (FlowKey key in keys)
        {
            uint flow = table.Add(in key, key.Hash(in secret), 0);
            heads.Remove(table[flow].NextInBucket);
            heads.Add(flow);
        }

        long visits = 0;
        foreach (uint head in heads)
        {
            long passed = 0;
            for (uint at = head; at != Flow.None; at = table[at].NextInBucket)
            {
                visits += ++passed;
            }
        }

        return (double)visits / keys.Length;
    }

    /// <summary>
    /// Keys of IPv6 flows that all hash to one bucket under the secret of the tests. The hash is a sum: the part that a word of
    /// the destination adds is looked up in a table, so that it compensates the part that a word of the source adds.
    /// </summary>
    private static FlowKey[] CollidingKeys(int count, int bucketBits)
    {
        uint mask = (1u << bucketBits) - 1;
        uint nothing = Pair(0, 0).Hash(in Secret);
        uint[] destinationOf = new uint[mask + 1];
        for (uint word = 1; word <= mask; word++)
        {
            destinationOf[(Pair(0, word).Hash(in Secret) - nothing) & mask] = word;
        }

        List<FlowKey> keys = [];
        for (uint word = 1; keys.Count < count; word++)
        {
            FlowKey key = Pair(word, destinationOf[(0 - Pair(word, 0).Hash(in Secret)) & mask]);
            if ((key.Hash(in Secret) & mask) == 0)
            {
                keys.Add(key);
            }
        }

        return [.. keys];
    }

    private static FlowKey Pair(uint source, uint destination)
    {
        FlowKey key = default;
        key[FlowKey.AddressesWord] = source;
        key[FlowKey.AddressesWord + (Ipv6.AddressBytes / sizeof(uint))] = destination;
        return key;
    }

    private static FlowKey Key(int number) => KeyOf(Numbered(number));

    private static Segment Numbered(int number) =>
        new(1, [1]) { Source = [10, (byte)(number >> 16), (byte)(number >> 8), (byte)number] };

    private static uint Find(FlowTable table, FrameBench bench, int number, uint hash, long nowNs)
    {
        FrameView frame = bench.View(Numbered(number));
        frame.Descriptor.FlowHash = hash;
        ref Flow flow = ref table.Find(frame, nowNs);
        return Unsafe.IsNullRef(in flow) ? Flow.None : table.IndexOf(ref flow);
    }

    private static FlowKey KeyOf(Packet packet)
    {
        byte[] bytes = packet.Bytes();
        FrameParser.Parse(bytes, out FrameLayout layout);
        FlowKey.Read(bytes, in layout, out FlowKey key);
        return key;
    }
}
