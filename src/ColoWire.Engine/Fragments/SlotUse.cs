// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Fragments;

/// <summary>
/// Counts the slots of one side that incomplete datagrams occupy, and checks them against two limits: a number of bytes, and half
/// of the slots of each size. Without the second limit, fragments that never complete a datagram could stop a port from
/// receiving.
/// </summary>
internal sealed class SlotUse(FrameArena arena, int memoryKiB)
{
    private const long BytesPerKiB = 1024;

    private readonly int smallLimit = (arena.SmallSlotsPerSide + 1) / 2;
    private readonly int largeLimit = (arena.LargeSlotsPerSide + 1) / 2;
    private int small;
    private int large;

    public bool IsOverBudget =>
        small > smallLimit || large > largeLimit
        || ((long)small * EngineLimits.SmallSlotBytes) + ((long)large * EngineLimits.LargeSlotBytes) > memoryKiB * BytesPerKiB;

    public void Add(FrameRef slot) => Of(slot)++;

    public void Remove(FrameRef slot) => Of(slot)--;

    private ref int Of(FrameRef slot) => ref arena.IsLarge(slot) ? ref large : ref small;
}
