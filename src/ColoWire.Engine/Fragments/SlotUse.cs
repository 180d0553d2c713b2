// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Fragments;

/// <summary>
/// The slots of one side that incomplete datagrams take, and how many they may: so many bytes, and at most half of the slots of either
/// size, or fragments that never become a datagram could keep a port from receiving.
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
