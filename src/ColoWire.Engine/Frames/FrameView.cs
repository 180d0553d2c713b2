// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Frames;

/// <summary>A frame at hand: where its descriptor and its bytes are, looked up once for all who ask on its way.</summary>
internal readonly unsafe ref struct FrameView
{
    /// <summary>Bytes that are fetched ahead of a frame: as many as a small slot holds. Behind that the processor sees by itself where the
    /// comparison goes.</summary>
    private const int PrefetchBytes = EngineLimits.SmallSlotBytes;

    /// <summary>Its descriptor.</summary>
    public readonly ref Frame Descriptor;

    /// <summary>Its first byte.</summary>
    public readonly ref readonly byte First;

    /// <summary>Its handle.</summary>
    public readonly FrameRef Reference;

    /// <summary>Looks a frame up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FrameView(FrameArena arena, FrameRef reference)
    {
        Reference = reference;
        Descriptor = ref arena[reference];
        First = ref *(arena.Slot(reference) + Descriptor.Offset);
    }

    /// <summary>Puts together again what a view is made of; it has no handle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FrameView(ref Frame descriptor, ref readonly byte first)
    {
        Reference = FrameRef.None;
        Descriptor = ref descriptor;
        First = ref first;
    }

    /// <summary>Its bytes.</summary>
    public ReadOnlySpan<byte> Bytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MemoryMarshal.CreateReadOnlySpan(in First, Descriptor.Length);
    }

    /// <summary>The bytes that are compared, as they were found when it was parsed.</summary>
    public ReadOnlySpan<byte> Payload
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MemoryMarshal.CreateReadOnlySpan(
            in Unsafe.Add(ref Unsafe.AsRef(in First), Descriptor.Layout.PayloadOffset), Descriptor.Layout.PayloadLength);
    }

    /// <summary>All that stands before the bytes that are compared.</summary>
    public ReadOnlySpan<byte> Headers
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MemoryMarshal.CreateReadOnlySpan(in First, Descriptor.Layout.PayloadOffset);
    }

    /// <summary>Has the cache lines behind the headers fetched, which are compared next.</summary>
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
