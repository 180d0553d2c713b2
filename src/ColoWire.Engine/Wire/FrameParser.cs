// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;

namespace ColoWire.Engine.Wire;

/// <summary>
/// Parses a frame's headers once. It checks every length that it uses: an accepted frame can be accessed by offset without
/// checks, and a refused frame gets its <see cref="MalformedKind"/>. It never throws, for any input.
/// </summary>
public static partial class FrameParser
{
    /// <summary>Finds the layers of a frame.</summary>
    /// <param name="frame">The bytes of the frame, at most the size of a slot.</param>
    /// <param name="layout">The offsets of the layers and the kind of the frame.</param>
    public static void Parse(ReadOnlySpan<byte> frame, out FrameLayout layout)
    {
        if (!TryParseRegular(frame, out layout))
        {
            ParseAny(frame, out layout);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void ParseAny(ReadOnlySpan<byte> frame, out FrameLayout layout)
    {
        layout = default;
        if (frame.Length < Ethernet.HeaderBytes)
        {
            layout.MarkMalformed(MalformedKind.EthernetShort);
            return;
        }

        int offset = Ethernet.TypeOffset;
        ushort type = Network.UInt16(frame, offset);
        while (type is Ethernet.TypeVlan or Ethernet.TypeServiceVlan && layout.VlanTags < EngineLimits.MaxVlanTags)
        {
            offset += Ethernet.TagBytes;
            layout.VlanTags++;
            if (frame.Length < offset + sizeof(ushort))
            {
                layout.MarkMalformed(MalformedKind.EthernetShort);
                return;
            }

            type = Network.UInt16(frame, offset);
        }

        layout.NetworkOffset = (ushort)(offset + sizeof(ushort));
        switch (type)
        {
            case Ethernet.TypeIpv4:
                ParseIpv4(frame, ref layout);
                break;
            case Ethernet.TypeIpv6:
                ParseIpv6(frame, ref layout);
                break;
            default:
                layout.MarkNotCompared(ReasonNotToCompare(type));
                break;
        }
    }

    /// <summary>Marks a frame as malformed without parsing it.</summary>
    internal static void Refuse(MalformedKind kind, out FrameLayout layout)
    {
        layout = default;
        layout.MarkMalformed(kind);
    }

    private static NotComparedReason ReasonNotToCompare(ushort type) => type switch
    {
        < Ethernet.LeastType => NotComparedReason.Llc,
        Ethernet.TypeArp => NotComparedReason.Arp,
        Ethernet.TypeLldp => NotComparedReason.Lldp,
        Ethernet.TypeMplsUnicast or Ethernet.TypeMplsMulticast => NotComparedReason.Mpls,
        _ => NotComparedReason.OtherEtherType,
    };

    private static void ParseIpv4(ReadOnlySpan<byte> frame, ref FrameLayout layout)
    {
        ReadOnlySpan<byte> header = frame[layout.NetworkOffset..];
        if (header.Length < Ipv4.LeastHeaderBytes)
        {
            layout.MarkMalformed(MalformedKind.IpHeaderShort);
            return;
        }

        int headerBytes = (header[0] & 0xF) * sizeof(uint);
        if (header[0] >> 4 != 4 || headerBytes < Ipv4.LeastHeaderBytes)
        {
            layout.MarkMalformed(MalformedKind.IpHeaderInvalid);
            return;
        }

        int totalLength = Network.UInt16(header, Ipv4.TotalLengthOffset);
        if (headerBytes > header.Length)
        {
            layout.MarkMalformed(MalformedKind.IpHeaderShort);
            return;
        }

        if (totalLength < headerBytes || totalLength > header.Length)
        {
            layout.MarkMalformed(MalformedKind.IpLengthInvalid);
            return;
        }

        layout.IpVersion = 4;
        layout.Protocol = header[Ipv4.ProtocolOffset];
        int fragment = Network.UInt16(header, Ipv4.FragmentOffset);
        bool isFragment = (fragment & (Ipv4.MoreFragments | Ipv4.FragmentOffsetMask)) != 0;
        ParseTransport(frame, layout.NetworkOffset + headerBytes, layout.NetworkOffset + totalLength, isFragment, ref layout);
    }

    private static void ParseIpv6(ReadOnlySpan<byte> frame, ref FrameLayout layout)
    {
        ReadOnlySpan<byte> header = frame[layout.NetworkOffset..];
        if (header.Length < Ipv6.HeaderBytes)
        {
            layout.MarkMalformed(MalformedKind.IpHeaderShort);
            return;
        }

        int end = layout.NetworkOffset + Ipv6.HeaderBytes + Network.UInt16(header, Ipv6.PayloadLengthOffset);
        if (header[0] >> 4 != 6)
        {
            layout.MarkMalformed(MalformedKind.IpHeaderInvalid);
        }
        else if (end > frame.Length)
        {
            layout.MarkMalformed(MalformedKind.IpLengthInvalid);
        }
        else if (!WalkExtensions(frame, end, ref layout, out int offset, out bool isFragment))
        {
            layout.MarkMalformed(MalformedKind.ExtensionChain);
        }
        else
        {
            layout.IpVersion = 6;
            ParseTransport(frame, offset, end, isFragment, ref layout);
        }
    }

    /// <summary>
    /// Walks the extension headers (RFC 8200 section 4). It stops at a fragment header, because only the first fragment contains
    /// the headers that follow.
    /// </summary>
    private static bool WalkExtensions(
        ReadOnlySpan<byte> frame, int end, ref FrameLayout layout, out int offset, out bool isFragment)
    {
        offset = layout.NetworkOffset + Ipv6.HeaderBytes;
        isFragment = false;
        byte next = frame[layout.NetworkOffset + Ipv6.NextHeaderOffset];
        for (int headers = 0; ; headers++)
        {
            layout.Protocol = next;
            if (next == Protocol.Fragment)
            {
                isFragment = true;
                bool whole = end - offset >= Ipv6.FragmentHeaderBytes;
                layout.Protocol = whole ? frame[offset] : next;
                return whole;
            }

            if (next is not (Protocol.HopByHop or Protocol.Routing or Protocol.DestinationOptions or Protocol.Mobility))
            {
                return true;
            }

            if (headers == EngineLimits.MaxExtensionHeaders || end - offset < Ipv6.ExtensionUnitBytes)
            {
                return false;
            }

            next = frame[offset];
            offset += (frame[offset + 1] + 1) * Ipv6.ExtensionUnitBytes;
            if (offset > end)
            {
                return false;
            }
        }
    }

    private static void ParseTransport(ReadOnlySpan<byte> frame, int offset, int end, bool isFragment, ref FrameLayout layout)
    {
        layout.TransportOffset = (ushort)offset;
        layout.PayloadOffset = (ushort)offset;
        layout.PayloadLength = (ushort)(end - offset);
        if (isFragment)
        {
            ushort headerBytes = layout.IpVersion == 6 ? (ushort)Ipv6.FragmentHeaderBytes : (ushort)0;
            layout.Kind = FrameKind.Fragment;
            layout.PayloadOffset += headerBytes;
            layout.PayloadLength -= headerBytes;
            return;
        }

        ReadOnlySpan<byte> transport = frame[offset..end];
        switch (layout.Protocol)
        {
            case Protocol.Tcp:
                ParseTcp(transport, ref layout);
                break;
            case Protocol.Udp:
                ParseUdp(transport, ref layout);
                break;
            case Protocol.Icmp when layout.IpVersion == 4:
                Accept(ref layout, FrameKind.Icmp, transport.Length >= Icmp.HeaderBytes, MalformedKind.IcmpHeader);
                break;
            case Protocol.IcmpV6 when layout.IpVersion == 6:
                ParseIcmpV6(transport, ref layout);
                break;
            default:
                layout.Kind = FrameKind.OtherIp;
                break;
        }
    }

    private static void ParseTcp(ReadOnlySpan<byte> segment, ref FrameLayout layout)
    {
        int headerBytes = segment.Length < Tcp.LeastHeaderBytes ? 0 : (segment[Tcp.DataOffsetOffset] >> 4) * sizeof(uint);
        Accept(ref layout, FrameKind.Tcp, headerBytes >= Tcp.LeastHeaderBytes && headerBytes <= segment.Length,
            MalformedKind.TcpHeader);
        layout.PayloadOffset += (ushort)headerBytes;
        layout.PayloadLength -= (ushort)headerBytes;
    }

    private static void ParseUdp(ReadOnlySpan<byte> datagram, ref FrameLayout layout)
    {
        int length = datagram.Length < Udp.HeaderBytes ? 0 : Network.UInt16(datagram, Udp.LengthOffset);
        Accept(ref layout, FrameKind.Udp, length >= Udp.HeaderBytes && length <= datagram.Length, MalformedKind.UdpHeader);
        layout.PayloadOffset += Udp.HeaderBytes;
        // Bytes between the end of the datagram and the end of the IP payload belong to neither (RFC 768, "Length").
        layout.PayloadLength = (ushort)(length - Udp.HeaderBytes);
    }

    private static void ParseIcmpV6(ReadOnlySpan<byte> message, ref FrameLayout layout)
    {
        Accept(ref layout, FrameKind.IcmpV6, message.Length >= Icmp.V6HeaderBytes, MalformedKind.IcmpHeader);
        if (layout.Kind == FrameKind.IcmpV6
            && message[0] is (>= Icmp.V6FirstControlType and <= Icmp.V6LastControlType) or Icmp.V6ListenerReport2)
        {
            layout.MarkNotCompared(NotComparedReason.NeighborDiscovery);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accept(ref FrameLayout layout, FrameKind kind, bool valid, MalformedKind otherwise)
    {
        layout.Kind = kind;
        if (!valid)
        {
            layout.MarkMalformed(otherwise);
        }
    }
}
