// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.Engine.Wire;

/// <summary>Which part of its datagram a fragment is (RFC 791 section 3.2, RFC 8200 section 4.5).</summary>
/// <param name="Id">The identification: 16 bits in IPv4, 32 in IPv6.</param>
/// <param name="Start">Where its payload stands in the datagram's, in bytes.</param>
/// <param name="HasMore">Whether another fragment stands behind it.</param>
internal readonly record struct FragmentHeader(uint Id, int Start, bool HasMore)
{
    /// <summary>The longest datagram: IPv4's total length, and IPv6's payload length, are 16 bits.</summary>
    private const int LongestDatagramBytes = ushort.MaxValue;

    /// <summary>Fragments begin at multiples of this many bytes.</summary>
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

        // The offset's unit and the width of the bits below it are the same: no shift is needed.
        int offset = Network.UInt16(frame, layout.TransportOffset + Ipv6.FragmentFieldOffset);
        return new FragmentHeader(
            Network.UInt32(frame, layout.TransportOffset + Ipv6.FragmentIdOffset),
            offset & Ipv6.FragmentOffsetMask,
            (offset & Ipv6.MoreFragments) != 0);
    }

    /// <summary>Whether a datagram with this fragment's headers and so much payload has a length that IP can express.</summary>
    public static bool Fits(in FrameLayout layout, int payloadBytes) =>
        layout.TransportOffset - CountedFrom(in layout) + payloadBytes <= LongestDatagramBytes;

    /// <summary>Makes the headers of a first fragment those of the whole datagram. A checksum of IPv4 is not made anew: nothing looks
    /// at it, and the frame never leaves.</summary>
    /// <param name="headers">Everything before the fragment's payload.</param>
    /// <param name="layout">The layout of the fragment.</param>
    /// <param name="payloadBytes">Payload of the datagram.</param>
    /// <returns>Where in <paramref name="headers"/> the new ones begin: without IPv6's fragment header they are shorter.</returns>
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
        // The parser has walked this chain, so every header of it lies within the frame.
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

    // IPv4's length counts its own header, IPv6's does not.
    private static int CountedFrom(in FrameLayout layout) =>
        layout.NetworkOffset + (layout.IpVersion == 6 ? Ipv6.HeaderBytes : 0);
}
