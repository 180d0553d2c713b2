// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Frames;

/// <summary>
/// The handle of a frame: the number of its slot in the <see cref="FrameArena"/>. The frame's properties are in the slot's
/// <see cref="Frame"/>, so that a ring moves four bytes per frame.
/// </summary>
/// <param name="Slot">The slot number; <see cref="NoSlot"/> means no frame.</param>
public readonly record struct FrameRef(uint Slot)
{
    /// <summary>The slot number that means "no frame".</summary>
    public const uint NoSlot = uint.MaxValue;

    /// <summary>No frame.</summary>
    public static FrameRef None => new(NoSlot);

    /// <summary>Whether the handle refers to no frame.</summary>
    public bool IsNone => Slot == NoSlot;
}
