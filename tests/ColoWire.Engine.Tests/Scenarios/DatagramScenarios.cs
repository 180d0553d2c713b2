// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>The rows that concern UDP, ICMP, other protocols and tolerated header fields, by their numbers on the page of
/// scenarios.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class DatagramScenarios(int shards)
{
    private static readonly Datagram One = new("one");
    private static readonly Datagram Two = new("two");
    private static readonly Datagram Three = new("three");
    private static readonly Datagram Four = new("four");

    /// <summary>A datagram long enough for the parser's fast path, for which the others are too short.</summary>
    private static readonly Datagram Plain = new("long enough to be plain");

    private static readonly Echo Ping = new(7, 1, Fill('p', 56));
    private static readonly byte[] Other = [10, 0, 0, 98];

    private static readonly byte[] Router6 = [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    private static readonly Scenario[] Rows =
    [
        new("38 the primary's checksum is full, the secondary's partial", P(One with { Checksum = 0xBEEF }), S(One),
            Out(One with { Checksum = 0xBEEF }), Tolerated(ToleratedField.Checksum, 1), Cp(0)),
        new("41 a padded ACK, then data", P(new Segment(1000, [])), S(new Segment(1000, []) { PadTo = 60 }), P(A), S(A),
            Out(new Segment(1000, []), A), Cp(0)),
        new("42 padding on the primary only, TCP", P(new Segment(1000, "hi"u8.ToArray()) { PadTo = 60 }), S(new Segment(1000, "hi"u8.ToArray())),
            Out(new Segment(1000, "hi"u8.ToArray()) { PadTo = 60 }), Cp(0)),
        new("42 padding on the primary only, UDP", P(new Datagram("hi") { PadTo = 60 }), S(new Datagram("hi")),
            Out(new Datagram("hi") { PadTo = 60 }), Cp(0)),
        new("43 the IP header differs in everything soft", S(One with { Ttl = 63, Id = 9, TrafficClass = 0x2E, DontFragment = false }), P(One),
            Out(One), Tolerated(ToleratedField.Ttl, 1), Tolerated(ToleratedField.IpId, 1), Tolerated(ToleratedField.TrafficClass, 1), Tolerated(ToleratedField.DontFragment, 1), Cp(0)),
        new("43 the IPv6 header differs in everything soft", S(Six(One with { Ttl = 63, Id = 9, TrafficClass = 0x2E })), P(Six(One)),
            Out(Six(One)), Tolerated(ToleratedField.Ttl, 1), Tolerated(ToleratedField.IpId, 1), Tolerated(ToleratedField.TrafficClass, 1), Cp(0)),
        new("43 strict promotes the time to live, the secondary last", P(Plain), S(Plain with { Ttl = 63 }), Out(), Cp(1, DivergenceReason.Header))
        {
            Options = options => options with { Strict = [ToleratedField.Ttl] },
        },
        new("44 IP options on one side only", S(One with { IpOptions = [1, 1, 1, 0] }), P(One), Out(One), Tolerated(ToleratedField.IpOptions, 1), Cp(0)),
        new("44 IP options on the primary only, TCP", P(A with { IpOptions = [1, 1, 1, 0] }), S(A), Out(A with { IpOptions = [1, 1, 1, 0] }),
            Tolerated(ToleratedField.IpOptions, 1), Cp(0)),
        new("50 three, then three", P(One, Two, Three), Out(), S(One, Two, Three), Out(One, Two, Three), Cp(0)),
        new("52 the primary says it twice, the secondary once", P(One, One), S(One), Out(One), Wait(2900), Out(One), Cp(0), Wait(1100),
            Out(One), Cp(1, DivergenceReason.Timeout)),
        new("51 the secondary in reverse", P(One, Two, Three), S(Three, Two), Out(), S(One), Out(One, Two, Three), Wait(10_000), Cp(0)),
        new("51 the secondary in reverse, before the primary", S(Three, Two, One), P(One), Out(One), P(Two, Three), Out(One, Two, Three),
            Wait(10_000), Cp(0)),
        new("51 a twin that is late within the grace", P(One, Two), S(Two), Wait(10), S(One), Out(One, Two), Wait(10_000), Cp(0)),
        new("51 a twin that is later than the grace", P(One, Two), S(Two), Wait(10), Cp(0), Wait(20), Out(), Cp(1, DivergenceReason.Timeout)),
        new("51 the primary in another order, and the secondary falls silent between", S(Two), Wait(10), P(One, Two), Wait(1000), Out(), Cp(0), S(One),
            Out(One, Two), Wait(10_000), Cp(0)),
        new("51 the primary in another order, and the secondary goes on without the one that it lacks", S(Two), Wait(10), P(One, Two, Three), Wait(1000), Cp(0),
            S(Three), Wait(10), Cp(0), Wait(20), Out(), Cp(1, DivergenceReason.Timeout)),
        new("51 the primary in another order, and the secondary never says the one that it lacks", S(Two), Wait(10), P(One, Two), Wait(2900), Cp(0),
            Wait(1100), Out(), Cp(1, DivergenceReason.Timeout)),
        new("51 what the secondary said long ago waits behind one that it has not said", S(Four, Two), Wait(10), P(One), S(One), P(Two, Three, Four), Wait(1000),
            Out(One, Two), Cp(0), S(Three), Out(One, Two, Three, Four), Wait(10_000), Cp(0)),
        new("51 equal ones find each other in their order", P(One, Two, Two, Three), S(Two, Three), Out(), S(One), Out(One, Two), S(Two),
            Out(One, Two, Two, Three), Wait(10_000), Cp(0)),
        new("51 more overtake it than the reorder window allows", P(One, Two, Three), S(Two, Three), Out(), Cp(1, DivergenceReason.Timeout))
        {
            Options = options => options with { ReorderWindow = 1 },
        },
        new("51 without a reorder window the first other one tells", P(One, Two), S(Two), Cp(1, DivergenceReason.Timeout))
        {
            Options = options => options with { ReorderWindow = 0 },
        },
        new("51 one that only the secondary sends, and others overtake it", S(Two), P(One, Three), S(One, Three), Out(One, Three), Wait(10), Cp(0),
            Wait(20), Cp(1, DivergenceReason.Timeout)),
        new("51 one that only the secondary sends, in a flow that never rests", S(Two), P(One), S(One), Wait(10), P(Three), S(Three),
            Out(One, Three), Cp(0), Wait(10), Cp(1, DivergenceReason.Timeout)),
        new("51 one that the primary sends last", S(Two, One), P(One), Wait(10), P(Two), Out(One, Two), Wait(10_000), Cp(0)),
        new("51 a whole burst in reverse", ReversedBurst),
        new("52 dup=pass: the primary says it twice, the secondary once", P(One, One), S(One), Out(One, One), Wait(10_000), Cp(0),
            Unverified(UnverifiedReason.Policy, 1))
        {
            Options = options => options with { Duplicate = DuplicatePolicy.Pass },
        },
        new("52 dup=pass: the secondary says it twice, the primary once", P(One), S(One, One), Out(One), Wait(10_000), Cp(0))
        {
            Options = options => options with { Duplicate = DuplicatePolicy.Pass },
        },
        new("52 dup=pass: the secondary says it twice while the primary waits", P(One, One, Two), S(One), Out(One, One), S(One), Wait(2000), S(Two),
            Out(One, One, Two), Wait(10_000), Cp(0))
        {
            Options = options => options with { Duplicate = DuplicatePolicy.Pass },
        },
        new("52 dup=pass: the primary says it again when both have", P(Plain), S(Plain), P(Plain), Out(Plain, Plain), Wait(10_000), Cp(0),
            Unverified(UnverifiedReason.Policy, 1))
        {
            Options = options => options with { Duplicate = DuplicatePolicy.Pass },
        },
        new("52 dup=pass: something else in between", P(One, Two, One), S(One, Two), Out(One, Two, One), Wait(10_000), Cp(0))
        {
            Options = options => options with { Duplicate = DuplicatePolicy.Pass },
        },
        new("52 dup=pass: more in between than is kept", P(One, Two, One), S(One, Two), Out(One, Two), Wait(4000), Cp(1, DivergenceReason.Timeout))
        {
            Options = options => options with { Duplicate = DuplicatePolicy.Pass, RetransmitWindow = 0 },
        },
        new("53 no UDP checksum on the secondary", S(One with { Checksum = 0 }), P(One), Out(One), Tolerated(ToleratedField.Checksum, 1), Cp(0)),
        new("53 no UDP checksum on the primary", P(One with { Checksum = 0 }), S(One), Out(One with { Checksum = 0 }), Tolerated(ToleratedField.Checksum, 1), Cp(0)),
        new("54 two queries of one port are answered in another order", P(Answer(1), Answer(2)), S(Answer(2)), Out(), S(Answer(1)),
            Out(Answer(1), Answer(2)), Wait(10_000), Cp(0)),
        new("55 one byte of a datagram differs", P(One), S(new Datagram("onE")), Wait(10), Cp(0), Wait(20), Out(), Cp(1, DivergenceReason.Payload, 2)),
        new("55 one byte of a datagram differs that is long enough to be plain", P(Plain), S(new Datagram("long enough to be plaiN")), Wait(30), Out(),
            Cp(1, DivergenceReason.Payload, 22)),
        new("55 one byte of a datagram differs, and the others go on to agree", P(One, Two, Three), S(One, new Datagram("twO"), Three), Wait(30), Out(One),
            Cp(1, DivergenceReason.Payload, 2)),
        new("55 the same, the secondary first", S(One, new Datagram("twO"), Three), P(One, Two, Three), Wait(30), Out(One),
            Cp(1, DivergenceReason.Payload, 2)),
        new("55 DHCP: one byte of an option differs", P(Offer(lease: 60)), S(Offer(lease: 61)), Wait(30), Out(),
            Cp(1, DivergenceReason.Payload, 240 + 3 + 5)),
        new("55 a datagram is longer", P(One), S(new Datagram("one!")), Wait(30), Out(), Cp(1, DivergenceReason.Payload, 3)),
        new("57 echo replies to two clients, interleaved", P(Ping, Ping with { Destination = Other }), S(Ping with { Destination = Other }, Ping),
            OutAnyOrder(Ping, Ping with { Destination = Other }), Cp(0)),
        new("57 echo with other data", P(Ping), S(Ping with { Data = Fill('q', 56) }), Wait(30), Out(), Cp(1, DivergenceReason.Payload, 8)),
        new("57 echo with another identifier", P(Ping), S(Ping with { Identifier = 8 }), Wait(30), Out(), Cp(1, DivergenceReason.Payload, 5)),
        new("58 ICMP error: what routers change in the quoted packet", P(Unreachable(ttl: 64, port: 53)), S(Unreachable(ttl: 63, port: 53)),
            Out(Unreachable(ttl: 64, port: 53)), Wait(10_000), Cp(0)),
        new("58 ICMP error: the quoted ports differ", P(Unreachable(ttl: 64, port: 53)), S(Unreachable(ttl: 64, port: 54)), Wait(30), Out(),
            Cp(1, DivergenceReason.Payload, 31)),
        new("58 ICMP errors out of order", P(Unreachable(64, 1), Unreachable(64, 2)), S(Unreachable(63, 2), Unreachable(63, 1)),
            Out(Unreachable(64, 1), Unreachable(64, 2)), Wait(10_000), Cp(0)),
        new("58 ICMPv6 error: what routers change in the quoted packet", P(Six(TooBig(hops: 64, port: 53))), S(Six(TooBig(hops: 60, port: 53))),
            Out(Six(TooBig(hops: 64, port: 53))), Cp(0)),
        new("58 ICMPv6 error: the quoted ports differ", P(Six(TooBig(hops: 64, port: 53))), S(Six(TooBig(hops: 64, port: 54))), Wait(30), Out(),
            Cp(1, DivergenceReason.Payload, 51)),
        new("59 GRE: the outer IP ID differs", P(new Other(47, Fill('g'))), S(new Other(47, Fill('g')) { Id = 5 }),
            Out(new Other(47, Fill('g'))), Cp(0)),
        new("59 GRE: the payload differs", P(new Other(47, Fill('g'))), S(new Other(47, Fill('h'))), Wait(30), Out(), Cp(1, DivergenceReason.Payload, 0)),
        new("59 VXLAN: the outer IP ID differs", P(Tunnelled('v')), S(Tunnelled('v') with { Id = 5 }), Out(Tunnelled('v')), Cp(0)),
        new("59 VXLAN: the payload is opaque, so the inner IP ID counts", P(Tunnelled('v')), S(Tunnelled('w')), Wait(30), Out(),
            Cp(1, DivergenceReason.Payload, 8)),
        new("60 SCTP passes", P(new Other(132, Fill('s')), new Other(132, Fill('u'))), S(new Other(132, Fill('t'))),
            Out(new Other(132, Fill('s')), new Other(132, Fill('u'))), Passed(NotComparedReason.Sctp, 2), Dropped(DropReason.SecondaryPassed, 1),
            Wait(10_000), Cp(0)),
        new("61 ESP and AH pass", P(new Other(50, Fill('e')), new Other(51, Fill('a'))), S(new Other(50, Fill('f'))),
            Out(new Other(50, Fill('e')), new Other(51, Fill('a'))), Passed(NotComparedReason.Ipsec, 2), Wait(10_000), Cp(0)),
        new("60 SCTP that a policy compares", P(new Other(132, Fill('s'))), S(new Other(132, Fill('t'))), Wait(30), Out(), Cp(1))
        {
            Options = options => options with { Policies = [new(PolicyAction.Compare) { Protocol = 132 }] },
        },
        new("61 ESP that a policy compares", P(new Other(50, Fill('e'))), Out(), S(new Other(50, Fill('e'))), Out(new Other(50, Fill('e'))), Cp(0))
        {
            Options = options => options with { Policies = [new(PolicyAction.Compare) { Protocol = 50 }] },
        },
        new("43 strict promotes the TTL", P(One), S(One with { Ttl = 63 }), Out(), Cp(1, DivergenceReason.Header),
            bench => Assert.That(bench.Reports[^1].Divergence.Field, Is.EqualTo(ToleratedField.Ttl)))
        {
            Options = options => options with { Strict = [ToleratedField.Mac, ToleratedField.Ttl] },
        },
        new("43 strict promotes nothing else", P(One), S(One with { Ttl = 63 }), Out(One), Cp(0))
        {
            Options = options => options with { Strict = [ToleratedField.Mac, ToleratedField.IpId] },
        },
        new("62 IPv6 UDP", P(Six(One)), Out(), S(Six(One)), Out(Six(One)), Cp(0)),
        new("62 IPv6 TCP", P(Six(A)), Out(), S(Six(A)), Out(Six(A)), Cp(0)),
        new("62 IPv6 TCP with hop-by-hop and destination options", P(WithOptions(A)), Out(), S(WithOptions(A)), Out(WithOptions(A)), Cp(0),
            P(WithOptions(B)), S(WithOptions(B.Flipped(9))), Out(WithOptions(A)), Cp(1, DivergenceReason.Payload, 9)),
        new("65 the same VLAN on both", P(One with { Vlans = [5] }), S(One with { Vlans = [5] }), Out(One with { Vlans = [5] }), Cp(0)),
        new("65 QinQ on both", P(One with { Vlans = [9, 5] }), S(One with { Vlans = [9, 5] }), Out(One with { Vlans = [9, 5] }), Cp(0)),
        new("65 a tag on one side only", P(One with { Vlans = [5] }), S(One), Wait(2900), Out(), Cp(0), Wait(1100), Out(),
            Cp(1, DivergenceReason.Timeout)),
        new("65 the tag is in the key", P(One with { Vlans = [5] }), S(One with { Vlans = [6] }), Wait(2900), Out(), Cp(0), Wait(1100), Out(),
            Cp(1, DivergenceReason.Timeout)),
        new("65 what bears a tag is compared", P(A with { Vlans = [9, 5] }), S(A.Flipped(3) with { Vlans = [9, 5] }), Out(),
            Cp(1, DivergenceReason.Payload, 3)),
        new("66 a jumbo frame", P(new Datagram(Fill('j', 8958))), S(new Datagram(Fill('j', 8958))), Out(new Datagram(Fill('j', 8958))), Cp(0)),
        new("93 many flows, the primary first", ManyFlows),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(TestBench.SmallOptions with { Shards = shards });

    /// <summary>An answer of a name server.</summary>
    private static Datagram Answer(byte id) => new([0, id, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, id, .. Fill('d', 30)]);

    /// <summary>A DHCP offer: the fixed part (RFC 2131) with the cookie, the message type, the lease time in hours.</summary>
    private static Datagram Offer(byte lease) => new([2, 1, 6, 0, .. new byte[232], 99, 130, 83, 99, 53, 1, 2, 51, 4, 0, 0, 0, lease, 255])
    {
        SourcePort = 67,
        DestinationPort = 68,
    };

    private static Datagram Tunnelled(char letter) => new([8, 0, 0, 0, 0, 0, 42, 0, .. Fill(letter, 60)]) { DestinationPort = 4789 };

    /// <summary>A segment over IPv6 behind a hop-by-hop header and a header of destination options, 8 bytes each.</summary>
    private static Other WithOptions(Segment segment) =>
        Six(new Other(0, [60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0, .. Six(segment).Bytes()[54..]]));

    /// <summary>Port unreachable, quoting a datagram of the client's.</summary>
    private static Other Unreachable(byte ttl, byte port) => new(1,
    [
        3, 3, ttl, 1, 0, 0, 0, 0,
        0x45, 0, 0, 36, ttl, 0, 0x40, 0, ttl, 17, ttl, 2, 10, 0, 0, 99, 10, 0, 0, 1,
        0x9C, 0x40, 0, port, 0, 16, ttl, 3, 1, 2, 3, 4, 5, 6, 7, 8,
    ]);

    /// <summary>Packet too big, quoting a segment of the client's.</summary>
    private static Other TooBig(byte hops, byte port) => new(58,
    [
        2, 0, hops, 1, 0, 0, 5, 0,
        0x60, 0, hops, 0, 0, 20, 6, hops, .. Router6, .. Router6,
        0x9C, 0x40, 0, port, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 1, 0, hops, 3, 0, 0,
    ]);

    private static void ReversedBurst(TestBench bench)
    {
        Datagram[] all = [.. Enumerable.Range(0, 60).Select(i => new Datagram($"number {i}"))];
        P(all)(bench);
        S([.. all.Reverse()])(bench);
        Out(all)(bench);
        Wait(10_000)(bench);
        Cp(0)(bench);
    }

    private static T Six<T>(T packet)
        where T : Packet => packet with { Source = Router6, Destination = [.. Router6[..15], 2] };

    private static System.Action<TestBench> OutAnyOrder(params Packet[] packets) => bench => Assert.That(
        bench.Output.Frames.Select(System.Convert.ToHexString).Order(),
        Is.EqualTo(packets.Select(p => System.Convert.ToHexString(p.Bytes())).Order()));

    private static void ManyFlows(TestBench bench)
    {
        // As many flows as the bench allows; SystemScenarios tests the 17,000 flows of the page.
        Datagram[] all = [.. Enumerable.Range(0, 900).Select(i => One with { SourcePort = (ushort)(1000 + i) })];
        P(all)(bench);
        S(all)(bench);
        Assert.That(bench.Output.Frames, Has.Count.EqualTo(all.Length));
        Cp(0)(bench);
    }
}
