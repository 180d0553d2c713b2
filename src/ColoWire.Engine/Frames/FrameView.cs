// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Frames;

/// <summary>
/// A view of a frame: references to its descriptor and first byte, resolved once for all steps of its processing.
/// </summary>
internal readonly unsafe ref struct FrameView
{
    /// <summary>
    /// The number of bytes of a frame that are prefetched: the size of a small slot. The hardware prefetcher recognizes the
    /// sequential reads beyond that.
    /// </summary>
    private const int PrefetchBytes = EngineLimits.SmallSlotBytes;

    /// <summary>Its descriptor.</summary>
    public readonly ref Frame Descriptor;

    /// <summary>Its first byte.</summary>
    public readonly ref readonly byte First;

    /// <summary>Its handle.</summary>
    public readonly FrameRef Reference;

    /// <summary>Resolves the references of a frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FrameView(FrameArena arena, FrameRef reference)
    {
        Reference = reference;
        Descriptor = ref arena[reference];
        First = ref *(arena.Slot(reference) + Descriptor.Offset);
    }

    /// <summary>Rebuilds a view from its references; the view has no handle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FrameView(ref Frame descriptor, ref readonly byte first)
    {
        Reference = FrameRef.None;
        Descriptor = ref descriptor;
        First = ref first;
    }

    /// <summary>The captured bytes.</summary>
    public ReadOnlySpan<byte> Bytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MemoryMarshal.CreateReadOnlySpan(in First, Descriptor.Length);
    }

    /// <summary>The compared bytes, as the layout locates them.</summary>
    public ReadOnlySpan<byte> Payload
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MemoryMarshal.CreateReadOnlySpan(
            in Unsafe.Add(ref Unsafe.AsRef(in First), Descriptor.Layout.PayloadOffset), Descriptor.Layout.PayloadLength);
    }

    /// <summary>The bytes before the compared bytes.</summary>
    public ReadOnlySpan<byte> Headers
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MemoryMarshal.CreateReadOnlySpan(in First, Descriptor.Layout.PayloadOffset);
    }

    /// <summary>Prefetches the cache lines behind the first one, which are compared next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchPayload()
    {
        int end = int.Min(Descriptor.Length, PrefetchBytes);
        for (int at = EngineLimits.CacheLineBytes; at < end; at += EngineLimits.CacheLineBytes)
        {
            Prefetch.Line(in Unsafe.Add(ref Unsafe.AsRef(in First), at));
        }
    }
}
