// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Translate;

/// <summary>
/// The TCP segment of a guest that an ICMP error (RFC 792) or ICMPv6 error (RFC 4443 section 2.1) quotes: the IP header and at
/// least the first 8 bytes of the TCP header, which end with the sequence number. The guest acts on the error only when the
/// quoted sequence number is one that it has sent and that is not acknowledged (RFC 5927 section 4.1).
/// </summary>
/// <param name="NetworkOffset">The offset of the quoted IP header in the ICMP message, in bytes.</param>
/// <param name="TransportOffset">The offset of the quoted TCP header in the ICMP message, in bytes; it is even.</param>
/// <param name="End">The offset of the end of the quote in the ICMP message, in bytes.</param>
internal readonly record struct QuotedSegment(int NetworkOffset, int TransportOffset, int End)
{
    /// <summary>The bytes of a TCP header that every error quotes (RFC 792): ports and sequence number.</summary>
    private const int LeastQuotedBytes = 8;

    /// <summary>Finds the quoted segment.</summary>
    /// <param name="frame">The bytes of the frame.</param>
    /// <param name="layout">The layout that was parsed from these bytes.</param>
    /// <param name="quoted">The quoted segment.</param>
    /// <returns>False for all other frames; when the quote ends before the TCP sequence number; when the quoted packet is a
    /// fragment other than the first one; and behind IPv6 extension headers that are unknown or more than
    /// <see cref="EngineLimits.MaxExtensionHeaders"/>.</returns>
    public static bool TryFind(ReadOnlySpan<byte> frame, in FrameLayout layout, out QuotedSegment quoted)
    {
        quoted = default;
        if (layout.Kind is not (FrameKind.Icmp or FrameKind.IcmpV6))
        {
            return false;
        }

        ReadOnlySpan<byte> message = frame.Slice(layout.PayloadOffset, layout.PayloadLength);
        bool isIpv4 = layout.Kind == FrameKind.Icmp;
        if (message.Length < Icmp.HeaderBytes || !IsError(message[0], isIpv4))
        {
            return false;
        }

        int end = EndOfQuote(message, isIpv4);
        ReadOnlySpan<byte> packet = message[Icmp.HeaderBytes..end];
        int headerBytes = isIpv4 ? Ipv4HeadersBytes(packet) : Ipv6HeadersBytes(packet);
        quoted = new QuotedSegment(Icmp.HeaderBytes, Icmp.HeaderBytes + headerBytes, end);
        return headerBytes != 0 && packet.Length - headerBytes >= LeastQuotedBytes;
    }

    /// <summary>
    /// Reads the key of the quoted segment's flow, as the guest sends it. The VLAN tags are those of the error.
    /// </summary>
    /// <param name="frame">The bytes of the frame.</param>
    /// <param name="layout">The layout that was parsed from these bytes.</param>
    /// <param name="key">The key.</param>
    public void ReadKey(ReadOnlySpan<byte> frame, in FrameLayout layout, out FlowKey key)
    {
        key = default;
        ReadOnlySpan<byte> message = frame.Slice(layout.PayloadOffset, layout.PayloadLength);
        ReadOnlySpan<byte> addresses = layout.IpVersion == 4
            ? message.Slice(NetworkOffset + Ipv4.SourceOffset, 2 * sizeof(uint))
            : message.Slice(NetworkOffset + Ipv6.SourceOffset, 2 * Ipv6.AddressBytes);
        Span<byte> bytes = MemoryMarshal.AsBytes((Span<uint>)key);
        addresses.CopyTo(bytes[(FlowKey.AddressesWord * sizeof(uint))..]);
        message.Slice(TransportOffset, sizeof(uint)).CopyTo(bytes[(FlowKey.PortsWord * sizeof(uint))..]);
        key[FlowKey.ProtocolWord] = FlowKey.ProtocolBits(layout.IpVersion, Protocol.Tcp, fragment: false);
        key[FlowKey.VlanWord] = FlowKey.VlanBits(in MemoryMarshal.GetReference(frame), layout.VlanTags);
    }

    /// <summary>
    /// Rewrites the quoted sequence number to that of the replica. The replica's own segment has another TCP checksum for the
    /// same reason, so that checksum is updated where the quote contains it, and the ICMP checksum for both. All other quoted
    /// fields stay, because receivers do not compare them.
    /// </summary>
    /// <param name="frame">The bytes of the frame.</param>
    /// <param name="layout">The layout that was parsed from these bytes.</param>
    /// <param name="translation">The translation of the quoted segment's connection for this replica.</param>
    public static TranslationOutcome ToReplica(Span<byte> frame, in FrameLayout layout, in Translation translation)
    {
        if (translation.SequenceOffset == 0 || !TryFind(frame, in layout, out QuotedSegment quoted))
        {
            return TranslationOutcome.Unchanged;
        }

        Span<byte> message = frame.Slice(layout.PayloadOffset, layout.PayloadLength);
        int sequence = quoted.TransportOffset + Tcp.SequenceOffset;
        int tcpChecksum = quoted.TransportOffset + Tcp.ChecksumOffset;
        ChecksumUpdate checksum = default;
        checksum.Replace32(message, sequence, Network.UInt32(message, sequence) + translation.SequenceOffset);
        if (tcpChecksum + sizeof(ushort) <= quoted.End)
        {
            checksum.Replace16(message, tcpChecksum, checksum.Update(Network.UInt16(message, tcpChecksum)));
        }

        checksum.ApplyTo(message, Icmp.ChecksumOffset);
        return TranslationOutcome.Translated;
    }

    private static bool IsError(byte type, bool isIpv4) =>
        isIpv4 ? Icmp.IsError(type) : type is >= Icmp.V6FirstErrorType and <= Icmp.V6LastErrorType;

    /// <summary>
    /// The end of the quote in a message. Some errors say how long the quote is, because extensions follow it (RFC 4884 sections
    /// 4.1 to 4.5): in 32-bit words in ICMP, in 64-bit words in ICMPv6; 0 where nothing follows.
    /// </summary>
    private static int EndOfQuote(ReadOnlySpan<byte> message, bool isIpv4)
    {
        int quotedBytes = (message[0], isIpv4) switch
        {
            (Icmp.Unreachable or Icmp.TimeExceeded or Icmp.ParameterProblem, true) =>
                message[Icmp.QuoteLengthOffset] * sizeof(uint),
            (Icmp.V6Unreachable or Icmp.V6TimeExceeded, false) => message[Icmp.V6QuoteLengthOffset] * sizeof(ulong),
            _ => 0,
        };
        return quotedBytes == 0 ? message.Length : int.Min(message.Length, Icmp.HeaderBytes + quotedBytes);
    }

    /// <summary>The length of a quoted IPv4 header before TCP, or 0 when it is no such header.</summary>
    private static int Ipv4HeadersBytes(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < Ipv4.LeastHeaderBytes || packet[0] >> 4 != 4 || packet[Ipv4.ProtocolOffset] != Protocol.Tcp
            || (Network.UInt16(packet, Ipv4.FragmentOffset) & Ipv4.FragmentOffsetMask) != 0)
        {
            return 0;
        }

        int headerBytes = (packet[0] & 0xF) * sizeof(uint);
        return headerBytes < Ipv4.LeastHeaderBytes ? 0 : headerBytes;
    }

    /// <summary>The length of a quoted IPv6 header and its extension headers before TCP, or 0 when they are none.</summary>
    private static int Ipv6HeadersBytes(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < Ipv6.HeaderBytes || packet[0] >> 4 != 6)
        {
            return 0;
        }

        byte next = packet[Ipv6.NextHeaderOffset];
        int at = Ipv6.HeaderBytes;
        for (int headers = 0; next != Protocol.Tcp; headers++)
        {
            if (headers == EngineLimits.MaxExtensionHeaders || packet.Length - at < Ipv6.ExtensionUnitBytes)
            {
                return 0;
            }

            int headerBytes = ExtensionBytes(next, packet[at..]);
            if (headerBytes == 0)
            {
                return 0;
            }

            next = packet[at];
            at += headerBytes;
        }

        return at;
    }

    /// <summary>
    /// The length of an extension header (RFC 8200 section 4), or 0 when TCP cannot follow it: an unknown header, or the fragment
    /// header of a fragment other than the first one.
    /// </summary>
    /// <param name="kind">The kind of the header.</param>
    /// <param name="header">The packet from this header on, at least 8 bytes.</param>
    private static int ExtensionBytes(byte kind, ReadOnlySpan<byte> header) => kind switch
    {
        Protocol.Fragment => (Network.UInt16(header, Ipv6.FragmentFieldOffset) & Ipv6.FragmentOffsetMask) == 0
            ? Ipv6.FragmentHeaderBytes : 0,
        Protocol.HopByHop or Protocol.Routing or Protocol.DestinationOptions or Protocol.Mobility =>
            (header[1] + 1) * Ipv6.ExtensionUnitBytes,
        _ => 0,
    };
}
