// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Flows;

/// <summary>
/// The flows of one shard: a fixed number of records in native memory. A look-up goes through buckets of chained records. The
/// order of idleness links the flows from the one seen last to the one seen longest ago. A flow at the old end of that order that
/// cannot be removed is set aside on a list of its own until a frame finds it again, so that searches for a flow that can be
/// removed examine it only once.
/// </summary>
/// <remarks>Each list is a ring through a record of its own behind the flows, so that a flow is unlinked in the same way from
/// both lists.</remarks>
internal sealed unsafe class FlowTable : IDisposable
{
    // Earlier than any time of the clock, but not so early that the difference of two times overflows.
    private const long SetAsideNs = long.MinValue / 2;
    private const long PreservedNs = SetAsideNs + 1;
    private const long LongAgoNs = PreservedNs + 1;

    private readonly NativeRegion flowRegion;
    private readonly NativeRegion bucketRegion;
    private readonly NativeRegion? clientRegion;
    private readonly Flow* flows;
    private readonly ClientState* clients;
    private readonly uint* buckets;
    private readonly uint bucketMask;
    private uint freeList = Flow.None;
    private readonly uint order;
    private readonly uint aside;
    private readonly uint preserved;

    /// <summary>Makes a table.</summary>
    /// <param name="capacity">The number of flows.</param>
    /// <param name="advise">See <see cref="EngineOptions.AdviseMemory"/>.</param>
    /// <param name="hasClients">Whether each flow has a <see cref="ClientState"/>.</param>
    public FlowTable(int capacity, Action<nint, nuint>? advise = null, bool hasClients = false)
    {
        Capacity = capacity;
        uint bucketCount = BucketCount(capacity);
        flowRegion = new NativeRegion((nuint)RecordCount(capacity) * (nuint)sizeof(Flow), advise);
        bucketRegion = new NativeRegion((nuint)bucketCount * sizeof(uint), advise);
        if (hasClients)
        {
            clientRegion = new NativeRegion((nuint)capacity * (nuint)sizeof(ClientState), advise);
            clients = (ClientState*)clientRegion.Start;
        }

        flows = (Flow*)flowRegion.Start;
        buckets = (uint*)bucketRegion.Start;
        new Span<uint>(buckets, (int)bucketCount).Fill(Flow.None);
        bucketMask = bucketCount - 1;
        order = (uint)capacity;
        aside = order + 1;
        preserved = aside + 1;
        MakeEmpty(order);
        MakeEmpty(aside);
        MakeEmpty(preserved);
    }

    public int Capacity { get; }

    public int Count { get; private set; }

    /// <summary>Only records below this number have been in use: a walk over all flows ends here.</summary>
    public uint HighWater { get; private set; }

    public bool IsFull => Count == Capacity;

    /// <summary>The flow that was seen longest ago of those that are not set aside, or <see cref="Flow.None"/>.</summary>
    public uint Oldest => OldestOf(order);

    /// <summary>The flow that was set aside longest ago, or <see cref="Flow.None"/>.</summary>
    public uint OldestAside => OldestOf(aside);

    /// <summary>The flow that was preserved longest ago (<see cref="Preserve"/>), or <see cref="Flow.None"/>.</summary>
    public uint OldestPreserved => OldestOf(preserved);

    /// <summary>Whether a flow is evicted only after all idle flows without a translation (R17): clients' frames pass, and the
    /// flow has a translation.</summary>
    public bool MustPreserve(in Flow flow) => clients != null && flow.HasTranslation;

    public ref Flow this[uint flow]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref flows[flow];
    }

    /// <summary>What is known of the client's side of a flow, in a table that has it.</summary>
    public ref ClientState Client(ref Flow flow) => ref clients[IndexOf(ref flow)];

    /// <summary>The index of a flow of this table.</summary>
    public uint IndexOf(ref Flow flow) => (uint)((Flow*)Unsafe.AsPointer(ref flow) - flows);

    public static long ByteCount(int capacity, bool hasClients = false) =>
        (hasClients ? (long)capacity * sizeof(ClientState) : 0) + ((long)RecordCount(capacity) * sizeof(Flow))
            + ((long)BucketCount(capacity) * sizeof(uint));

    /// <summary>Finds the flow of a frame, and refreshes its place in the order of idleness.</summary>
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

    /// <summary>Finds the guest's flow to which a client's frame belongs. The frame does not refresh the flow's place in the
    /// order of idleness: only what the guest sends does.</summary>
    /// <returns>The flow, or a null reference.</returns>
    public ref Flow FindForClient(FrameView frame)
    {
        for (uint i = Bucket(frame.Descriptor.FlowHash); i != Flow.None; i = flows[i].NextInBucket)
        {
            if (flows[i].Key.MatchesClient(frame))
            {
                return ref flows[i];
            }
        }

        return ref Unsafe.NullRef<Flow>();
    }

    /// <summary>Finds a flow by its key. Changes nothing, and takes no more steps than there are flows, because a failure may
    /// have left a chain that has no end.</summary>
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

    /// <summary>Prefetches the bucket that a look-up reads. Once the bucket is in the cache, <see cref="PrefetchFlow"/> can
    /// follow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchBucket(uint hash) => Prefetch.Line(in Bucket(hash));

    /// <summary>Prefetches the cache lines of the first flow of a bucket that a predicted frame reads.</summary>
    /// <param name="hash">The hash of the frame's flow.</param>
    /// <param name="isStream">Whether the frame is a TCP segment, whose comparison reads more of its flow.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchFlow(uint hash, bool isStream)
    {
        uint flow = Bucket(hash);
        if (flow == Flow.None)
        {
            return;
        }

        Prefetch.Line(in flows[flow].Key);
        Prefetch.Line(in flows[flow].Primary);
        if (isStream)
        {
            Prefetch.Line(in flows[flow].Cached);
        }
    }

    /// <summary>Adds a flow. The table must not be full.</summary>
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
        if (clients != null)
        {
            clients[i] = default;
        }

        flow.Key = key;
        flow.Hash = hash;
        flow.SeenNs = nowNs;
        flow.Primary = FrameFifo.Empty;
        flow.Secondary = FrameQueue.Empty;
        flow.Cached = FrameFifo.Empty;
        flow.RetransmitIndex = RetransmitIndexState.None;
        if (flow.IsStream)
        {
            flow.Tcp = TcpState.Fresh;
        }
        else
        {
            flow.Datagrams = DatagramState.Fresh;
        }

        flow.State = FlowState.Comparing;
        flow.NextInBucket = Bucket(hash);
        Bucket(hash) = i;
        LinkNewest(order, i);
        Count++;
        return i;
    }

    /// <summary>Removes a flow, which must hold no frame.</summary>
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
        if (flows[order].Older != flow)
        {
            Unlink(flow);
            LinkNewest(order, flow);
        }
    }

    /// <summary>Moves a flow that cannot be removed now out of the order of idleness, so that searches for a flow that can be
    /// removed do not examine it. The next frame that finds the flow makes it the one seen last.</summary>
    public void SetAside(uint flow)
    {
        flows[flow].SeenNs = SetAsideNs;
        Unlink(flow);
        LinkNewest(aside, flow);
    }

    /// <summary>Moves an idle flow with a translation to a list of its own, which searches for a flow that can be removed reach
    /// after all others. The next frame that finds the flow makes it the one seen last.</summary>
    public void Preserve(uint flow)
    {
        flows[flow].SeenNs = PreservedNs;
        Unlink(flow);
        LinkNewest(preserved, flow);
    }

    /// <summary>Makes an idle flow that is set aside the one seen longest ago, or preserves it when it has a translation; any
    /// other flow stays where it is.</summary>
    public void Readmit(uint flow)
    {
        bool mustPreserve = MustPreserve(in flows[flow]);
        if (flows[flow].SeenNs == SetAsideNs && mustPreserve)
        {
            Preserve(flow);
        }
        else if (!mustPreserve && flows[flow].SeenNs is (SetAsideNs or PreservedNs))
        {
            flows[flow].SeenNs = LongAgoNs;
            Unlink(flow);
            Join(flow, flows[order].Newer);
            Join(order, flow);
        }
    }

    /// <summary>Moves all flows that are set aside or preserved back into the order of idleness, as those seen longest
    /// ago.</summary>
    public void Readmit()
    {
        ReadmitAll(preserved);
        ReadmitAll(aside);
    }

    private void ReadmitAll(uint ring)
    {
        uint oldest = flows[ring].Newer;
        uint newest = flows[ring].Older;
        if (oldest != ring)
        {
            Join(newest, flows[order].Newer);
            Join(order, oldest);
            MakeEmpty(ring);
        }
    }

    /// <summary>Discards the timestamps of a flow, where they are kept: both replicas use the same from now on, or the offset is
    /// not known.</summary>
    public void ForgetTimestamps(ref Flow flow)
    {
        if (clients != null)
        {
            Client(ref flow).Flags &= ~ClientFlags.Timestamps;
        }
    }

    public void Dispose()
    {
        flowRegion.Dispose();
        bucketRegion.Dispose();
        clientRegion?.Dispose();
    }

    // At most half full: a look-up then examines 1.25 records on average.
    private static uint BucketCount(int capacity) => BitOperations.RoundUpToPowerOf2((uint)capacity * 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref uint Bucket(uint hash) => ref buckets[hash & bucketMask];

    private static int RecordCount(int capacity) => capacity + 3;

    private uint OldestOf(uint ring) => flows[ring].Newer == ring ? Flow.None : flows[ring].Newer;

    private void MakeEmpty(uint ring) => Join(ring, ring);

    private void LinkNewest(uint ring, uint flow)
    {
        Join(flows[ring].Older, flow);
        Join(flow, ring);
    }

    private void Unlink(uint flow) => Join(flows[flow].Older, flows[flow].Newer);

    private void Join(uint older, uint newer)
    {
        flows[older].Newer = newer;
        flows[newer].Older = older;
    }
}
