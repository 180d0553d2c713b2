// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Numerics;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Finds a datagram of one side by its content in O(1): buckets of frames chained through their descriptors, those that came first in
/// front. Two have those that wait and did not come in the expected order, another one those that are kept because the guest may repeat
/// them (<c>dup: pass</c>).
/// </summary>
internal sealed class ContentIndex
{
    private readonly FrameArena arena;
    private readonly FrameRef[] buckets;
    private readonly ulong secret;
    private readonly ulong multiplier;

    public ContentIndex(FrameArena arena, in FlowHashKey hashKey)
    {
        this.arena = arena;
        buckets = new FrameRef[BucketCount(arena.SlotsPerSide)];
        buckets.AsSpan().Fill(FrameRef.None);
        // A client that chooses what guests echo must not be able to choose what collides.
        secret = hashKey[0];
        multiplier = hashKey[1] | 1;
    }

    public static long ByteCount(int slotsPerSide) => (long)BucketCount(slotsPerSide) * sizeof(uint);

    /// <summary>The hash of a datagram's compared parts within its flow.</summary>
    public uint Hash(uint flowHash, ReadOnlySpan<byte> payload, in ComparedParts parts)
    {
        ulong hash = secret ^ flowHash;
        for (int i = 0; i < parts.Count; i++)
        {
            hash = Mix(hash, payload[parts[i]]);
        }

        return (uint)(hash >> 32);
    }

    /// <summary>The hash of bytes within their flow.</summary>
    public uint Hash(uint flowHash, ReadOnlySpan<byte> bytes) => (uint)(Mix(secret ^ flowHash, bytes) >> 32);

    /// <summary>Adds a frame whose <see cref="HeldDatagram.ContentHash"/> is set, behind those of the same hash.</summary>
    public void Add(FrameRef datagram)
    {
        ref Frame frame = ref arena[datagram];
        ref FrameRef bucket = ref Bucket(frame.Datagram.ContentHash);
        frame.Marks |= FrameMarks.Hashed;
        frame.Datagram.NextInBucket = FrameRef.None;
        if (bucket.IsNone)
        {
            bucket = datagram;
            frame.Datagram.PreviousInBucket = datagram;
            return;
        }

        // The first of a bucket has the last one before it: no search for the end.
        FrameRef last = arena[bucket].Datagram.PreviousInBucket;
        arena[last].Datagram.NextInBucket = datagram;
        frame.Datagram.PreviousInBucket = last;
        arena[bucket].Datagram.PreviousInBucket = datagram;
    }

    /// <summary>Takes a frame out, if it was in.</summary>
    public void Remove(FrameRef datagram)
    {
        ref Frame frame = ref arena[datagram];
        if ((frame.Marks & FrameMarks.Hashed) == 0)
        {
            return;
        }

        frame.Marks &= ~FrameMarks.Hashed;
        ref FrameRef bucket = ref Bucket(frame.Datagram.ContentHash);
        if (bucket == datagram)
        {
            bucket = frame.Datagram.NextInBucket;
        }
        else
        {
            arena[frame.Datagram.PreviousInBucket].Datagram.NextInBucket = frame.Datagram.NextInBucket;
        }

        FrameRef behind = frame.Datagram.NextInBucket.IsNone ? bucket : frame.Datagram.NextInBucket;
        if (!behind.IsNone)
        {
            arena[behind].Datagram.PreviousInBucket = frame.Datagram.PreviousInBucket;
        }
    }

    /// <summary>The first frame that could be one with this hash; the others follow by <see cref="HeldDatagram.NextInBucket"/>.</summary>
    public FrameRef First(uint hash) => Bucket(hash);

    // As many buckets as frames can be in it: a look-up then meets 1.5 frames on average.
    private static int BucketCount(int slotsPerSide) => (int)BitOperations.RoundUpToPowerOf2((uint)slotsPerSide);

    private ref FrameRef Bucket(uint hash) => ref buckets[hash & (uint)(buckets.Length - 1)];

    private ulong Mix(ulong hash, ReadOnlySpan<byte> rest)
    {
        for (; rest.Length >= sizeof(ulong); rest = rest[sizeof(ulong)..])
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(rest));
        }

        ulong tail = (ulong)rest.Length << 56;
        for (int at = 0; at < rest.Length; at++)
        {
            tail |= (ulong)rest[at] << (at * 8);
        }

        return Mix(hash ^ tail);
    }

    private ulong Mix(ulong word)
    {
        ulong high = Math.BigMul(word, multiplier, out ulong low);
        return high ^ low;
    }
}
