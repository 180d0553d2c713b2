// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Fragments;

/// <summary>
/// The layout of a slot in which a datagram is reassembled. The bookkeeping precedes the bytes of the reassembled frame:
/// <code>
///  0                16                     16 + 2n                      16 + 2n + 256
///  | FragmentChain  | bits: unit received, | room for the headers, which | payload ...
///  |                | fragment begins in   | end where the payload       |
///  |                | unit; n bytes each   | begins                      |
/// </code>
/// A unit is 8 bytes of payload. n is 32 in a small slot and 1024 in a large slot, which suffices for the longest datagram.
/// </summary>
internal readonly ref struct AssemblySlot
{
    private const int UnitsOffset = FragmentChain.RoomBytes;
    private const int SmallUnitsBytes = 32;
    private const int LargeUnitsBytes = 1024;

    private readonly Span<byte> slot;
    private readonly int unitsBytes;

    public AssemblySlot(FrameArena arena, FrameRef assembly)
    {
        slot = arena.SlotBytes(assembly);
        unitsBytes = arena.IsLarge(assembly) ? LargeUnitsBytes : SmallUnitsBytes;
    }

    /// <summary>The maximum payload of a small slot, in bytes: 214 units, which 32 bytes of bits cover.</summary>
    public static int SmallPayloadBytes => EngineLimits.SmallSlotBytes - PayloadOffsetOf(SmallUnitsBytes);

    /// <summary>The offset of the payload in the slot, in bytes.</summary>
    public int PayloadOffset => PayloadOffsetOf(unitsBytes);

    private Span<ulong> Received => MemoryMarshal.Cast<byte, ulong>(slot.Slice(UnitsOffset, unitsBytes));

    private Span<ulong> Begins => MemoryMarshal.Cast<byte, ulong>(slot.Slice(UnitsOffset + unitsBytes, unitsBytes));

    private Span<byte> Payload => slot[PayloadOffset..];

    /// <summary>Clears the received units, so that the slot can take a new datagram.</summary>
    public void Clear()
    {
        Received.Clear();
        Begins.Clear();
    }

    /// <summary>Copies the datagram so far from a smaller slot.</summary>
    public void TakeOver(in AssemblySlot smaller, int headerBytes, int payloadBytes)
    {
        Clear();
        smaller.Received.CopyTo(Received);
        smaller.Begins.CopyTo(Begins);
        smaller.Headers(headerBytes).CopyTo(Headers(headerBytes));
        smaller.Payload[..payloadBytes].CopyTo(Payload);
    }

    /// <summary>The headers, which end where the payload begins.</summary>
    public Span<byte> Headers(int headerBytes)
    {
        Debug.Assert(headerBytes <= EngineLimits.FragmentHeadroomBytes, "longer headers are refused");
        return slot.Slice(PayloadOffset - headerBytes, headerBytes);
    }

    /// <summary>
    /// The payload from its first byte up to an offset. Missing bytes are undefined until <see cref="ClearHoles"/>.
    /// </summary>
    public ReadOnlySpan<byte> PayloadUpTo(int end) => Payload[..end];

    /// <summary>Whether any of these bytes was received before.</summary>
    public bool Overlaps(int start, int length) => BitRange.Count(Received, FirstUnit(start), EndUnit(start + length)) != 0;

    /// <summary>Whether exactly this fragment was received before: the same offset, length and bytes.</summary>
    /// <param name="start">The fragment's offset in the datagram's payload, in bytes.</param>
    /// <param name="fragment">The fragment's payload.</param>
    /// <param name="end">The end of the received payload, in bytes.</param>
    public bool Repeats(int start, ReadOnlySpan<byte> fragment, int end)
    {
        int first = FirstUnit(start);
        int behind = EndUnit(start + fragment.Length);
        bool isSameRange = BitRange.Count(Received, first, behind) == behind - first
            && BitRange.IsSet(Begins, first)
            && BitRange.Count(Begins, first + 1, behind) == 0
            && (behind == EndUnit(end) || !BitRange.IsSet(Received, behind) || BitRange.IsSet(Begins, behind));
        return isSameRange && Payload.Slice(start, fragment.Length).SequenceEqual(fragment);
    }

    /// <summary>Adds a fragment that overlaps no received fragment.</summary>
    public void Add(int start, ReadOnlySpan<byte> fragment)
    {
        int first = FirstUnit(start);
        BitRange.Set(Received, first, EndUnit(start + fragment.Length));
        BitRange.Set(Begins, first, first + 1);
        fragment.CopyTo(Payload[start..]);
    }

    /// <summary>Sets the missing bytes to zero, so that two slots can be compared.</summary>
    public void ClearHoles(int end)
    {
        for (int unit = 0; unit < EndUnit(end); unit++)
        {
            if (!BitRange.IsSet(Received, unit))
            {
                Payload.Slice(unit * FragmentHeader.UnitBytes, FragmentHeader.UnitBytes).Clear();
            }
        }
    }

    /// <summary>Whether the same bytes of two incomplete datagrams were received, however each datagram was fragmented.</summary>
    public static bool HoldSame(FrameArena arena, FrameRef left, FrameRef right)
    {
        FragmentChain chain = arena.Fragments(left);
        FragmentChain other = arena.Fragments(right);
        if (chain.EndBytes != other.EndBytes || chain.TotalBytes != other.TotalBytes)
        {
            return false;
        }

        // Datagrams with the same end are in slots of the same size.
        AssemblySlot slot = new(arena, left);
        AssemblySlot otherSlot = new(arena, right);
        return slot.Received.SequenceEqual(otherSlot.Received)
            && slot.Payload[..chain.EndBytes].SequenceEqual(otherSlot.Payload[..chain.EndBytes]);
    }

    private static int PayloadOffsetOf(int unitsBytes) => UnitsOffset + (2 * unitsBytes) + EngineLimits.FragmentHeadroomBytes;

    private static int FirstUnit(int start) => start / FragmentHeader.UnitBytes;

    private static int EndUnit(int end) => (end + FragmentHeader.UnitBytes - 1) / FragmentHeader.UnitBytes;
}
