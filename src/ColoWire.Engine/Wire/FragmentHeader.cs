// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.Engine.Wire;

/// <summary>The position of a fragment in its datagram (RFC 791 section 3.2, RFC 8200 section 4.5).</summary>
/// <param name="Id">The identification: 16 bits in IPv4, 32 in IPv6.</param>
/// <param name="Start">The offset of the fragment's payload in the datagram's payload, in bytes.</param>
/// <param name="HasMore">Whether further fragments follow (the more-fragments flag).</param>
internal readonly record struct FragmentHeader(uint Id, int Start, bool HasMore)
{
    /// <summary>
    /// The length of the longest datagram in bytes: IPv4's total length and IPv6's payload length have 16 bits.
    /// </summary>
    private const int LongestDatagramBytes = ushort.MaxValue;

    /// <summary>The unit of fragment offsets, in bytes.</summary>
    public const int UnitBytes = 8;

    /// <summary>Reads the fields of a frame that was parsed as a fragment.</summary>
    public static FragmentHeader Read(ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        if (layout.IpVersion == 4)
        {
            int field = Network.UInt16(frame, layout.NetworkOffset + Ipv4.FragmentOffset);
            return new FragmentHeader(
                Network.UInt16(frame, layout.NetworkOffset + Ipv4.IdOffset),
                (field & Ipv4.FragmentOffsetMask) * UnitBytes,
                (field & Ipv4.MoreFragments) != 0);
        }

        // The three bits below the offset equal a factor of 8, the offset's unit, so the masked field is the offset in bytes.
        int offset = Network.UInt16(frame, layout.TransportOffset + Ipv6.FragmentFieldOffset);
        return new FragmentHeader(
            Network.UInt32(frame, layout.TransportOffset + Ipv6.FragmentIdOffset),
            offset & Ipv6.FragmentOffsetMask,
            (offset & Ipv6.MoreFragments) != 0);
    }

    /// <summary>
    /// Whether the length of a datagram with this fragment's headers and a given payload fits the IP length field.
    /// </summary>
    public static bool Fits(in FrameLayout layout, int payloadBytes) =>
        layout.TransportOffset - CountedFrom(in layout) + payloadBytes <= LongestDatagramBytes;

    /// <summary>
    /// Turns the headers of a first fragment into those of the whole datagram. The IPv4 header checksum is not updated, because
    /// the reassembled frame is never sent.
    /// </summary>
    /// <param name="headers">Everything before the fragment's payload.</param>
    /// <param name="layout">The layout of the fragment.</param>
    /// <param name="payloadBytes">The length of the datagram's payload, in bytes.</param>
    /// <returns>The offset of the new headers in <paramref name="headers"/>: without IPv6's fragment header they are 8 bytes
    /// shorter.</returns>
    public static int MakeWhole(Span<byte> headers, in FrameLayout layout, int payloadBytes)
    {
        ushort length = (ushort)(layout.TransportOffset - CountedFrom(in layout) + payloadBytes);
        if (layout.IpVersion == 4)
        {
            Span<byte> header = headers[layout.NetworkOffset..];
            int flags = Network.UInt16(header, Ipv4.FragmentOffset) & ~(Ipv4.MoreFragments | Ipv4.FragmentOffsetMask);
            BinaryPrimitives.WriteUInt16BigEndian(header[Ipv4.TotalLengthOffset..], length);
            BinaryPrimitives.WriteUInt16BigEndian(header[Ipv4.FragmentOffset..], (ushort)flags);
            return 0;
        }

        BinaryPrimitives.WriteUInt16BigEndian(headers[(layout.NetworkOffset + Ipv6.PayloadLengthOffset)..], length);
        // The parser has validated this chain, so every header of it lies within the frame.
        int nextHeader = layout.NetworkOffset + Ipv6.NextHeaderOffset;
        for (int at = layout.NetworkOffset + Ipv6.HeaderBytes; at < layout.TransportOffset;)
        {
            nextHeader = at;
            at += (headers[at + 1] + 1) * Ipv6.ExtensionUnitBytes;
        }

        headers[nextHeader] = headers[layout.TransportOffset];
        headers[..layout.TransportOffset].CopyTo(headers[Ipv6.FragmentHeaderBytes..]);
        return Ipv6.FragmentHeaderBytes;
    }

    // IPv4's total length includes the header, IPv6's payload length does not (RFC 8200 section 3).
    private static int CountedFrom(in FrameLayout layout) =>
        layout.NetworkOffset + (layout.IpVersion == 6 ? Ipv6.HeaderBytes : 0);
}
