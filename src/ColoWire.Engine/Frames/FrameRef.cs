// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Frames;

/// <summary>
/// The handle of a frame: the number of its slot in the <see cref="FrameArena"/>. What is known of the frame stands in the slot's
/// <see cref="Frame"/>, so that a ring moves four bytes per frame.
/// </summary>
/// <param name="Slot">Number of the slot; <see cref="NoSlot"/> is none.</param>
public readonly record struct FrameRef(uint Slot)
{
    /// <summary>The slot number that stands for "no frame".</summary>
    public const uint NoSlot = uint.MaxValue;

    /// <summary>No frame.</summary>
    public static FrameRef None => new(NoSlot);

    /// <summary>Whether this is no frame.</summary>
    public bool IsNone => Slot == NoSlot;
}
