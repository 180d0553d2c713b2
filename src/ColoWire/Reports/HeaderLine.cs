// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using PacketDotNet;

namespace ColoWire.Reports;

/// <summary>The headers of a frame in one line, decoded by PacketDotNet. The addresses are left out: the headline has
/// them.</summary>
internal static class HeaderLine
{
    private const int RawBytes = 20;

    /// <summary>Describes the first bytes of a frame; bytes that cannot be decoded are shown in hexadecimal.</summary>
    public static string Describe(ReadOnlySpan<byte> head)
    {
        try
        {
            return Decode(head) ?? Raw(head);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The decoder throws exceptions of many types for wrong lengths; the report is written all the same.
            return Raw(head);
        }
    }

    private static string? Decode(ReadOnlySpan<byte> head)
    {
        Packet packet = Packet.ParsePacket(LinkLayers.Ethernet, head.ToArray());
        if (packet.Extract<IPPacket>() is not { } ip)
        {
            return null;
        }

        List<string> parts = [Network(ip)];
        if (ip.Extract<TcpPacket>() is { } tcp)
        {
            parts.Add(Transport(tcp));
        }
        else if (ip.Extract<UdpPacket>() is { } udp)
        {
            parts.Add(Text($"udp length {udp.Length}"));
        }
        else if (ip.Extract<IcmpV4Packet>() is { } icmp)
        {
            parts.Add(Text($"icmp {icmp.TypeCode} id {icmp.Id} seq {icmp.Sequence}"));
        }
        else if (ip.Extract<IcmpV6Packet>() is { } icmpV6)
        {
            parts.Add(Text($"icmpv6 {icmpV6.Type} code {icmpV6.Code}"));
        }
        else
        {
            parts.Add(Text($"protocol {(int)ip.Protocol}"));
        }

        return string.Join(", ", parts);
    }

    private static string Network(IPPacket ip) => ip is IPv4Packet v4
        ? Text($"ip id {v4.Id} ttl {v4.TimeToLive} length {v4.TotalLength}{Fragment(v4)}")
        : Text($"ipv6 hops {ip.HopLimit} length {ip.PayloadLength}");

    private static string Fragment(IPv4Packet ip) =>
        ip.FragmentOffset == 0 && (ip.FragmentFlags & 1) == 0 ? "" : Text($" fragment at {ip.FragmentOffset * 8}");

    private static string Transport(TcpPacket tcp)
    {
        List<string> flags = [];
        Add(tcp.Synchronize, "SYN");
        Add(tcp.Finished, "FIN");
        Add(tcp.Reset, "RST");
        Add(tcp.Push, "PSH");
        Add(tcp.Urgent, "URG");
        Add(tcp.Acknowledgment, "ACK");
        return Text(
            $"tcp {string.Join('+', flags)} seq {tcp.SequenceNumber} ack {tcp.AcknowledgmentNumber} win {tcp.WindowSize}");

        void Add(bool isSet, string name)
        {
            if (isSet)
            {
                flags.Add(name);
            }
        }
    }

    private static string Raw(ReadOnlySpan<byte> head) =>
        head.IsEmpty ? "no bytes" : $"undecoded {Convert.ToHexStringLower(head[..Math.Min(RawBytes, head.Length)])}";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
