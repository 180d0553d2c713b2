// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>The rows that concern UDP, ICMP, other protocols, and the dress of a frame, by their numbers on the scenarios' page.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class DatagramScenarios(int shards)
{
    private static readonly Datagram One = new("one");
    private static readonly Datagram Two = new("two");
    private static readonly Datagram Three = new("three");
    private static readonly Echo Ping = new(7, 1, Fill('p', 56));
    private static readonly byte[] Other = [10, 0, 0, 98];

    private static readonly byte[] Router6 = [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    private static readonly Scenario[] Rows =
    [
        new("38 the primary's checksum is full, the secondary's partial", P(One with { Checksum = 0xBEEF }), S(One),
            Out(One with { Checksum = 0xBEEF }), Soft(SoftField.Checksum, 1), Cp(0)),
        new("41 a padded ACK, then data", P(new Segment(1000, [])), S(new Segment(1000, []) { PadTo = 60 }), P(A), S(A),
            Out(new Segment(1000, []), A), Cp(0)),
        new("42 padding on the primary only, TCP", P(new Segment(1000, "hi"u8.ToArray()) { PadTo = 60 }), S(new Segment(1000, "hi"u8.ToArray())),
            Out(new Segment(1000, "hi"u8.ToArray()) { PadTo = 60 }), Cp(0)),
        new("42 padding on the primary only, UDP", P(new Datagram("hi") { PadTo = 60 }), S(new Datagram("hi")),
            Out(new Datagram("hi") { PadTo = 60 }), Cp(0)),
        new("43 the IP header differs in everything soft", S(One with { Ttl = 63, Id = 9, TrafficClass = 0x2E, DontFragment = false }), P(One),
            Out(One), Soft(SoftField.Ttl, 1), Soft(SoftField.IpId, 1), Soft(SoftField.TrafficClass, 1), Soft(SoftField.DontFragment, 1), Cp(0)),
        new("44 IP options on one side only", S(One with { IpOptions = [1, 1, 1, 0] }), P(One), Out(One), Soft(SoftField.IpOptions, 1), Cp(0)),
        new("50 three, then three", P(One, Two, Three), Out(), S(One, Two, Three), Out(One, Two, Three), Cp(0)),
        new("52 the primary says it twice, the secondary once", P(One, One), S(One), Out(One), Wait(4000), Cp(1, DivergenceReason.Timeout)),
        new("53 no UDP checksum on one side", S(One with { Checksum = 0 }), P(One), Out(One), Cp(0)),
        new("54 two queries of one port are answered in turn", P(One, Two), S(One, Two), Out(One, Two), Cp(0)),
        new("55 one byte of a datagram differs", P(One), S(new Datagram("onE")), Out(), Cp(1, DivergenceReason.Payload, 2)),
        new("55 a datagram is longer", P(One), S(new Datagram("one!")), Out(), Cp(1, DivergenceReason.Payload, 3)),
        new("57 echo replies to two clients, interleaved", P(Ping, Ping with { Destination = Other }), S(Ping with { Destination = Other }, Ping),
            OutAnyOrder(Ping, Ping with { Destination = Other }), Cp(0)),
        new("57 echo with other data", P(Ping), S(Ping with { Data = Fill('q', 56) }), Out(), Cp(1, DivergenceReason.Payload, 8)),
        new("57 echo with another identifier", P(Ping), S(Ping with { Identifier = 8 }), Out(), Cp(1, DivergenceReason.Payload, 5)),
        new("59 GRE: the outer IP ID differs", P(new Other(47, Fill('g'))), S(new Other(47, Fill('g')) { Id = 5 }),
            Out(new Other(47, Fill('g'))), Cp(0)),
        new("60 SCTP passes", P(new Other(132, Fill('s'))), S(new Other(132, Fill('t'))), Out(new Other(132, Fill('s'))), Wait(4000), Cp(0)),
        new("61 ESP and AH pass", P(new Other(50, Fill('e')), new Other(51, Fill('a'))), Out(new Other(50, Fill('e')), new Other(51, Fill('a')))),
        new("62 IPv6 UDP", P(Six(One)), Out(), S(Six(One)), Out(Six(One)), Cp(0)),
        new("62 IPv6 TCP", P(Six(A)), Out(), S(Six(A)), Out(Six(A)), Cp(0)),
        new("65 the same VLAN on both", P(One with { Vlans = [5] }), S(One with { Vlans = [5] }), Out(One with { Vlans = [5] }), Cp(0)),
        new("65 QinQ on both", P(One with { Vlans = [9, 5] }), S(One with { Vlans = [9, 5] }), Out(One with { Vlans = [9, 5] }), Cp(0)),
        new("65 a tag on one side only", P(One with { Vlans = [5] }), S(One), Out(), Wait(4000), Cp(1, DivergenceReason.Timeout)),
        new("66 a jumbo frame", P(new Datagram(Fill('j', 8958))), S(new Datagram(Fill('j', 8958))), Out(new Datagram(Fill('j', 8958))), Cp(0)),
        new("93 many flows, the primary first", ManyFlows),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(TestBench.SmallOptions with { Shards = shards });

    private static T Six<T>(T packet)
        where T : Packet => packet with { Source = Router6, Destination = [.. Router6[..15], 2] };

    private static System.Action<TestBench> OutAnyOrder(params Packet[] packets) => bench => Assert.That(
        bench.Output.Frames.Select(System.Convert.ToHexString).Order(),
        Is.EqualTo(packets.Select(p => System.Convert.ToHexString(p.Bytes())).Order()));

    private static void ManyFlows(TestBench bench)
    {
        // As many flows as the bench has; the page's 17,000 stand in SystemScenarios.
        Datagram[] all = [.. Enumerable.Range(0, 900).Select(i => One with { SourcePort = (ushort)(1000 + i) })];
        P(all)(bench);
        S(all)(bench);
        Assert.That(bench.Output.Frames, Has.Count.EqualTo(all.Length));
        Cp(0)(bench);
    }
}
