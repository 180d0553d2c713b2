// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Wire;

/// <summary>
/// Reads a frame's headers once. It checks every length it relies on; what it accepts can be looked at by offset without a check, and
/// what it refuses it names. It never throws, whatever the bytes.
/// </summary>
public static partial class FrameParser
{
    /// <summary>Finds the layers of a frame.</summary>
    /// <param name="frame">Its bytes, no more than a slot has room for.</param>
    /// <param name="layout">Where they are, and how the frame is to be treated.</param>
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
            Refuse(ref layout, MalformedKind.EthernetShort);
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
                Refuse(ref layout, MalformedKind.EthernetShort);
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
                MarkNotCompared(ref layout, ReasonNotToCompare(type));
                break;
        }
    }

    /// <summary>Marks a frame as malformed that was not even to be looked into.</summary>
    internal static void Refuse(MalformedKind kind, out FrameLayout layout)
    {
        layout = default;
        Refuse(ref layout, kind);
    }

    /// <summary>Reads the key of the flow that a parsed frame belongs to.</summary>
    /// <param name="frame">The bytes that <paramref name="layout"/> was parsed from.</param>
    /// <param name="layout">A layout whose kind is neither NotCompared nor Malformed.</param>
    /// <param name="key">The key.</param>
    public static void ReadKey(ReadOnlySpan<byte> frame, in FrameLayout layout, out FlowKey key)
    {
        key = default;
        Span<byte> bytes = MemoryMarshal.AsBytes((Span<uint>)key);
        ReadOnlySpan<byte> network = frame[layout.NetworkOffset..];
        // Source and destination stand together in the header as in the key.
        ReadOnlySpan<byte> addresses = layout.IpVersion == 4
            ? network.Slice(Ipv4.SourceOffset, 2 * sizeof(uint))
            : network.Slice(Ipv6.SourceOffset, 2 * Ipv6.AddressBytes);
        addresses.CopyTo(bytes[(FlowKey.AddressesWord * sizeof(uint))..]);
        if (layout.Kind is FrameKind.Tcp or FrameKind.Udp)
        {
            frame.Slice(layout.TransportOffset, sizeof(uint)).CopyTo(bytes[(FlowKey.PortsWord * sizeof(uint))..]);
        }

        key[FlowKey.ProtocolWord] = FlowKey.ProtocolBits(layout.IpVersion, layout.Protocol, layout.Kind == FrameKind.Fragment);
        key[FlowKey.VlanWord] = VlanBits(in MemoryMarshal.GetReference(frame), layout.VlanTags);
    }

    /// <summary>
    /// Reads the key of the datagram that a fragment belongs to: VLAN tags, addresses, identification and, in IPv4, the protocol; the
    /// fragments of an IPv6 datagram may name different ones (RFC 791 section 3.2, RFC 8200 section 4.5).
    /// </summary>
    internal static void ReadDatagramKey(ReadOnlySpan<byte> frame, in FrameLayout layout, uint id, out FlowKey key)
    {
        ReadKey(frame, in layout, out key);
        byte protocol = layout.IpVersion == 4 ? layout.Protocol : (byte)0;
        key[FlowKey.ProtocolWord] = FlowKey.ProtocolBits(layout.IpVersion, protocol, fragment: true);
        key[FlowKey.DatagramWord] = id;
    }

    /// <summary>The <see cref="FlowKey.VlanWord"/> of a parsed frame.</summary>
    /// <param name="first">Its first byte.</param>
    /// <param name="tags">How many tags it has.</param>
    internal static uint VlanBits(ref readonly byte first, int tags)
    {
        uint bits = 0;
        for (int i = 0; i < tags; i++)
        {
            int tagControl = Network.UInt16(in first, Ethernet.AddressesBytes + (i * Ethernet.TagBytes) + sizeof(ushort));
            bits |= (uint)((tagControl & Ethernet.VlanIdMask) | 0x8000) << (i == 0 ? 16 : 0);
        }

        return bits;
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
            Refuse(ref layout, MalformedKind.IpHeaderShort);
            return;
        }

        int headerBytes = (header[0] & 0xF) * sizeof(uint);
        if (header[0] >> 4 != 4 || headerBytes < Ipv4.LeastHeaderBytes)
        {
            Refuse(ref layout, MalformedKind.IpHeaderInvalid);
            return;
        }

        int totalLength = Network.UInt16(header, Ipv4.TotalLengthOffset);
        if (headerBytes > header.Length)
        {
            Refuse(ref layout, MalformedKind.IpHeaderShort);
            return;
        }

        if (totalLength < headerBytes || totalLength > header.Length)
        {
            Refuse(ref layout, MalformedKind.IpLengthInvalid);
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
            Refuse(ref layout, MalformedKind.IpHeaderShort);
            return;
        }

        int end = layout.NetworkOffset + Ipv6.HeaderBytes + Network.UInt16(header, Ipv6.PayloadLengthOffset);
        if (header[0] >> 4 != 6)
        {
            Refuse(ref layout, MalformedKind.IpHeaderInvalid);
        }
        else if (end > frame.Length)
        {
            Refuse(ref layout, MalformedKind.IpLengthInvalid);
        }
        else if (!WalkExtensions(frame, end, ref layout, out int offset, out bool isFragment))
        {
            Refuse(ref layout, MalformedKind.ExtensionChain);
        }
        else
        {
            layout.IpVersion = 6;
            ParseTransport(frame, offset, end, isFragment, ref layout);
        }
    }

    /// <summary>Walks the extension headers (RFC 8200 section 4). Behind a fragment header nothing is looked at: only the first
    /// fragment has it.</summary>
    private static bool WalkExtensions(ReadOnlySpan<byte> frame, int end, ref FrameLayout layout, out int offset, out bool isFragment)
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
        Accept(ref layout, FrameKind.Tcp, headerBytes >= Tcp.LeastHeaderBytes && headerBytes <= segment.Length, MalformedKind.TcpHeader);
        layout.PayloadOffset += (ushort)headerBytes;
        layout.PayloadLength -= (ushort)headerBytes;
    }

    private static void ParseUdp(ReadOnlySpan<byte> datagram, ref FrameLayout layout)
    {
        int length = datagram.Length < Udp.HeaderBytes ? 0 : Network.UInt16(datagram, Udp.LengthOffset);
        Accept(ref layout, FrameKind.Udp, length >= Udp.HeaderBytes && length <= datagram.Length, MalformedKind.UdpHeader);
        layout.PayloadOffset += Udp.HeaderBytes;
        // What stands between the end of the datagram and the end of the IP payload belongs to neither (RFC 768: "Length").
        layout.PayloadLength = (ushort)(length - Udp.HeaderBytes);
    }

    private static void ParseIcmpV6(ReadOnlySpan<byte> message, ref FrameLayout layout)
    {
        Accept(ref layout, FrameKind.IcmpV6, message.Length >= Icmp.V6HeaderBytes, MalformedKind.IcmpHeader);
        if (layout.Kind == FrameKind.IcmpV6
            && message[0] is (>= Icmp.V6FirstControlType and <= Icmp.V6LastControlType) or Icmp.V6ListenerReport2)
        {
            MarkNotCompared(ref layout, NotComparedReason.NeighborDiscovery);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accept(ref FrameLayout layout, FrameKind kind, bool valid, MalformedKind otherwise)
    {
        layout.Kind = kind;
        if (!valid)
        {
            Refuse(ref layout, otherwise);
        }
    }

    private static void Refuse(ref FrameLayout layout, MalformedKind kind)
    {
        layout.Kind = FrameKind.Malformed;
        layout.Malformed = kind;
    }

    private static void MarkNotCompared(ref FrameLayout layout, NotComparedReason reason)
    {
        layout.Kind = FrameKind.NotCompared;
        layout.NotCompared = reason;
    }
}
