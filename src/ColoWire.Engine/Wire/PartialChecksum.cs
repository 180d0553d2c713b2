// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Wire;

/// <summary>
/// Completes TCP and UDP checksums that a guest has offloaded to its NIC. Such a checksum field contains only the folded sum of
/// the pseudo-header; the NIC would add the segment and invert the sum (Linux Documentation/networking/checksum-offloads.rst;
/// virtio 1.2 section 5.1.6.2). A virtual NIC forwards the frame as it is, and a receiver would discard it.
/// </summary>
/// <remarks>
/// This is an exception to R1, because the guest relies on the NIC to change these bytes. A full checksum equals the sum of the
/// pseudo-header in one of 65,536 frames, and completing it then yields the same value; only a wrong checksum with this value
/// would become correct.
/// </remarks>
internal static class PartialChecksum
{
    /// <summary>
    /// Whether the checksum field of a regular frame (<see cref="FrameLayout.IsRegular"/>) equals the sum of its pseudo-header.
    /// Called for every frame.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsInRegular(in FrameLayout layout, ref readonly byte first)
    {
        int checksumOffset = layout.Kind == FrameKind.Tcp ? Tcp.ChecksumOffset : Udp.ChecksumOffset;
        ulong sum = layout.IpVersion == 4
            ? Words(Network.Raw64(in first, layout.NetworkOffset + Ipv4.SourceOffset))
            : Ipv6AddressesSum(in layout, in first);
        // UDP without a checksum has 0 in the field, which no pseudo-header sums to, because its protocol is not 0.
        return InternetChecksum.Fold(sum + ProtocolAndLength(in layout, layout.TransportOffset))
            == Network.Raw16(in first, layout.TransportOffset + checksumOffset);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Ipv6AddressesSum(in FrameLayout layout, ref readonly byte first)
    {
        int addresses = layout.NetworkOffset + Ipv6.SourceOffset;
        return Words(Network.Raw64(in first, addresses)) + Words(Network.Raw64(in first, addresses + 8))
            + Words(Network.Raw64(in first, addresses + 16)) + Words(Network.Raw64(in first, addresses + 24));
    }

    /// <summary>
    /// The sum of two 32-bit words; a one's complement sum may be computed over words of any length (RFC 1071 section 2).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Words(ulong both) => (uint)both + (both >> 32);

    /// <summary>Completes the checksum of a parsed frame where it is partial.</summary>
    /// <param name="frame">The bytes that <paramref name="layout"/> was parsed from.</param>
    /// <param name="layout">The offsets of the frame's layers.</param>
    /// <returns>Whether the checksum has changed.</returns>
    public static bool TryComplete(Span<byte> frame, in FrameLayout layout)
    {
        if (layout.Kind is not (FrameKind.Tcp or FrameKind.Udp))
        {
            return false;
        }

        Span<byte> transport = frame[layout.TransportOffset..(layout.PayloadOffset + layout.PayloadLength)];
        Span<byte> field = transport.Slice(
            layout.Kind == FrameKind.Tcp ? Tcp.ChecksumOffset : Udp.ChecksumOffset, sizeof(ushort));
        ushort stored = MemoryMarshal.Read<ushort>(field);
        if (stored != PseudoHeaderSum(frame, in layout) || HasOtherAddresses(frame, in layout))
        {
            return false;
        }

        // The field already contains the sum of the pseudo-header.
        ushort full = (ushort)~InternetChecksum.RawSum(transport);
        if (full == 0 && layout.Kind == FrameKind.Udp)
        {
            // 0 would mean "no checksum" (RFC 768, "Checksum").
            full = ushort.MaxValue;
        }

        MemoryMarshal.Write(field, in full);
        return full != stored;
    }

    /// <summary>
    /// The sum of the pseudo-header: addresses, protocol and length (RFC 9293 section 3.1, RFC 768, RFC 8200 section 8.1).
    /// </summary>
    private static ushort PseudoHeaderSum(ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        ReadOnlySpan<byte> addresses = layout.IpVersion == 4
            ? frame.Slice(layout.NetworkOffset + Ipv4.SourceOffset, 2 * sizeof(uint))
            : frame.Slice(layout.NetworkOffset + Ipv6.SourceOffset, 2 * Ipv6.AddressBytes);
        return InternetChecksum.Fold(InternetChecksum.RawSum(addresses) + ProtocolAndLength(in layout, layout.TransportOffset));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong ProtocolAndLength(in FrameLayout layout, int transportOffset)
    {
        uint word = ((uint)layout.Protocol << 16) | (uint)(layout.PayloadOffset + layout.PayloadLength - transportOffset);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word;
    }

    /// <summary>
    /// Whether the pseudo-header may have other addresses than the IPv6 header: with a routing header it has the final
    /// destination (RFC 8200 section 8.1, RFC 6275 section 6.4), with a home address option it has the home address (RFC 6275
    /// section 11.3.1). The sum of the IPv6 header's addresses then equals the field only by chance, and completing would corrupt
    /// a correct checksum.
    /// </summary>
    private static bool HasOtherAddresses(ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        if (layout.IpVersion == 4)
        {
            return false;
        }

        // The parser has validated this chain, which ends at the transport offset.
        byte next = frame[layout.NetworkOffset + Ipv6.NextHeaderOffset];
        for (int at = layout.NetworkOffset + Ipv6.HeaderBytes; at < layout.TransportOffset;)
        {
            int headerBytes = (frame[at + 1] + 1) * Ipv6.ExtensionUnitBytes;
            if (next == Protocol.Routing
                || (next == Protocol.DestinationOptions && HasHomeAddress(frame.Slice(at, headerBytes))))
            {
                return true;
            }

            next = frame[at];
            at += headerBytes;
        }

        return false;
    }

    /// <summary>
    /// Whether a destination options header contains a home address option. The options follow its first two bytes, each with
    /// type, length and value (RFC 8200 section 4.2).
    /// </summary>
    private static bool HasHomeAddress(ReadOnlySpan<byte> header)
    {
        for (int at = Ipv6.OptionsOffset; at < header.Length;)
        {
            byte type = header[at];
            if (type == Ipv6.OptionHomeAddress)
            {
                return true;
            }

            bool isAlone = type == Ipv6.OptionPad1 || at + 1 == header.Length;
            at += isAlone ? 1 : 2 + header[at + 1];
        }

        return false;
    }
}
