// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.TwinMaker;

/// <summary>Which parts of a frame ColoWire compares, by its own rules: a harm may change only these.</summary>
internal static class ColoWireRules
{
    private const int MostVlanTags = 2;
    private const int VlanTagsOffset = 12;
    private const int OldServiceTag = 0x9100;
    private const int Ipv4HeaderLeast = 20;
    private const int Ipv6HeaderLength = 40;
    private const int PortsLength = 4;

    /// <summary>Length in bytes of an ICMP message's type, code, checksum, and identifier or the 2 bytes in its place (RFC
    /// 792).</summary>
    private const int IcmpHead = 6;

    /// <summary>Whether ColoWire holds the frame until its twin arrives. It does not hold frames that pass by their protocol, and
    /// malformed ones.</summary>
    public static bool IsCompared(TwinFrame frame)
    {
        if (frame.IsCopied || frame.Layout.VlanIds.Count > MostVlanTags || HasOldServiceTag(frame))
            return false;
        if (frame.Layout.Transport != Transport.Other)
            return true;
        bool isKnownButBroken = frame.Layout.IpProtocol is 1 or 6 or 17 or 58;
        return frame.Layout.IsFragment || (!isKnownButBroken && !IsPassed(frame.Layout.IpProtocol) && !IsHeader(frame.Layout.IpProtocol));
    }

    /// <summary>The bytes of a datagram's frame that no rule tolerates; empty where there are none.</summary>
    public static Range HardBytes(TwinFrame frame)
    {
        FrameLayout layout = frame.Layout;
        int start = layout.TransportOffset;
        return layout.Transport switch
        {
            Transport.Udp => layout.PayloadOffset..layout.PayloadEnd,
            Transport.Icmp when frame.Bytes[start] is 0 or 8 => (start + IcmpHead)..layout.IpEnd,
            Transport.IcmpV6 when frame.Bytes[start] is 128 or 129 => (start + IcmpHead)..layout.IpEnd,
            Transport.Icmp when frame.Bytes[start] is 3 or 4 or 5 or 11 or 12 => EmbeddedPorts(frame),
            Transport.IcmpV6 when frame.Bytes[start] is 1 or 2 or 3 or 4 => EmbeddedPorts(frame),
            Transport.Icmp or Transport.IcmpV6 => layout.PayloadOffset..layout.IpEnd,
            _ => start..layout.IpEnd,
        };
    }

    /// <summary>Protocols that differ between any two guests: IGMP, SCTP, ESP and AH.</summary>
    private static bool IsPassed(int protocol) => protocol is 2 or 132 or 50 or 51;

    /// <summary>IPv6 extension headers that TwinMaker does not parse.</summary>
    private static bool IsHeader(int protocol) => protocol is 0 or 43 or 44 or 59 or 60 or 135;

    private static bool HasOldServiceTag(TwinFrame frame)
    {
        for (int tag = 0; tag < frame.Layout.VlanIds.Count; tag++)
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(frame.Bytes.AsSpan(VlanTagsOffset + (4 * tag))) == OldServiceTag)
                return true;
        }

        return false;
    }

    /// <summary>The ports in an ICMP error's copy of a packet. The copied IP header may differ because of the packet's path; its
    /// ports do not.</summary>
    private static Range EmbeddedPorts(TwinFrame frame)
    {
        int packet = frame.Layout.PayloadOffset;
        int length = frame.Layout.IpEnd - packet;
        int header = frame.Layout.IpVersion == 6 ? Ipv6HeaderLength
            : length < Ipv4HeaderLeast ? length : IpHeader.Ipv4HeaderLength(frame.Bytes.AsSpan(packet));
        if (header + PortsLength > length)
            return packet..packet;
        byte protocol = frame.Bytes[packet + (frame.Layout.IpVersion == 6 ? 6 : 9)];
        return protocol is 6 or 17 ? (packet + header)..(packet + header + PortsLength) : packet..packet;
    }
}
