// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Translate;

/// <summary>
/// Changes fields under an Internet checksum, and updates the checksum by the differences alone: HC' = ~(~HC + ~m + m') (RFC
/// 1624 section 3, equation 3). So a wrong checksum stays equally wrong, and bytes that are not at hand (other fragments, the
/// rest of a quoted segment) need not be summed.
/// </summary>
/// <remarks>
/// 0x0000 and 0xFFFF are the same number in one's complement. The result is 0xFFFF only when the old checksum is 0xFFFF and the
/// sum of all differences is 0x0000. Sums of TCP, ICMP and ICMPv6 are never 0, so no sender computes 0xFFFF; if it arrives it may
/// become 0x0000, which receivers treat as equal (RFC 1071 section 1).
/// </remarks>
internal struct ChecksumUpdate
{
    private ulong sum;

    /// <summary>Whether a field was replaced by another value.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>Replaces a 32-bit field.</summary>
    /// <param name="covered">The bytes that the checksum covers, from their first byte or from an even offset on.</param>
    /// <param name="offset">The offset of the field in <paramref name="covered"/>, in bytes; it may be odd.</param>
    /// <param name="value">The new value.</param>
    public void Replace32(Span<byte> covered, int offset, uint value)
    {
        Span<byte> field = covered.Slice(offset, sizeof(uint));
        uint before = BinaryPrimitives.ReadUInt32BigEndian(field);
        BinaryPrimitives.WriteUInt32BigEndian(field, value);
        // 32-bit words may be added and folded at the end (RFC 1071 section 2, C).
        Add(before != value, ~before + (ulong)value, offset);
    }

    /// <summary>Replaces a 16-bit field.</summary>
    /// <inheritdoc cref="Replace32"/>
    public void Replace16(Span<byte> covered, int offset, ushort value)
    {
        Span<byte> field = covered.Slice(offset, sizeof(ushort));
        ushort before = BinaryPrimitives.ReadUInt16BigEndian(field);
        BinaryPrimitives.WriteUInt16BigEndian(field, value);
        Add(before != value, (ushort)~before + (ulong)value, offset);
    }

    /// <summary>The updated value of a checksum.</summary>
    /// <param name="checksum">The checksum before the fields were replaced.</param>
    public readonly ushort Update(ushort checksum) =>
        HasChanged ? (ushort)~InternetChecksum.Fold((ushort)~checksum + sum) : checksum;

    /// <summary>Updates a checksum field.</summary>
    /// <param name="covered">The bytes that contain the field.</param>
    /// <param name="offset">The offset of the field in <paramref name="covered"/>, in bytes.</param>
    public readonly void ApplyTo(Span<byte> covered, int offset)
    {
        Span<byte> field = covered.Slice(offset, sizeof(ushort));
        BinaryPrimitives.WriteUInt16BigEndian(field, Update(BinaryPrimitives.ReadUInt16BigEndian(field)));
    }

    /// <summary>Adds a difference; one of a field that has not changed would turn the checksum 0xFFFF into 0x0000.</summary>
    private void Add(bool differs, ulong difference, int offset)
    {
        if (differs)
        {
            HasChanged = true;
            // The bytes of a field at an odd offset are in the other halves of the summed words. Its sum is the byte-swapped sum
            // (RFC 1071 section 2, B), and a shift by 8 bits swaps the bytes, because the carries return at the other end.
            sum += (offset & 1) == 0 ? difference : difference << 8;
        }
    }
}
