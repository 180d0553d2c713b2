// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace ColoWire.TwinMaker;

internal enum Transport
{
    /// <summary>An unknown or malformed protocol, or one that TwinMaker does not change.</summary>
    Other,
    Tcp,
    Udp,
    Icmp,
    IcmpV6,
}

/// <summary>The offsets of a frame's headers. A frame that cannot be parsed completely has
/// <see cref="Transport.Other"/>.</summary>
internal sealed class FrameLayout
{
    private const int EthernetLength = 14;
    private const int EtherTypeIpv4 = 0x0800;
    private const int EtherTypeIpv6 = 0x86DD;
    private const int Ipv6HeaderLength = 40;
    private const int NextHeaderHopByHop = 0;
    private const int NextHeaderFragment = 44;
    private const int NextHeaderDestination = 60;

    private FrameLayout()
    {
    }

    public List<int> VlanIds { get; } = [];

    public int EtherType { get; private set; }

    /// <summary>4, 6, or 0 for a frame without IP.</summary>
    public int IpVersion { get; private set; }

    public int IpOffset { get; private set; }

    /// <summary>The end of the IP packet; the bytes behind it are Ethernet padding.</summary>
    public int IpEnd { get; private set; }

    public int IpProtocol { get; private set; }

    public Transport Transport { get; private set; }

    public int TransportOffset { get; private set; }

    public int PayloadOffset { get; private set; }

    public int PayloadEnd { get; private set; }

    public int PayloadLength => PayloadEnd - PayloadOffset;

    public bool IsFragment { get; private set; }

    public bool IsFirstFragment { get; private set; }

    /// <summary>The offset of the IPv6 fragment header, or 0 where there is none.</summary>
    public int Ipv6FragmentOffset { get; private set; }

    public static FrameLayout Of(ReadOnlySpan<byte> frame)
    {
        FrameLayout layout = new();
        int offset = EthernetLength - 2;
        while (offset + 2 <= frame.Length && IsVlanTag(ReadUInt16(frame, offset)) && offset + 6 <= frame.Length)
        {
            layout.VlanIds.Add(ReadUInt16(frame, offset + 2) & 0x0FFF);
            offset += 4;
        }

        if (offset + 2 > frame.Length)
            return layout;

        layout.EtherType = ReadUInt16(frame, offset);
        layout.IpOffset = offset + 2;
        if (layout.EtherType == EtherTypeIpv4)
            layout.ParseIpv4(frame);
        else if (layout.EtherType == EtherTypeIpv6)
            layout.ParseIpv6(frame);
        return layout;
    }

    private static bool IsVlanTag(int etherType) => etherType is 0x8100 or 0x88A8 or 0x9100;

    private void ParseIpv4(ReadOnlySpan<byte> frame)
    {
        ReadOnlySpan<byte> packet = frame[IpOffset..];
        if (packet.Length < 20 || packet[0] >> 4 != 4)
            return;
        int headerLength = (packet[0] & 0x0F) * 4;
        int totalLength = ReadUInt16(packet, 2);
        if (headerLength < 20 || totalLength < headerLength || totalLength > packet.Length)
            return;

        IpVersion = 4;
        IpEnd = IpOffset + totalLength;
        IpProtocol = packet[9];
        int fragment = ReadUInt16(packet, 6);
        IsFragment = (fragment & 0x3FFF) != 0;
        IsFirstFragment = IsFragment && (fragment & 0x1FFF) == 0;
        ParseTransport(frame, IpOffset + headerLength);
    }

    private void ParseIpv6(ReadOnlySpan<byte> frame)
    {
        ReadOnlySpan<byte> packet = frame[IpOffset..];
        if (packet.Length < Ipv6HeaderLength || packet[0] >> 4 != 6)
            return;
        int payloadLength = ReadUInt16(packet, 4);
        if (payloadLength == 0 || Ipv6HeaderLength + payloadLength > packet.Length)
            return;

        IpVersion = 6;
        IpEnd = IpOffset + Ipv6HeaderLength + payloadLength;
        IpProtocol = packet[6];
        int offset = IpOffset + Ipv6HeaderLength;

        // With a routing header the checksum covers the final destination (RFC 8200 section 8.1): such a packet is copied.
        while (IpProtocol is NextHeaderHopByHop or NextHeaderDestination or NextHeaderFragment)
        {
            if (offset + 8 > IpEnd)
                return;
            int length = 8;
            if (IpProtocol == NextHeaderFragment)
                NoteIpv6Fragment(frame, offset);
            else
                length += 8 * frame[offset + 1];
            IpProtocol = frame[offset];
            offset += length;
            if (IsFragment && !IsFirstFragment)
                break;
        }

        ParseTransport(frame, offset);
    }

    private void NoteIpv6Fragment(ReadOnlySpan<byte> frame, int offset)
    {
        int fragment = ReadUInt16(frame, offset + 2);
        Ipv6FragmentOffset = offset;
        IsFragment = (fragment & 0xFFF9) != 0;
        IsFirstFragment = IsFragment && (fragment & 0xFFF8) == 0;
    }

    private void ParseTransport(ReadOnlySpan<byte> frame, int offset)
    {
        TransportOffset = offset;
        if (IsFragment && !IsFirstFragment)
            return;

        int left = IpEnd - offset;
        if (IpProtocol == 6 && left >= 20)
        {
            int headerLength = (frame[offset + 12] >> 4) * 4;
            if (headerLength >= 20 && headerLength <= left)
                Accept(Transport.Tcp, offset + headerLength, IpEnd);
        }
        else if (IpProtocol == 17 && left >= 8)
        {
            int length = ReadUInt16(frame, offset + 4);
            if (IsFragment)
                Accept(Transport.Udp, offset + 8, IpEnd);
            else if (length >= 8 && length <= left)
                Accept(Transport.Udp, offset + 8, offset + length);
        }
        else if (IpProtocol == 1 && IpVersion == 4 && left >= 8)
        {
            Accept(Transport.Icmp, offset + 8, IpEnd);
        }
        else if (IpProtocol == 58 && IpVersion == 6 && left >= 8)
        {
            Accept(Transport.IcmpV6, offset + 8, IpEnd);
        }
    }

    private void Accept(Transport transport, int payloadOffset, int payloadEnd)
    {
        Transport = transport;
        PayloadOffset = payloadOffset;
        PayloadEnd = payloadEnd;
    }

    private static int ReadUInt16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16BigEndian(bytes[offset..]);
}
