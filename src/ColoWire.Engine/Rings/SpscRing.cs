// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace ColoWire.Engine.Rings;

/// <summary>
/// A ring between one producing and one consuming thread. The producer adds items and publishes them in batches; the consumer reads
/// them in batches. Neither waits for the other, and no instruction on either side is locked.
/// </summary>
/// <remarks>
/// Two cursors count items for ever and wrap with the integer; an index is a cursor masked. Each side keeps its own cursor in plain
/// memory and a stale copy of the other's, and looks at the other's only when the copy says full or empty: in the steady state the
/// line of a cursor moves between cores once per batch.
/// </remarks>
/// <typeparam name="T">A small value; references would be kept alive by the ring.</typeparam>
public sealed unsafe class SpscRing<T>
    where T : unmanaged
{
    private readonly T[] items;
    private readonly T* first;
    private readonly uint mask;
    private RingCursors cursors;

    /// <summary>Makes a ring.</summary>
    /// <param name="capacity">Items that it must hold; rounded up to a power of two.</param>
    public SpscRing(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        uint size = BitOperations.RoundUpToPowerOf2((uint)capacity);
        // Pinned for ever, so that an item is reached without a look at the array.
        items = GC.AllocateArray<T>((int)size, pinned: true);
        first = (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(items));
        mask = size - 1;
    }

    /// <summary>Items that fit.</summary>
    public int Capacity => items.Length;

    /// <summary>Items that were added and not taken. Asked only while neither thread runs.</summary>
    public int Count => (int)(cursors.Added - cursors.Taken);

    /// <summary>Forgets all items. Called only while neither thread runs.</summary>
    public void Clear() => cursors = default;

    /// <summary>Bytes that a ring for this many items takes.</summary>
    public static long ByteCount(int capacity) => (long)BitOperations.RoundUpToPowerOf2((uint)capacity) * Unsafe.SizeOf<T>();

    /// <summary>Producer: whether another item can be added.</summary>
    public bool HasRoom => cursors.Added - cursors.ReleasedSeen <= mask || SeesRoom(cursors.Added);

    /// <summary>
    /// Producer: adds an item, not yet visible. For a ring that by its size cannot be full (one with room for every slot): it does not
    /// look.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(T item)
    {
        Debug.Assert(HasRoom, "a ring with room for every slot cannot be full");
        Put(in item);
    }

    /// <summary>Producer: adds items as <see cref="Add(T)"/> does.</summary>
    /// <param name="batch">They stand at its front.</param>
    /// <param name="count">How many.</param>
    public void Add(T[] batch, int count)
    {
        Debug.Assert((uint)count <= (uint)batch.Length, "no more than there are");
        fixed (T* from = batch)
        {
            uint at = cursors.Added & mask;
            uint untilEnd = Math.Min((uint)count, mask + 1 - at);
            Copy(from, first + at, untilEnd);
            Copy(from + untilEnd, first, (uint)count - untilEnd);
        }

        cursors.Added += (uint)count;
        Debug.Assert(cursors.Added - Volatile.Read(ref cursors.Released) <= (uint)items.Length, "a ring with room for every slot cannot be full");
    }

    /// <summary>Producer: adds an item, not yet visible.</summary>
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
    /// <param name="batch">Filled from the front.</param>
    /// <returns>How many were taken; 0 when there was none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Read(T[] batch) => cursors.PublishedSeen == cursors.Taken && !SeesMore() ? 0 : Take(batch);

    // Plain pointers: spans of a type that the base class library does not know cost a call each until all of this is compiled for good.
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
        // Release: the copies above are done before the producer may overwrite. Partner: the acquire of Released in SeesRoom.
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
        // Acquire: an item is overwritten only after the consumer copied it. Partner: the release of Released in Take.
        cursors.ReleasedSeen = Volatile.Read(ref cursors.Released);
        return added - cursors.ReleasedSeen <= mask;
    }
}
