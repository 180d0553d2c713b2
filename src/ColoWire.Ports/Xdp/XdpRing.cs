// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Threading;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// One of the four rings that a socket shares with the kernel: two counters that wrap with the integer, flags, and a power of two of
/// entries. Who produces and who consumes differs from ring to ring, so each has only one of the two halves below.
/// </summary>
/// <typeparam name="T">An address in the UMEM, or a descriptor of a frame.</typeparam>
internal unsafe struct MappedRing<T>
    where T : unmanaged
{
    private readonly nuint byteCount;
    private byte* memory;

    /// <summary>Maps a ring of a socket.</summary>
    public MappedRing(int socket, long page, in XdpAbi.RingOffsets offsets, uint entries)
    {
        byteCount = (nuint)offsets.Entries + (entries * (nuint)sizeof(T));
        memory = XdpAbi.Map(socket, page, byteCount);
        Producer = (uint*)(memory + offsets.Producer);
        Consumer = (uint*)(memory + offsets.Consumer);
        Flags = (uint*)(memory + offsets.Flags);
        Entries = (T*)(memory + offsets.Entries);
        Mask = entries - 1;
    }

    /// <summary>Whether it could be mapped.</summary>
    public readonly bool IsMapped => memory != null;

    public readonly uint* Producer { get; }

    public readonly uint* Consumer { get; }

    public readonly uint* Flags { get; }

    public readonly T* Entries { get; }

    public readonly uint Mask { get; }

    public void Unmap()
    {
        if (memory != null)
        {
            XdpAbi.Unmap(memory, byteCount);
            memory = null;
        }
    }
}

/// <summary>A ring that the kernel reads: the fill ring and the transmit ring. Reserve, write, submit.</summary>
/// <typeparam name="T">See <see cref="MappedRing{T}"/>.</typeparam>
internal sealed unsafe class ProducerRing<T> : IDisposable
    where T : unmanaged
{
    private MappedRing<T> ring;
    private uint produced;
    private uint consumedSeen;

    public ProducerRing(MappedRing<T> ring) => this.ring = ring;

    /// <summary>Entries in all.</summary>
    public uint Size => ring.Mask + 1;

    /// <summary>Whether the kernel sleeps on this ring until it is kicked.</summary>
    public bool NeedsWakeup => (Volatile.Read(ref *ring.Flags) & XdpAbi.RingNeedsWakeup) != 0;

    /// <summary>Whether the kernel has not read all that was submitted.</summary>
    public bool HasUnread => Volatile.Read(ref *ring.Consumer) != produced;

    /// <summary>The entry so many places behind the last one submitted.</summary>
    public ref T this[uint place]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref ring.Entries[(produced + place) & ring.Mask];
    }

    /// <summary>How many entries can be written now, at most as many as are wanted. The kernel's counter is looked at only when the one
    /// that was seen last does not allow as many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Reserve(uint wanted)
    {
        uint room = Size - (produced - consumedSeen);
        if (room < wanted)
        {
            // Acquire: an entry is overwritten only after the kernel has read it. Partner: the smp_store_release of the consumer in
            // __xskq_cons_release (net/xdp/xsk_queue.h).
            consumedSeen = Volatile.Read(ref *ring.Consumer);
            room = Size - (produced - consumedSeen);
        }

        return Math.Min(room, wanted);
    }

    /// <summary>Makes so many entries the kernel's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Submit(uint count)
    {
        produced += count;
        // Release: the entries are written before the counter. Partner: the smp_load_acquire of the producer in __xskq_cons_peek.
        Volatile.Write(ref *ring.Producer, produced);
    }

    /// <inheritdoc/>
    public void Dispose() => ring.Unmap();
}

/// <summary>A ring that the kernel writes: the receive ring and the completion ring. Peek, read, release.</summary>
/// <typeparam name="T">See <see cref="MappedRing{T}"/>.</typeparam>
internal sealed unsafe class ConsumerRing<T> : IDisposable
    where T : unmanaged
{
    private MappedRing<T> ring;
    private uint consumed;
    private uint producedSeen;

    public ConsumerRing(MappedRing<T> ring) => this.ring = ring;

    /// <summary>The entry so many places behind the last one released.</summary>
    public ref readonly T this[uint place]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref ring.Entries[(consumed + place) & ring.Mask];
    }

    /// <summary>How many entries can be read now, at most as many as are wanted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Peek(uint wanted)
    {
        uint ready = producedSeen - consumed;
        if (ready < wanted)
        {
            // Acquire: the entries are read after the counter. Partner: the smp_store_release of the producer in __xskq_prod_submit.
            producedSeen = Volatile.Read(ref *ring.Producer);
            ready = producedSeen - consumed;
        }

        return Math.Min(ready, wanted);
    }

    /// <summary>Gives so many entries back to the kernel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Release(uint count)
    {
        consumed += count;
        // Release: the entries were read before the kernel may overwrite them. Partner: the acquire of the consumer in
        // xskq_prod_nb_free (a control dependency there).
        Volatile.Write(ref *ring.Consumer, consumed);
    }

    /// <inheritdoc/>
    public void Dispose() => ring.Unmap();
}
