// SPDX-License-Identifier: GPL-2.0-or-later

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ColoWire.Engine.Flows;

namespace ColoWire.Reports;

/// <summary>Flows as text.</summary>
internal static class FlowText
{
    private const byte Icmp = 1;
    private const byte Tcp = 6;
    private const byte Udp = 17;
    private const byte IcmpV6 = 58;

    /// <summary>Whether the key names a flow; a divergence of all flows has an empty key.</summary>
    public static bool IsFlow(in FlowKey flow) => flow.IpVersion != 0;

    /// <summary>The name of a common protocol, else its IANA number.</summary>
    public static string Protocol(in FlowKey flow) => flow.Protocol switch
    {
        Icmp => "icmp",
        Tcp => "tcp",
        Udp => "udp",
        IcmpV6 => "icmpv6",
        byte number => number.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Whether the flow has ports.</summary>
    public static bool HasPorts(in FlowKey flow) => flow.Protocol is Tcp or Udp && !flow.IsFragment;

    /// <summary>The source address.</summary>
    public static string Source(in FlowKey flow) => new IPAddress(flow.SourceAddress()).ToString();

    /// <summary>The destination address.</summary>
    public static string Destination(in FlowKey flow) => new IPAddress(flow.DestinationAddress()).ToString();

    /// <summary>One line: protocol, source, destination, VLANs.</summary>
    public static string Line(in FlowKey flow)
    {
        string protocol = byte.TryParse(Protocol(flow), out _) ? $"protocol {flow.Protocol}" : Protocol(flow);
        string fragment = flow.IsFragment ? " fragments" : "";
        string source = End(flow.SourceAddress(), flow.SourcePort, HasPorts(flow));
        string destination = End(flow.DestinationAddress(), flow.DestinationPort, HasPorts(flow));
        return $"{protocol}{fragment} {source} > {destination}{Vlan(flow)}";
    }

    private static string End(byte[] address, ushort port, bool hasPort)
    {
        IPAddress ip = new(address);
        string text = ip.AddressFamily == AddressFamily.InterNetworkV6 && hasPort ? $"[{ip}]" : ip.ToString();
        return hasPort ? string.Create(CultureInfo.InvariantCulture, $"{text}:{port}") : text;
    }

    private static string Vlan(in FlowKey flow) => (flow.OuterVlan, flow.InnerVlan) switch
    {
        ( < 0, < 0) => "",
        (int outer, < 0) => string.Create(CultureInfo.InvariantCulture, $" vlan {outer}"),
        ( < 0, int inner) => string.Create(CultureInfo.InvariantCulture, $" vlan {inner}"),
        (int outer, int inner) => string.Create(CultureInfo.InvariantCulture, $" vlan {outer}.{inner}"),
    };
}
