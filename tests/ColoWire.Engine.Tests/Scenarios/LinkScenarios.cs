// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>Frames that are not compared: other link types pass; malformed frames pass from the primary and are dropped from the
/// secondary.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class LinkScenarios(int shards)
{
    private static readonly byte[] Tcp4 = A.Bytes();
    private static readonly byte[] Udp4 = new Datagram("hello").Bytes();

    private static readonly object[] PassedFrames =
    [
        new object[] { "64 ARP", Typed(0x0806), NotComparedReason.Arp },
        new object[] { "64 LLDP", Typed(0x88CC), NotComparedReason.Lldp },
        new object[] { "64 spanning tree", Typed(0x0026), NotComparedReason.Llc },
        new object[] { "64 MPLS", Typed(0x8847), NotComparedReason.Mpls },
        new object[] { "64 unknown", Typed(0x1234), NotComparedReason.OtherEtherType },
        new object[] { "64 a third VLAN tag", new Datagram("x") { Vlans = [1, 2, 3] }.Bytes(), NotComparedReason.OtherEtherType },
        new object[] { "64 neighbour solicitation", Icmp6(135), NotComparedReason.NeighborDiscovery },
        new object[] { "64 router advertisement", Icmp6(134), NotComparedReason.NeighborDiscovery },
        new object[] { "64 router solicitation", Icmp6(133), NotComparedReason.NeighborDiscovery },
        new object[] { "64 neighbour advertisement", Icmp6(136), NotComparedReason.NeighborDiscovery },
        new object[] { "64 listener query", Icmp6(130), NotComparedReason.NeighborDiscovery },
        new object[] { "64 listener report", Icmp6(143), NotComparedReason.NeighborDiscovery },
        new object[] { "64 listener report behind a router alert", ListenerReport, NotComparedReason.NeighborDiscovery },
        new object[] { "64 ARP in a VLAN", Tagged(0x0806), NotComparedReason.Arp },
        new object[] { "64 IGMP", new Other(2, Fill('i', 8)).Bytes(), NotComparedReason.Igmp },
    ];

    private static readonly object[] MalformedFrames =
    [
        new object[] { "67 13 bytes", Tcp4[..13], MalformedKind.EthernetShort },
        new object[] { "67 no bytes", Array.Empty<byte>(), MalformedKind.EthernetShort },
        new object[] { "67 17 bytes, cut off in a tag", new Datagram("x") { Vlans = [5] }.Bytes()[..17], MalformedKind.EthernetShort },
        new object[] { "67 17 bytes, cut off in IP", Tcp4[..17], MalformedKind.IpHeaderShort },
        new object[] { "68 IHL 0", With(Tcp4, 14, 0x40), MalformedKind.IpHeaderInvalid },
        new object[] { "68 IHL 2", With(Tcp4, 14, 0x42), MalformedKind.IpHeaderInvalid },
        new object[] { "68 IHL 4", With(Tcp4, 14, 0x44), MalformedKind.IpHeaderInvalid },
        new object[] { "68 IHL 15 in a short frame", With(Udp4, 14, 0x4F), MalformedKind.IpHeaderShort },
        new object[] { "68 version 5", With(Tcp4, 14, 0x55), MalformedKind.IpHeaderInvalid },
        new object[] { "69 total length beyond the frame", With(Tcp4, 16, 9), MalformedKind.IpLengthInvalid },
        new object[] { "69 total length below the header", With(Tcp4, 16, 0, 19), MalformedKind.IpLengthInvalid },
        new object[] { "69 total length 0", With(Tcp4, 16, 0, 0), MalformedKind.IpLengthInvalid },
        new object[] { "70 TCP data offset 2", With(Tcp4, 46, 0x20), MalformedKind.TcpHeader },
        new object[] { "70 TCP data offset 15 beyond the end", With(new Segment(1, []).Bytes(), 46, 0xF0), MalformedKind.TcpHeader },
        new object[] { "71 an IP header alone", new Other(6, []).Bytes(), MalformedKind.TcpHeader },
        new object[] { "71 an IP header alone, ICMP", new Other(1, []).Bytes(), MalformedKind.IcmpHeader },
        new object[] { "71 an IP header alone, UDP", new Other(17, []).Bytes(), MalformedKind.UdpHeader },
        new object[] { "72 UDP length 7", With(Udp4, 38, 0, 7), MalformedKind.UdpHeader },
        new object[] { "72 UDP length beyond the IP payload", With(Udp4, 38, 0, 14), MalformedKind.UdpHeader },
        new object[] { "73 IPv6 extension chain cut off", Extensions(2)[..60], MalformedKind.IpLengthInvalid },
        new object[] { "73 IPv6 extension chain cut off where IPv6 ends", Six(60, [60, 0, 1, 4, 0, 0, 0, 0]), MalformedKind.ExtensionChain },
        new object[] { "73 IPv6 extension chain cut off within a header", Six(60, [17, 0, 1, 4]), MalformedKind.ExtensionChain },
        new object[] { "73 IPv6 extension chain ends in itself", With(Extensions(1), 55, 9), MalformedKind.ExtensionChain },
        new object[] { "73 IPv6 extension chain of 64 headers", Extensions(64), MalformedKind.ExtensionChain },
    ];

    [TestCaseSource(nameof(PassedFrames))]
    public void Primary_passes_at_once_and_secondary_is_dropped(string name, byte[] frame, NotComparedReason reason) =>
        new Scenario(
            name, PrimaryBytes(frame), OutBytes(frame), SecondaryBytes(frame), OutBytes(frame), Wait(4000), Cp(0),
            Dropped(DropReason.SecondaryPassed, 1),
            Passed(reason, 1))
            .Run(TestBench.SmallOptions with { Shards = shards });

    [TestCaseSource(nameof(MalformedFrames))]
    public void Malformed_primary_leaves_counted_and_malformed_secondary_is_dropped(string name, byte[] frame, MalformedKind kind) =>
        new Scenario(
            name, PrimaryBytes(frame), OutBytes(frame), SecondaryBytes(frame), Wait(4000), Cp(0),
            Dropped(DropReason.SecondaryMalformed, 1),
            bench => Assert.That(bench.Sum(c => c.Malformed[(int)kind]), Is.EqualTo(1)))
            .Run(TestBench.SmallOptions with { Shards = shards });

    private static byte[] Typed(ushort type) => [.. Tcp4[..12], (byte)(type >> 8), (byte)type, .. Fill('x', 46)];

    private static byte[] ListenerReport => Six(0, [58, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0, .. Fill('n', 20)]);

    private static byte[] Tagged(ushort type) => [.. Tcp4[..12], 0x81, 0, 0, 5, .. Typed(type)[12..]];

    private static byte[] Icmp6(byte type) => Six(58, [type, 0, 0, 0, .. Fill('n', 20)]);

    private static byte[] Six(byte protocol, byte[] payload) =>
        new Other(protocol, payload) { Source = new byte[16], Destination = new byte[16] }.Bytes();

    private static byte[] With(byte[] frame, int offset, params byte[] values)
    {
        byte[] changed = [.. frame];
        values.CopyTo(changed, offset);
        return changed;
    }

    private static byte[] Extensions(int count)
    {
        byte[] destinationOptions = [60, 0, 1, 4, 0, 0, 0, 0];
        byte[] chain = [.. Enumerable.Repeat(destinationOptions, count).SelectMany(b => b)];
        chain[^8] = 17;
        return new Other(60, [.. chain, .. Udp4[34..]]) { Source = new byte[16], Destination = new byte[16] }.Bytes();
    }
}
