// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Fragments;

/// <summary>
/// Compares fragments that were not reassembled. Of a single fragment it compares the offset, the more-fragments flag and the
/// payload; of a frame that represents several fragments of one datagram, the received bytes and their offsets, however the
/// datagram was fragmented. The identification is not compared, because each sender chooses its own (RFC 791 section 3.2).
/// </summary>
internal static class LooseFragments
{
    /// <summary>Finds the first difference between two frames of kind <see cref="FrameKind.Fragment"/>.</summary>
    /// <returns>The offset of the first different byte in the primary's payload, 0 where something other than the payload
    /// differs, or -1 where the frames are equal.</returns>
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

    /// <summary>
    /// The offset in the datagram and the more-fragments flag as one number; for a frame that represents several fragments, the
    /// end of the received payload and the total length.
    /// </summary>
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

    /// <summary>The compared bytes: equal frames have equal ones.</summary>
    public static ReadOnlySpan<byte> BytesOf(FrameArena arena, FrameRef frame) =>
        IsAssembled(arena, frame)
            ? new AssemblySlot(arena, frame).PayloadUpTo(arena.Fragments(frame).EndBytes)
            : arena.Payload(frame);

    private static bool IsAssembled(FrameArena arena, FrameRef frame) => (arena[frame].Marks & FrameMarks.Assembled) != 0;
}
