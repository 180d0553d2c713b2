// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Numerics;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Hash index that finds a datagram of one side by its content in O(1). Each bucket chains its frames through their descriptors,
/// in the order in which they were added. The datagram comparer has an index for the held datagrams of each side that did not
/// arrive in the expected order. The retransmit cache has one for verified datagrams, which the guest may repeat
/// (<c>dup: pass</c>).
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
        // A client chooses the bytes that guests echo. Because it does not know the secret, it cannot choose bytes whose hashes
        // collide.
        secret = hashKey[0];
        multiplier = hashKey[1] | 1;
    }

    public static long ByteCount(int slotsPerSide) => (long)BucketCount(slotsPerSide) * sizeof(uint);

    /// <summary>Hashes the compared parts of a datagram, together with the hash of its flow.</summary>
    public uint Hash(uint flowHash, ReadOnlySpan<byte> payload, in ComparedParts parts)
    {
        ulong hash = secret ^ flowHash;
        for (int i = 0; i < parts.Count; i++)
        {
            hash = Mix(hash, payload[parts[i]]);
        }

        return (uint)(hash >> 32);
    }

    /// <summary>Hashes bytes, together with the hash of their flow.</summary>
    public uint Hash(uint flowHash, ReadOnlySpan<byte> bytes) => (uint)(Mix(secret ^ flowHash, bytes) >> 32);

    /// <summary>Adds a frame at the end of its bucket. <see cref="HeldDatagram.ContentHash"/> must be set.</summary>
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

        // The first frame of a bucket links back to the last one, so that no walk to the end is needed.
        FrameRef last = arena[bucket].Datagram.PreviousInBucket;
        arena[last].Datagram.NextInBucket = datagram;
        frame.Datagram.PreviousInBucket = last;
        arena[bucket].Datagram.PreviousInBucket = datagram;
    }

    /// <summary>Removes a frame, if the index has it.</summary>
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

    /// <summary>The first frame of the bucket for a hash; <see cref="HeldDatagram.NextInBucket"/> links each frame to the next
    /// one. Frames with other hashes may be in the same bucket.</summary>
    public FrameRef First(uint hash) => Bucket(hash);

    // As many buckets as frames can be in the index: a look-up then examines 1.5 frames on average.
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
