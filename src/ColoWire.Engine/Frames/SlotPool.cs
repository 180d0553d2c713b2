// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Frames;

/// <summary>
/// The free slots of one side: two stacks, small and large. Only the capture duty of that side touches it (others send slots home
/// over a ring), so it needs no lock. A stack and not a queue: the slot that was freed last is still in the cache.
/// </summary>
public sealed class SlotPool
{
    private readonly uint[] small;
    private readonly uint[] large;
    private readonly uint firstSmall;
    private readonly uint firstLarge;
    private int smallCount;
    private int largeCount;

    internal SlotPool(FrameArena arena, Side side, uint firstSmall, uint firstLarge)
    {
        Arena = arena;
        Side = side;
        this.firstSmall = firstSmall;
        this.firstLarge = firstLarge;
        small = new uint[arena.SmallSlotsPerSide];
        large = new uint[arena.LargeSlotsPerSide];
        Recover(_ => false);
    }

    /// <summary>The arena of these slots.</summary>
    public FrameArena Arena { get; }

    /// <summary>The side that they belong to.</summary>
    public Side Side { get; }

    /// <summary>Free small slots.</summary>
    public int FreeSmall => smallCount;

    /// <summary>Free large slots.</summary>
    public int FreeLarge => largeCount;

    /// <summary>Whether every slot is at home.</summary>
    public bool IsFull => IsFullBut(0);

    /// <summary>Whether every slot is at home but so many small ones, which a port keeps.</summary>
    public bool IsFullBut(int posted) => smallCount + posted == small.Length && largeCount == large.Length;

    /// <summary>
    /// Takes a slot for a frame of this length: a small one where it fits, else a large one.
    /// </summary>
    /// <param name="length">Bytes of the frame, at most <see cref="EngineLimits.LargeSlotBytes"/>.</param>
    /// <param name="frame">The slot; its descriptor's offset is 0 and its length set.</param>
    /// <returns>False when no slot of that size is free.</returns>
    public bool TryTake(int length, out FrameRef frame)
    {
        Debug.Assert(length is >= 0 and <= EngineLimits.LargeSlotBytes, "the port refuses longer frames");
        if (length <= EngineLimits.SmallSlotBytes && smallCount > 0)
        {
            frame = new FrameRef(small[--smallCount]);
        }
        else if (length > EngineLimits.SmallSlotBytes && largeCount > 0)
        {
            frame = new FrameRef(large[--largeCount]);
        }
        else
        {
            frame = FrameRef.None;
            return false;
        }

        ref Frame descriptor = ref Arena[frame];
        descriptor.Offset = 0;
        descriptor.Length = length;
        return true;
    }

    /// <summary>Takes small slots for frames that are yet to come, whose descriptors the port sets then, their offset and length too.</summary>
    /// <param name="frames">Filled from the front.</param>
    /// <returns>How many were taken.</returns>
    public int Take(Span<FrameRef> frames)
    {
        int count = Math.Min(frames.Length, smallCount);
        smallCount -= count;
        MemoryMarshal.Cast<uint, FrameRef>(small.AsSpan(smallCount, count)).CopyTo(frames);
        return count;
    }

    /// <summary>Takes slots home.</summary>
    /// <param name="batch">They stand at its front.</param>
    /// <param name="count">How many.</param>
    public void Return(FrameRef[] batch, int count)
    {
        bool hasLarge = Arena.HasLarge(batch, count);
        for (int i = 0; i < count; i++)
        {
            if (hasLarge)
            {
                Return(batch[i]);
            }
            else
            {
                small[smallCount + i] = batch[i].Slot;
            }
        }

        smallCount += hasLarge ? 0 : count;
    }

    /// <summary>Takes all slots home but those that a port keeps. After a failed duty nothing else says reliably where slots
    /// are.</summary>
    /// <param name="isKept">Whether a port keeps a small slot; the ports keep no large ones.</param>
    internal void Recover(Predicate<FrameRef> isKept)
    {
        smallCount = 0;
        for (int i = small.Length - 1; i >= 0; i--)
        {
            FrameRef slot = new(firstSmall + (uint)i);
            if (!isKept(slot))
            {
                small[smallCount++] = slot.Slot;
            }
        }

        largeCount = 0;
        for (int i = large.Length - 1; i >= 0; i--)
        {
            large[largeCount++] = firstLarge + (uint)i;
        }
    }

    /// <summary>Takes a slot home.</summary>
    public void Return(FrameRef frame)
    {
        if (Arena.IsLarge(frame))
        {
            large[largeCount++] = frame.Slot;
        }
        else
        {
            small[smallCount++] = frame.Slot;
        }
    }
}
