// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Fragments;

/// <summary>
/// What is compared of fragments that make no datagram: of one by itself its place, whether more come, and its payload; of a frame that
/// stands for several of one datagram the bytes that had come and where, however they were cut. The identification is the sender's
/// own (scenario 49).
/// </summary>
internal static class LooseFragments
{
    /// <summary>Finds the first difference between two frames of the kind Fragment.</summary>
    /// <returns>Its offset in the primary's payload, 0 where they differ in more than that, or -1.</returns>
    public static int FirstDifference(FrameArena arena, FrameRef primary, FrameRef secondary)
    {
        bool areSeveral = IsAssembled(arena, primary);
        if (areSeveral != IsAssembled(arena, secondary))
        {
            return 0;
        }

        if (areSeveral)
        {
            return AssemblySlot.HoldSame(arena, primary, secondary) ? -1 : 0;
        }

        return PlaceOf(arena, primary) == PlaceOf(arena, secondary)
            ? ByteEquality.FirstDifference(arena.Payload(primary), arena.Payload(secondary))
            : 0;
    }

    /// <summary>Where in its datagram a frame stands, and whether more follows, as one number; of several, where they end.</summary>
    public static uint PlaceOf(FrameArena arena, FrameRef frame)
    {
        if (IsAssembled(arena, frame))
        {
            FragmentChain chain = arena.Fragments(frame);
            return (uint)chain.EndBytes ^ ((uint)chain.TotalBytes << 16);
        }

        FragmentHeader header = FragmentHeader.Read(arena.Bytes(frame), in arena[frame].Layout);
        return ((uint)header.Start << 1) | (header.HasMore ? 1u : 0u);
    }

    /// <summary>The bytes of which equal frames have equal ones.</summary>
    public static ReadOnlySpan<byte> BytesOf(FrameArena arena, FrameRef frame) =>
        IsAssembled(arena, frame) ? new AssemblySlot(arena, frame).PayloadUpTo(arena.Fragments(frame).EndBytes) : arena.Payload(frame);

    private static bool IsAssembled(FrameArena arena, FrameRef frame) => (arena[frame].Marks & FrameMarks.Assembled) != 0;
}
