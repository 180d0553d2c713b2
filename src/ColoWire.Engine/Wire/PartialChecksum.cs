// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Wire;

/// <summary>
/// The checksum that a guest has left to its NIC: in the field of TCP or UDP stands only the sum of the pseudo-header, folded, for the NIC
/// to go on from and to invert (Linux Documentation/networking/checksum-offloads.rst; virtio 1.2 section 5.1.6.2). A virtual NIC hands the
/// frame on as it is, and no receiver would take it.
/// </summary>
/// <remarks>
/// What is found is completed: it is the one exception to R1, for the guest never meant these bytes for a wire. A full checksum is the
/// pseudo-header's sum once in 65,536 frames, and completing comes to the same value then. Only one that is wrong as well would be made right.
/// </remarks>
internal static class PartialChecksum
{
    /// <summary>Whether a regular frame (<see cref="FrameLayout.IsRegular"/>) looks as if it had one. Asked for every frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsInRegular(in FrameLayout layout, ref readonly byte first)
    {
        int checksumOffset = layout.Kind == FrameKind.Tcp ? Tcp.ChecksumOffset : Udp.ChecksumOffset;
        ulong sum = layout.IpVersion == 4
            ? Words(Network.Raw64(in first, layout.NetworkOffset + Ipv4.SourceOffset))
            : Ipv6AddressesSum(in layout, in first);
        // UDP without a checksum has 0 here, which is the sum of no pseudo-header: its protocol is not 0.
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

    /// <summary>The sum of the two words of 32 bits; a one's complement sum may be taken over words of any length (RFC 1071
    /// section 2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Words(ulong both) => (uint)both + (both >> 32);

    /// <summary>Completes the checksum of a parsed frame of any kind, where it is partial.</summary>
    /// <param name="frame">The bytes that <paramref name="layout"/> was parsed from.</param>
    /// <param name="layout">Where its layers are.</param>
    /// <returns>Whether its bytes have changed.</returns>
    public static bool TryComplete(Span<byte> frame, in FrameLayout layout)
    {
        if (layout.Kind is not (FrameKind.Tcp or FrameKind.Udp))
        {
            return false;
        }

        Span<byte> transport = frame[layout.TransportOffset..(layout.PayloadOffset + layout.PayloadLength)];
        Span<byte> field = transport.Slice(layout.Kind == FrameKind.Tcp ? Tcp.ChecksumOffset : Udp.ChecksumOffset, sizeof(ushort));
        ushort stored = MemoryMarshal.Read<ushort>(field);
        if (stored != PseudoHeaderSum(frame, in layout) || HasOtherAddresses(frame, in layout))
        {
            return false;
        }

        // The pseudo-header's sum is in the field already.
        ushort full = (ushort)~InternetChecksum.RawSum(transport);
        if (full == 0 && layout.Kind == FrameKind.Udp)
        {
            // 0 would say that there is none (RFC 768, "Checksum").
            full = ushort.MaxValue;
        }

        MemoryMarshal.Write(field, in full);
        return full != stored;
    }

    /// <summary>Addresses, protocol and length of the transport (RFC 9293 section 3.1, RFC 768, RFC 8200 section 8.1).</summary>
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
    /// Whether the addresses of the pseudo-header may be others than those of the IPv6 header: with a routing header it has the final
    /// destination (RFC 8200 section 8.1, RFC 6275 section 6.4), with a home address option that (RFC 6275 section 11.3.1). The sum of
    /// the header's addresses equals the field only by chance then, and what was right would be made wrong.
    /// </summary>
    private static bool HasOtherAddresses(ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        if (layout.IpVersion == 4)
        {
            return false;
        }

        // The parser has walked this chain and knows that it ends where the transport begins.
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

    /// <summary>Looks through a destination options header: its first two bytes, then type, length and value of each (RFC 8200 section 4.2).</summary>
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
