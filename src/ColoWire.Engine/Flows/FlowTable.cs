// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Flows;

/// <summary>
/// The flows of one shard: a fixed number of records in native memory, found through buckets of chained records, and threaded on a
/// list from the one seen last to the one seen longest ago.
/// </summary>
internal sealed unsafe class FlowTable : IDisposable
{
    private readonly NativeRegion flowRegion;
    private readonly NativeRegion bucketRegion;
    private readonly Flow* flows;
    private readonly uint* buckets;
    private readonly uint bucketMask;
    private uint freeList = Flow.None;
    private uint newest = Flow.None;
    private uint oldest = Flow.None;

    public FlowTable(int capacity, Action<nint, nuint>? advise = null)
    {
        Capacity = capacity;
        uint bucketCount = BucketCount(capacity);
        flowRegion = new NativeRegion((nuint)capacity * (nuint)sizeof(Flow), advise);
        bucketRegion = new NativeRegion((nuint)bucketCount * sizeof(uint), advise);
        flows = (Flow*)flowRegion.Start;
        buckets = (uint*)bucketRegion.Start;
        new Span<uint>(buckets, (int)bucketCount).Fill(Flow.None);
        bucketMask = bucketCount - 1;
    }

    public int Capacity { get; }

    public int Count { get; private set; }

    /// <summary>Records below this number have been in use: as far as a walk over all flows must go.</summary>
    public uint HighWater { get; private set; }

    public bool IsFull => Count == Capacity;

    /// <summary>The flow that was seen longest ago, or <see cref="Flow.None"/>.</summary>
    public uint Oldest => oldest;

    public ref Flow this[uint flow]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref flows[flow];
    }

    /// <summary>The number of a flow of this table.</summary>
    public uint IndexOf(ref Flow flow) => (uint)((Flow*)Unsafe.AsPointer(ref flow) - flows);

    public static long ByteCount(int capacity) => ((long)capacity * sizeof(Flow)) + ((long)BucketCount(capacity) * sizeof(uint));

    /// <summary>Finds the flow of a frame and notes that it was seen.</summary>
    /// <returns>The flow, or a null reference.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Flow Find(FrameView frame, long nowNs)
    {
        uint hash = frame.Descriptor.FlowHash;
        for (uint i = Bucket(hash); i != Flow.None; i = flows[i].NextInBucket)
        {
            Flow* flow = flows + i;
            if (flow->Key.Matches(frame))
            {
                if (nowNs - flow->SeenNs >= EngineLimits.IdleOrderGranularityNs)
                {
                    Refresh(i, nowNs);
                }

                return ref *flow;
            }
        }

        return ref Unsafe.NullRef<Flow>();
    }

    /// <summary>Finds a flow by its key, after a failure: nothing is noted, and no chain is followed farther than there are
    /// flows.</summary>
    public bool TryFind(in FlowKey key, uint hash, out uint found)
    {
        found = Bucket(hash);
        for (uint steps = 0; steps < HighWater && found < HighWater; steps++)
        {
            if (flows[found].Key.Equals(key))
            {
                return true;
            }

            found = flows[found].NextInBucket;
        }

        return false;
    }

    /// <summary>Has the memory fetched that a look-up will need: first the bucket, and once that is there, the flow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchBucket(uint hash) => Prefetch.Line(in Bucket(hash));

    /// <summary>Has the flow fetched that stands first in a bucket.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchFlow(uint hash)
    {
        uint flow = Bucket(hash);
        if (flow != Flow.None)
        {
            Prefetch.Line(in flows[flow].Key);
            Prefetch.Line(in flows[flow].Primary);
            Prefetch.Line(in flows[flow].Kept);
        }
    }

    /// <summary>Makes a flow. The table must not be full.</summary>
    public uint Add(in FlowKey key, uint hash, long nowNs)
    {
        uint i = freeList;
        if (i != Flow.None)
        {
            freeList = flows[i].NextInBucket;
        }
        else
        {
            i = HighWater++;
        }

        ref Flow flow = ref flows[i];
        flow = default;
        flow.Key = key;
        flow.Hash = hash;
        flow.SeenNs = nowNs;
        flow.Primary = FrameFifo.Empty;
        flow.Secondary = FrameQueue.Empty;
        flow.Kept = FrameFifo.Empty;
        flow.Unindexed = FrameRef.None;
        flow.LastIndexed = FrameRef.None;
        flow.LastAgreed = FrameRef.None;
        flow.LastAgreedNs = long.MinValue;
        flow.Tcp = Compare.TcpState.Fresh;
        flow.State = FlowState.Comparing;
        flow.NextInBucket = Bucket(hash);
        Bucket(hash) = i;
        LinkNewest(i);
        Count++;
        return i;
    }

    /// <summary>Forgets a flow, which must hold no frame.</summary>
    public void Remove(uint flow)
    {
        ref uint link = ref Bucket(flows[flow].Hash);
        while (link != flow)
        {
            link = ref flows[link].NextInBucket;
        }

        link = flows[flow].NextInBucket;
        Unlink(flow);
        flows[flow].State = FlowState.Free;
        flows[flow].NextInBucket = freeList;
        freeList = flow;
        Count--;
    }

    /// <summary>Makes a flow the one seen last.</summary>
    public void Refresh(uint flow, long nowNs)
    {
        flows[flow].SeenNs = nowNs;
        if (newest != flow)
        {
            Unlink(flow);
            LinkNewest(flow);
        }
    }

    public void Dispose()
    {
        flowRegion.Dispose();
        bucketRegion.Dispose();
    }

    // Half full at most: a look-up then meets 1.25 records on average.
    private static uint BucketCount(int capacity) => BitOperations.RoundUpToPowerOf2((uint)capacity * 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref uint Bucket(uint hash) => ref buckets[hash & bucketMask];

    private void LinkNewest(uint flow)
    {
        flows[flow].Older = newest;
        flows[flow].Newer = Flow.None;
        if (newest != Flow.None)
        {
            flows[newest].Newer = flow;
        }
        else
        {
            oldest = flow;
        }

        newest = flow;
    }

    private void Unlink(uint flow)
    {
        uint newer = flows[flow].Newer;
        uint older = flows[flow].Older;
        if (newer != Flow.None)
        {
            flows[newer].Older = older;
        }
        else
        {
            newest = older;
        }

        if (older != Flow.None)
        {
            flows[older].Newer = newer;
        }
        else
        {
            oldest = newer;
        }
    }
}
