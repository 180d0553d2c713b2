// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// The small slots of an arena that the kernel has through a socket. The kernel gives them back by its rings, except for those
/// that it has when the interface is removed: these are known from this set only. One bit per slot, two accesses per frame.
/// </summary>
/// <param name="arena">The arena.</param>
internal sealed class SlotSet(FrameArena arena)
{
    private const int WordShift = 6;

    private readonly ulong[] words = new ulong[((int)(arena.SmallSlotByteCount / EngineLimits.SmallSlotBytes) >> WordShift) + 1];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Whether the kernel has a slot.</summary>
    public bool Has(FrameRef slot) => (words[slot.Slot >> WordShift] & (1UL << (int)slot.Slot)) != 0;

    /// <summary>The kernel gets a slot.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(FrameRef slot)
    {
        words[slot.Slot >> WordShift] |= 1UL << (int)slot.Slot;
        Count++;
    }

    /// <summary>The kernel gives a slot back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Remove(FrameRef slot)
    {
        words[slot.Slot >> WordShift] &= ~(1UL << (int)slot.Slot);
        Count--;
    }

    /// <summary>Takes out as many slots as there is room for.</summary>
    /// <returns>How many are in <paramref name="room"/>.</returns>
    public int Take(Span<FrameRef> room)
    {
        int taken = 0;
        for (int i = 0; i < words.Length && Count != 0 && taken < room.Length; i++)
        {
            while (words[i] != 0 && taken < room.Length)
            {
                FrameRef slot = new((uint)((i << WordShift) + BitOperations.TrailingZeroCount(words[i])));
                Remove(slot);
                room[taken++] = slot;
            }
        }

        return taken;
    }
}
