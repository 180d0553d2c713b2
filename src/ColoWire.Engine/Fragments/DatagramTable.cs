// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Fragments;

/// <summary>
/// The table of one side's fragmented datagrams: a fixed number of records, found by hash in chained buckets, and linked in two
/// lists by age: datagrams in reassembly and datagrams that were given up. All datagrams of a list have the same timeout, so the
/// oldest always expires first.
/// </summary>
internal sealed class DatagramTable
{
    private readonly PartialDatagram[] datagrams;
    private readonly int[] buckets;
    private readonly uint bucketMask;
    private AgeList assembling = AgeList.Empty;
    private AgeList givenUp = AgeList.Empty;
    private int free;

    public DatagramTable(int capacity)
    {
        datagrams = new PartialDatagram[capacity];
        buckets = new int[BucketCount(capacity)];
        buckets.AsSpan().Fill(PartialDatagram.None);
        bucketMask = (uint)buckets.Length - 1;
        for (int i = 0; i < capacity; i++)
        {
            datagrams[i].NextInBucket = i + 1 == capacity ? PartialDatagram.None : i + 1;
        }
    }

    public bool IsFull => free == PartialDatagram.None;

    /// <summary>The oldest datagram in reassembly, or <see cref="PartialDatagram.None"/>.</summary>
    public int OldestAssembling => assembling.Oldest;

    /// <summary>The datagram that was given up first, or <see cref="PartialDatagram.None"/>.</summary>
    public int OldestGivenUp => givenUp.Oldest;

    public ref PartialDatagram this[int datagram] => ref datagrams[datagram];

    public static long ByteCount(int capacity) =>
        ((long)capacity * Unsafe.SizeOf<PartialDatagram>()) + ((long)BucketCount(capacity) * sizeof(int));

    public int Find(in FlowKey key, uint hash)
    {
        int i = buckets[hash & bucketMask];
        while (i != PartialDatagram.None && !(datagrams[i].Hash == hash && datagrams[i].Key.Equals(key)))
        {
            i = datagrams[i].NextInBucket;
        }

        return i;
    }

    /// <summary>Adds a record. The table must not be full.</summary>
    public int Add(in FlowKey key, uint hash, in PartialDatagram begun)
    {
        int i = free;
        ref PartialDatagram datagram = ref datagrams[i];
        free = datagram.NextInBucket;
        datagram = begun;
        datagram.Key = key;
        datagram.Hash = hash;
        datagram.NextInBucket = buckets[hash & bucketMask];
        buckets[hash & bucketMask] = i;
        assembling.Append(datagrams, i);
        return i;
    }

    /// <summary>Marks a datagram as given up and restarts its timeout.</summary>
    public void GiveUp(int datagram, long nowNs)
    {
        assembling.Remove(datagrams, datagram);
        datagrams[datagram].IsGivenUp = true;
        datagrams[datagram].SinceNs = nowNs;
        givenUp.Append(datagrams, datagram);
    }

    public void Remove(int datagram)
    {
        ref int link = ref buckets[datagrams[datagram].Hash & bucketMask];
        while (link != datagram)
        {
            link = ref datagrams[link].NextInBucket;
        }

        link = datagrams[datagram].NextInBucket;
        (datagrams[datagram].IsGivenUp ? ref givenUp : ref assembling).Remove(datagrams, datagram);
        datagrams[datagram].NextInBucket = free;
        free = datagram;
    }

    // Twice as many buckets as records, as in the flow table, so that chains stay short.
    private static int BucketCount(int capacity) => (int)BitOperations.RoundUpToPowerOf2((uint)capacity * 2);

    private struct AgeList
    {
        public int Oldest;
        private int newest;

        public static AgeList Empty => new() { Oldest = PartialDatagram.None, newest = PartialDatagram.None };

        public void Append(PartialDatagram[] datagrams, int datagram)
        {
            datagrams[datagram].Newer = PartialDatagram.None;
            Join(datagrams, newest, datagram);
            newest = datagram;
        }

        public void Remove(PartialDatagram[] datagrams, int datagram) =>
            Join(datagrams, datagrams[datagram].Older, datagrams[datagram].Newer);

        private void Join(PartialDatagram[] datagrams, int older, int newer)
        {
            if (older == PartialDatagram.None)
            {
                Oldest = newer;
            }
            else
            {
                datagrams[older].Newer = newer;
            }

            if (newer == PartialDatagram.None)
            {
                newest = older;
            }
            else
            {
                datagrams[newer].Older = older;
            }
        }
    }
}
