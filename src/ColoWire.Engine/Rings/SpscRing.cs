// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace ColoWire.Engine.Rings;

/// <summary>
/// A ring buffer between one producer thread and one consumer thread. The producer adds items and publishes them in batches; the
/// consumer reads them in batches. Neither thread waits for the other, and neither uses an atomic read-modify-write instruction.
/// </summary>
/// <remarks>
/// Two cursors count items and wrap at 2^32; an index is a masked cursor. Each side keeps its own cursor and a copy of the other
/// side's cursor, and reads the other side's cursor only when the copy indicates a full or empty ring. In the steady state the
/// cache line of a cursor therefore moves between cores once per batch.
/// </remarks>
/// <typeparam name="T">A small unmanaged value.</typeparam>
public sealed unsafe class SpscRing<T>
    where T : unmanaged
{
    private readonly T[] items;
    private readonly T* first;
    private readonly uint mask;
    private RingCursors cursors;

    /// <summary>Makes a ring.</summary>
    /// <param name="capacity">The number of items that the ring must hold; rounded up to a power of two.</param>
    public SpscRing(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        uint size = BitOperations.RoundUpToPowerOf2((uint)capacity);
        // Pinned for its lifetime, so that items are accessed by pointer without bounds checks.
        items = GC.AllocateArray<T>((int)size, pinned: true);
        first = (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(items));
        mask = size - 1;
    }

    /// <summary>The number of items that fit.</summary>
    public int Capacity => items.Length;

    /// <summary>The number of items that were added and not taken. Read only while neither thread runs.</summary>
    public int Count => (int)(cursors.Added - cursors.Taken);

    /// <summary>Removes all items. Called only while neither thread runs.</summary>
    public void Clear() => cursors = default;

    /// <summary>The size of the items of a ring of a given capacity, in bytes.</summary>
    public static long ByteCount(int capacity) => (long)BitOperations.RoundUpToPowerOf2((uint)capacity) * Unsafe.SizeOf<T>();

    /// <summary>Producer: whether another item can be added.</summary>
    public bool HasRoom => cursors.Added - cursors.ReleasedSeen <= mask || SeesRoom(cursors.Added);

    /// <summary>
    /// Producer: adds an item, not visible until <see cref="Publish"/>, without a check for room. Only for a ring that cannot be
    /// full, because its capacity is the number of all slots.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(T item)
    {
        Debug.Assert(HasRoom, "a ring with room for every slot cannot be full");
        Put(in item);
    }

    /// <summary>Producer: adds items as <see cref="Add(T)"/> does.</summary>
    /// <param name="batch">The items, from index 0.</param>
    /// <param name="count">The number of items.</param>
    public void Add(T[] batch, int count)
    {
        Debug.Assert((uint)count <= (uint)batch.Length, "the count is at most the length of the batch");
        fixed (T* from = batch)
        {
            uint at = cursors.Added & mask;
            uint untilEnd = Math.Min((uint)count, mask + 1 - at);
            Copy(from, first + at, untilEnd);
            Copy(from + untilEnd, first, (uint)count - untilEnd);
        }

        cursors.Added += (uint)count;
        Debug.Assert(cursors.Added - Volatile.Read(ref cursors.Released) <= (uint)items.Length,
            "a ring with room for every slot cannot be full");
    }

    /// <summary>Producer: adds an item, not visible until <see cref="Publish"/>.</summary>
    /// <returns>False when the ring is full.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAdd(in T item)
    {
        if (!HasRoom)
        {
            return false;
        }

        Put(in item);
        return true;
    }

    /// <summary>Producer: makes everything added visible to the consumer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Publish()
    {
        if (cursors.Added != cursors.Published)
        {
            // Release: the items above are written before the cursor. Partner: the acquire of Published in SeesMore.
            Volatile.Write(ref cursors.Published, cursors.Added);
        }
    }

    /// <summary>Consumer: takes the oldest items.</summary>
    /// <param name="batch">The taken items, filled from index 0.</param>
    /// <returns>The number of taken items; 0 when the ring is empty.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Read(T[] batch) => cursors.PublishedSeen == cursors.Taken && !SeesMore() ? 0 : Take(batch);

    // Plain pointers: until tier-1 compilation, span operations on a type from outside the base class library cost a call each.
    private int Take(T[] batch)
    {
        uint taken = cursors.Taken;
        uint count = Math.Min(cursors.PublishedSeen - taken, (uint)batch.Length);
        fixed (T* to = batch)
        {
            uint at = taken & mask;
            uint untilEnd = Math.Min(count, mask + 1 - at);
            Copy(first + at, to, untilEnd);
            Copy(first, to + untilEnd, count - untilEnd);
        }

        cursors.Taken = taken + count;
        // Release: the copies above are complete before the producer may overwrite the items. Partner: the acquire of Released in
        // SeesRoom.
        Volatile.Write(ref cursors.Released, cursors.Taken);
        return (int)count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool SeesMore()
    {
        // Acquire: the items are read after the cursor. Partner: the release of Published in Publish.
        cursors.PublishedSeen = Volatile.Read(ref cursors.Published);
        return cursors.PublishedSeen != cursors.Taken;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Put(in T item)
    {
        uint added = cursors.Added;
        first[added & mask] = item;
        cursors.Added = added + 1;
    }

    private static void Copy(T* from, T* to, uint count) =>
        Unsafe.CopyBlockUnaligned(to, from, count * (uint)sizeof(T));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool SeesRoom(uint added)
    {
        // Acquire: an item is overwritten only after the consumer has copied it. Partner: the release of Released in Take.
        cursors.ReleasedSeen = Volatile.Read(ref cursors.Released);
        return added - cursors.ReleasedSeen <= mask;
    }
}
