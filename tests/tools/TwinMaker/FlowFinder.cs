// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.Net;

namespace ColoWire.TwinMaker;

/// <summary>Finds the flow of a frame; a later fragment belongs to the flow of its datagram's first one.</summary>
internal sealed class FlowFinder
{
    private readonly Dictionary<(FlowKey Addresses, uint Identification), FlowKey> _flowsOfFragments = [];

    public FlowKey FlowOf(ReadOnlySpan<byte> frame)
    {
        FrameLayout layout = FrameLayout.Of(frame);
        string vlans = string.Join('.', layout.VlanIds);
        if (layout.IpVersion == 0)
            return new FlowKey(vlans, $"0x{layout.EtherType:x4}", string.Empty, 0, string.Empty, 0);

        FlowKey flow = new(vlans, ProtocolName(layout), AddressAt(frame, layout, 0), 0, AddressAt(frame, layout, 1), 0);
        if (!layout.IsFragment)
            return WithPorts(flow, frame, layout);

        (FlowKey, uint) datagram = (flow, Identification(frame, layout));
        if (layout.IsFirstFragment)
            _flowsOfFragments[datagram] = WithPorts(flow, frame, layout);
        return _flowsOfFragments.GetValueOrDefault(datagram, flow);
    }

    /// <summary>What the fragments of a datagram have in common.</summary>
    public static uint Identification(ReadOnlySpan<byte> frame, FrameLayout layout) => layout.IpVersion == 4
        ? IpHeader.Ipv4Identification(frame[layout.IpOffset..])
        : BinaryPrimitives.ReadUInt32BigEndian(frame[(layout.Ipv6FragmentOffset + 4)..]);

    private static FlowKey WithPorts(FlowKey flow, ReadOnlySpan<byte> frame, FrameLayout layout)
    {
        if (layout.Transport is not (Transport.Tcp or Transport.Udp))
            return flow;
        ReadOnlySpan<byte> ports = frame[layout.TransportOffset..];
        return flow with
        {
            SourcePort = BinaryPrimitives.ReadUInt16BigEndian(ports),
            DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(ports[2..]),
        };
    }

    private static string ProtocolName(FrameLayout layout) => layout.IpProtocol switch
    {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        58 => "icmpv6",
        _ => layout.IpProtocol.ToString(CultureInfo.InvariantCulture),
    };

    private static string AddressAt(ReadOnlySpan<byte> frame, FrameLayout layout, int index)
    {
        (int offset, int length) = layout.IpVersion == 4 ? (12, 4) : (8, 16);
        return new IPAddress(frame.Slice(layout.IpOffset + offset + (index * length), length)).ToString();
    }
}
