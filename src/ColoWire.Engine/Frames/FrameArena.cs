// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace ColoWire.Engine.Frames;

/// <summary>
/// Holds the memory of all frames, allocated once: small slots of 2 KiB for ordinary frames, and a few large slots of 68 KiB for
/// super-frames of guests with segmentation offload and for reassembled datagrams. The memory is page-aligned and contiguous, so
/// that the small slots can be registered as the chunks of an AF_XDP UMEM (Documentation/networking/af_xdp.rst, "UMEM").
/// </summary>
/// <remarks>
/// Slots are numbered in this order: the small slots of each side (<see cref="Side"/>), then the large slots of each side. Each
/// slot belongs to one <see cref="SlotPool"/> permanently.
/// </remarks>
public sealed unsafe class FrameArena : IDisposable
{
    private readonly NativeRegion byteRegion;
    private readonly NativeRegion frameRegion;
    private readonly byte* bytes;
    private readonly Frame* frames;
    private readonly uint smallSlots;
    private readonly uint slots;

    /// <summary>Allocates the memory.</summary>
    /// <param name="smallSlotsPerSide">Slots of <see cref="EngineLimits.SmallSlotBytes"/> for each side.</param>
    /// <param name="largeSlotsPerSide">Slots of <see cref="EngineLimits.LargeSlotBytes"/> for each side.</param>
    /// <param name="advise">See <see cref="EngineOptions.AdviseMemory"/>.</param>
    /// <param name="sides">The number of sides: <see cref="ReplicaSides"/>, or <see cref="AllSides"/> where clients' frames pass,
    /// too.</param>
    public FrameArena(
        int smallSlotsPerSide, int largeSlotsPerSide, Action<nint, nuint>? advise = null, int sides = ReplicaSides)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(smallSlotsPerSide, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(largeSlotsPerSide);
        SmallSlotsPerSide = smallSlotsPerSide;
        LargeSlotsPerSide = largeSlotsPerSide;
        ArgumentOutOfRangeException.ThrowIfLessThan(sides, ReplicaSides);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sides, AllSides);
        smallSlots = (uint)(sides * smallSlotsPerSide);
        slots = smallSlots + (uint)(sides * largeSlotsPerSide);
        byteRegion = new NativeRegion(ByteCount(smallSlotsPerSide, largeSlotsPerSide, sides), advise);
        frameRegion = new NativeRegion(DescriptorByteCount(smallSlotsPerSide, largeSlotsPerSide, sides), advise);
        bytes = (byte*)byteRegion.Start;
        frames = (Frame*)frameRegion.Start;
        Primary = Pool(Side.Primary);
        Secondary = Pool(Side.Secondary);
        World = sides == AllSides ? Pool(Side.World) : null;

        SlotPool Pool(Side side) =>
            new(this, side, (uint)((int)side * smallSlotsPerSide), smallSlots + (uint)((int)side * largeSlotsPerSide));
    }

    /// <summary>The number of sides without the clients.</summary>
    public const int ReplicaSides = 2;

    /// <summary>The number of sides with the clients.</summary>
    public const int AllSides = 3;

    /// <summary>The primary's slots.</summary>
    public SlotPool Primary { get; }

    /// <summary>The secondary's slots.</summary>
    public SlotPool Secondary { get; }

    /// <summary>The clients' slots; null where no client frames pass.</summary>
    public SlotPool? World { get; }

    /// <summary>Small slots of each side.</summary>
    public int SmallSlotsPerSide { get; }

    /// <summary>Large slots of each side.</summary>
    public int LargeSlotsPerSide { get; }

    /// <summary>The number of slots of one side, small and large: no ring of frames needs a larger capacity.</summary>
    public int SlotsPerSide => SmallSlotsPerSide + LargeSlotsPerSide;

    /// <summary>The address of the small slots of all sides, which lie in the order of their numbers; page-aligned.</summary>
    public nint SmallSlots => (nint)bytes;

    /// <summary>The size of the small slots of all sides, in bytes.</summary>
    public nuint SmallSlotByteCount => smallSlots * (nuint)EngineLimits.SmallSlotBytes;

    /// <summary>The size of an arena's slots in bytes, without the descriptors.</summary>
    public static nuint ByteCount(int smallSlotsPerSide, int largeSlotsPerSide, int sides = ReplicaSides) =>
        (nuint)sides * (
            ((nuint)smallSlotsPerSide * EngineLimits.SmallSlotBytes) + ((nuint)largeSlotsPerSide * EngineLimits.LargeSlotBytes));

    /// <summary>The size of an arena's descriptors, in bytes.</summary>
    public static nuint DescriptorByteCount(int smallSlotsPerSide, int largeSlotsPerSide, int sides = ReplicaSides) =>
        (nuint)sides * (nuint)(smallSlotsPerSide + largeSlotsPerSide) * (nuint)sizeof(Frame);

    /// <summary>The descriptor of a frame.</summary>
    public ref Frame this[FrameRef frame]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            Debug.Assert(Has(frame), "the slot number is in this arena");
            return ref frames[frame.Slot];
        }
    }

    /// <summary>Whether the arena has a slot of this number.</summary>
    internal bool Has(FrameRef frame) => frame.Slot < slots;

    /// <summary>The captured bytes of a frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Bytes(FrameRef frame)
    {
        ref Frame descriptor = ref this[frame];
        return new ReadOnlySpan<byte>(Slot(frame) + descriptor.Offset, descriptor.Length);
    }

    /// <summary>The compared bytes of a frame, as its layout locates them.</summary>
    internal ReadOnlySpan<byte> Payload(FrameRef frame) => View(frame).Payload;

    /// <summary>The whole slot of a frame, for a port to write into.</summary>
    public Span<byte> SlotBytes(FrameRef frame) =>
        new(Slot(frame), frame.Slot < smallSlots ? EngineLimits.SmallSlotBytes : EngineLimits.LargeSlotBytes);

    /// <summary>A pointer to the first byte of a frame; valid for <see cref="Frame.Length"/> bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Pointer(FrameRef frame) => Slot(frame) + this[frame].Offset;

    /// <summary>Prefetches the first cache line of a frame that the port has not read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(FrameRef frame) => Engine.Prefetch.Line(ref *Pointer(frame));

    /// <summary>A view of a frame's descriptor and bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal FrameView View(FrameRef frame) => new(this, frame);

    /// <summary>The fragments of a reassembled frame (<see cref="FrameMarks.Assembled"/>).</summary>
    internal FragmentChain Fragments(FrameRef assembled)
    {
        Debug.Assert((this[assembled].Marks & FrameMarks.Assembled) != 0, "only an assembled frame has fragments");
        return FragmentChain.Read(SlotBytes(assembled));
    }

    /// <summary>Whether any of the first <paramref name="count"/> slots of a batch is large.</summary>
    internal bool HasLarge(FrameRef[] batch, int count) => Last(batch, count) >= smallSlots;

    /// <summary>Whether all of the first <paramref name="count"/> slots of a batch are small slots of the primary.</summary>
    internal bool AreSmallOfPrimary(FrameRef[] batch, int count) => Last(batch, count) < (uint)SmallSlotsPerSide;

    /// <summary>Whether a slot is one of the large ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsLarge(FrameRef frame) => frame.Slot >= smallSlots;

    private static uint Last(FrameRef[] batch, int count)
    {
        uint last = 0;
        for (int i = 0; i < count; i++)
        {
            last = Math.Max(last, batch[i].Slot);
        }

        return last;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal byte* Slot(FrameRef frame) =>
        frame.Slot < smallSlots
            ? bytes + ((nuint)frame.Slot * EngineLimits.SmallSlotBytes)
            : bytes + ((nuint)smallSlots * EngineLimits.SmallSlotBytes)
                    + ((nuint)(frame.Slot - smallSlots) * EngineLimits.LargeSlotBytes);

    /// <summary>Frees the memory. No duty may be running.</summary>
    public void Dispose()
    {
        byteRegion.Dispose();
        frameRegion.Dispose();
    }
}
