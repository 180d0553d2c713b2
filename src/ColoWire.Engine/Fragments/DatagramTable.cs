// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Fragments;

/// <summary>
/// The datagrams of one side whose fragments come in: a fixed number of records, found through buckets of chained records, and
/// threaded on two lists by age, those that are put together and those that were given up. The time that each list allows is the same
/// for all of it, so that the oldest is always the next to run out.
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

    /// <summary>Of those that are put together, the one that began first, or <see cref="PartialDatagram.None"/>.</summary>
    public int OldestAssembling => assembling.Oldest;

    /// <summary>The one that was given up first, or <see cref="PartialDatagram.None"/>.</summary>
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

    /// <summary>Makes a record. The table must not be full.</summary>
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

    /// <summary>Notes that a datagram is not put together any more; its time runs anew.</summary>
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

    // Half full at most, as the flows' table.
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
