// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Fragments;

/// <summary>
/// A slot in which a datagram is put together. What is known of the datagram stands before the frame that it becomes:
/// <code>
///  0                16                     16 + 2n                      16 + 2n + 256
///  | FragmentChain  | units there, units   | room for the headers, which | payload ...
///  |                | where a fragment     | end where the payload       |
///  |                | begins; n bytes each | begins                      |
/// </code>
/// A unit is 8 bytes of payload. A small slot has n = 32, a large one n = 1024, so that the longest datagram fits.
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

    /// <summary>Payload that fits in a small slot: 214 units, for which 32 bytes have bits enough.</summary>
    public static int SmallPayloadBytes => EngineLimits.SmallSlotBytes - PayloadOffsetOf(SmallUnitsBytes);

    /// <summary>Where in the slot the payload begins.</summary>
    public int PayloadOffset => PayloadOffsetOf(unitsBytes);

    private Span<ulong> Received => MemoryMarshal.Cast<byte, ulong>(slot.Slice(UnitsOffset, unitsBytes));

    private Span<ulong> Begins => MemoryMarshal.Cast<byte, ulong>(slot.Slice(UnitsOffset + unitsBytes, unitsBytes));

    private Span<byte> Payload => slot[PayloadOffset..];

    /// <summary>Makes the slot ready for a new datagram.</summary>
    public void Clear()
    {
        Received.Clear();
        Begins.Clear();
    }

    /// <summary>Takes over what another, smaller slot holds.</summary>
    public void TakeOver(in AssemblySlot smaller, int headerBytes, int payloadBytes)
    {
        Clear();
        smaller.Received.CopyTo(Received);
        smaller.Begins.CopyTo(Begins);
        smaller.Headers(headerBytes).CopyTo(Headers(headerBytes));
        smaller.Payload[..payloadBytes].CopyTo(Payload);
    }

    /// <summary>The headers, so many bytes right before the payload.</summary>
    public Span<byte> Headers(int headerBytes)
    {
        Debug.Assert(headerBytes <= EngineLimits.FragmentHeadroomBytes, "longer headers are refused");
        return slot.Slice(PayloadOffset - headerBytes, headerBytes);
    }

    /// <summary>The payload from its beginning; holes hold anything before they are cleared.</summary>
    public ReadOnlySpan<byte> PayloadUpTo(int end) => Payload[..end];

    /// <summary>Whether any of these bytes has come before.</summary>
    public bool Overlaps(int start, int length) => BitRange.Count(Received, FirstUnit(start), EndUnit(start + length)) != 0;

    /// <summary>Whether exactly this fragment has come before: the same place, length and bytes.</summary>
    /// <param name="start">Where it stands.</param>
    /// <param name="fragment">Its payload.</param>
    /// <param name="end">End of all that has come.</param>
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

    /// <summary>Takes in a fragment of which nothing has come before.</summary>
    public void Add(int start, ReadOnlySpan<byte> fragment)
    {
        int first = FirstUnit(start);
        BitRange.Set(Received, first, EndUnit(start + fragment.Length));
        BitRange.Set(Begins, first, first + 1);
        fragment.CopyTo(Payload[start..]);
    }

    /// <summary>Makes the bytes that did not come zeros, so that two slots can be compared.</summary>
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

    /// <summary>Whether of two incomplete datagrams the same bytes have come, however they were cut.</summary>
    public static bool HoldSame(FrameArena arena, FrameRef left, FrameRef right)
    {
        FragmentChain chain = arena.Fragments(left);
        FragmentChain other = arena.Fragments(right);
        if (chain.EndBytes != other.EndBytes || chain.TotalBytes != other.TotalBytes)
        {
            return false;
        }

        // What ends in the same place lies in slots of the same size.
        AssemblySlot slot = new(arena, left);
        AssemblySlot otherSlot = new(arena, right);
        return slot.Received.SequenceEqual(otherSlot.Received)
            && slot.Payload[..chain.EndBytes].SequenceEqual(otherSlot.Payload[..chain.EndBytes]);
    }

    private static int PayloadOffsetOf(int unitsBytes) => UnitsOffset + (2 * unitsBytes) + EngineLimits.FragmentHeadroomBytes;

    private static int FirstUnit(int start) => start / FragmentHeader.UnitBytes;

    private static int EndUnit(int end) => (end + FragmentHeader.UnitBytes - 1) / FragmentHeader.UnitBytes;
}
