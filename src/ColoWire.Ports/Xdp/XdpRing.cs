// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Threading;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// One of the rings that a socket shares with the kernel (Documentation/networking/af_xdp.rst, Rings): a producer and a consumer
/// index, which wrap at 2^32, flags, and a power of two of entries. Of each ring one side produces and the other consumes, so
/// this process uses it either as a <see cref="ProducerRing{T}"/> or as a <see cref="ConsumerRing{T}"/>.
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

/// <summary>A ring from which the kernel reads: the fill ring and the transmit ring. Reserve, write the entries,
/// submit.</summary>
/// <typeparam name="T">See <see cref="MappedRing{T}"/>.</typeparam>
internal sealed unsafe class ProducerRing<T> : IDisposable
    where T : unmanaged
{
    private MappedRing<T> ring;
    private uint produced;
    private uint consumedSeen;

    public ProducerRing(MappedRing<T> ring) => this.ring = ring;

    /// <summary>How many entries the ring has.</summary>
    public uint Size => ring.Mask + 1;

    /// <summary>Whether the kernel must be woken to read this ring (XDP_RING_NEED_WAKEUP). Partner: xsk_set_tx_need_wakeup and
    /// xsk_set_rx_need_wakeup (net/xdp/xsk.c), which set and clear the flag without a barrier: a stale value is seen at the next
    /// poll.</summary>
    public bool NeedsWakeup => (Volatile.Read(ref *ring.Flags) & XdpAbi.RingNeedsWakeup) != 0;

    /// <summary>Whether the kernel has yet to read entries that were submitted. Partner: __xskq_cons_release
    /// (net/xdp/xsk_queue.h).</summary>
    public bool HasUnread => Volatile.Read(ref *ring.Consumer) != produced;

    /// <summary>The entry at a place behind the last submitted one, from 0.</summary>
    public ref T this[uint place]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref ring.Entries[(produced + place) & ring.Mask];
    }

    /// <summary>How many entries can be written now, at most as many as wanted. The kernel's index is read only when the one that
    /// was read last does not allow as many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Reserve(uint wanted)
    {
        uint room = Size - (produced - consumedSeen);
        if (room < wanted)
        {
            // Acquire: an entry is overwritten only after the kernel has read it. Partner: smp_store_release of the consumer
            // index in __xskq_cons_release (net/xdp/xsk_queue.h).
            consumedSeen = Volatile.Read(ref *ring.Consumer);
            room = Size - (produced - consumedSeen);
        }

        return Math.Min(room, wanted);
    }

    /// <summary>Gives entries to the kernel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Submit(uint count)
    {
        produced += count;
        // Release: the entries are written before the index. Partner: smp_load_acquire of the producer index in __xskq_cons_peek
        // (net/xdp/xsk_queue.h).
        Volatile.Write(ref *ring.Producer, produced);
    }

    /// <inheritdoc/>
    public void Dispose() => ring.Unmap();
}

/// <summary>A ring to which the kernel writes: the receive ring and the completion ring. Peek, read the entries,
/// release.</summary>
/// <typeparam name="T">See <see cref="MappedRing{T}"/>.</typeparam>
internal sealed unsafe class ConsumerRing<T> : IDisposable
    where T : unmanaged
{
    private MappedRing<T> ring;
    private uint consumed;
    private uint producedSeen;

    public ConsumerRing(MappedRing<T> ring) => this.ring = ring;

    /// <summary>The entry at a place behind the last released one, from 0.</summary>
    public ref readonly T this[uint place]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref ring.Entries[(consumed + place) & ring.Mask];
    }

    /// <summary>How many entries can be read now, at most as many as wanted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Peek(uint wanted)
    {
        uint ready = producedSeen - consumed;
        if (ready < wanted)
        {
            // Acquire: the entries are read after the index. Partner: smp_store_release of the producer index in
            // __xskq_prod_submit (net/xdp/xsk_queue.h).
            producedSeen = Volatile.Read(ref *ring.Producer);
            ready = producedSeen - consumed;
        }

        return Math.Min(ready, wanted);
    }

    /// <summary>Gives entries back to the kernel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Release(uint count)
    {
        consumed += count;
        // Release: the entries were read before the kernel may overwrite them. Partner: the kernel's read of the consumer index
        // in xskq_prod_nb_free (net/xdp/xsk_queue.h), whose result its writes depend on (a control dependency).
        Volatile.Write(ref *ring.Consumer, consumed);
    }

    /// <inheritdoc/>
    public void Dispose() => ring.Unmap();
}
