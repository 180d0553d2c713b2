// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Frames;

/// <summary>
/// The free slots of one side, as two stacks: small and large. Only the capture duty of that side accesses the pool (other duties
/// return slots through a ring), so it needs no lock. A stack is used because the slot that was freed last is most likely still
/// in the cache.
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

    /// <summary>The side of these slots.</summary>
    public Side Side { get; }

    /// <summary>The number of free small slots.</summary>
    public int FreeSmall => smallCount;

    /// <summary>The number of free large slots.</summary>
    public int FreeLarge => largeCount;

    /// <summary>Whether every slot is free.</summary>
    public bool IsFull => IsFullBut(0);

    /// <summary>Whether every slot is free except a number of slots that a port has posted, or that are lent.</summary>
    /// <param name="smallSlots">The number of small slots that are not free.</param>
    /// <param name="largeSlots">The number of large slots that are not free.</param>
    public bool IsFullBut(int smallSlots, int largeSlots = 0) =>
        smallCount + smallSlots == small.Length && largeCount + largeSlots == large.Length;

    /// <summary>Takes a free slot for a frame: a small slot where the frame fits, else a large slot.</summary>
    /// <param name="length">The length of the frame in bytes, at most <see cref="EngineLimits.LargeSlotBytes"/>.</param>
    /// <param name="frame">The slot. Its descriptor has offset 0 and the given length.</param>
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

    /// <summary>
    /// Takes small slots to post for frames that have not arrived. The port sets their descriptors on arrival, offset and length
    /// included.
    /// </summary>
    /// <param name="frames">The taken slots, filled from index 0.</param>
    /// <returns>The number of taken slots.</returns>
    public int Take(Span<FrameRef> frames)
    {
        int count = Math.Min(frames.Length, smallCount);
        smallCount -= count;
        MemoryMarshal.Cast<uint, FrameRef>(small.AsSpan(smallCount, count)).CopyTo(frames);
        return count;
    }

    /// <summary>Returns slots to the pool.</summary>
    /// <param name="batch">The slots, from index 0.</param>
    /// <param name="count">The number of slots.</param>
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

    /// <summary>
    /// Marks all slots as free except those that a port has posted or is sending. After a duty has failed, no other record of the
    /// slots is reliable.
    /// </summary>
    /// <param name="isKept">Whether a port still uses a small slot; ports keep no large slots.</param>
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

    /// <summary>Returns a slot to the pool.</summary>
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
