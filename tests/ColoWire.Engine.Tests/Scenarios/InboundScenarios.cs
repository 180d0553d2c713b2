// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Capture;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.ClientWords;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>
/// The rows that concern what clients send, by their numbers on the page of scenarios; with one shard and with three. The
/// secondary's numbers are 1000 lower than the primary's.
/// </summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class InboundScenarios(int shards)
{
    private static readonly Scenario[] Rows =
    [
        Row("100 a SYN", W(Syn), ToBoth(Syn), P(SynAck), S(ToSecondary(SynAck)), Out(SynAck), Cp(0)),
        Row("100 broadcast", W(Broadcast), ToBoth(Broadcast)),
        Row("101 the acknowledgment, in the numbers of each",
            [.. Opened, ToP(Syn, Ack), ToS(Syn, ToSecondary(Ack)), Out(SynAck), Cp(0)]),
        Row("101 a wrong checksum stays as wrong as it was", [.. Opened, W(Wrong(Ack)), Wronged]),
        Row("102 SACK blocks", [.. Opened, W(Sack(2100, 2200)), ToP(Syn, Ack, Sack(2100, 2200)),
            ToS(Syn, ToSecondary(Ack), ToSecondary(Sack(2100 - Lower, 2200 - Lower)))]),
        Row("103 the echoed timestamp", W(Stamped(Syn, 7, 0)), P(Stamped(SynAck, 900_000, 7)),
            S(Stamped(ToSecondary(SynAck), 500, 7)),
            W(Stamped(Ack, 8, 900_100)), ToP(Stamped(Syn, 7, 0), Stamped(Ack, 8, 900_100)),
            ToS(Stamped(Syn, 7, 0), Stamped(ToSecondary(Ack), 8, 600)), Out(Stamped(SynAck, 900_000, 7)), Cp(0)),
        Row("103 in answer to the guest's SYN", P(Stamped(GuestSyn, 900_000, 0)),
            S(Stamped(GuestSyn with { Sequence = 2000 - Lower }, 500, 0)),
            W(Stamped(Client(7000, 2001) with { Syn = true }, 8, 900_005)),
            ToS(Stamped(Client(7000, 2001 - Lower) with { Syn = true }, 8, 500))),
        Row("104 after a checkpoint both use the same numbers",
            [.. Opened, W(Request), P(Answer), S(ToSecondary(Answer with { Payload = Fill('X') })),
            Cp(1, DivergenceReason.Payload, 0), Checkpointed, W(Ack), ToP(Syn, Ack, Request, Ack),
            ToS(Syn, ToSecondary(Ack), ToSecondary(Request), Ack)]),
        Row("104 after a checkpoint that ends the loss of the secondary's link, what the primary has sent before needs no twin",
            [.. Opened, W(Request), P(Answer), S(ToSecondary(Answer)), SecondaryLink(false), Wait(20),
            Happens(CheckpointEvent.Began), Wait(200), SecondaryLink(true), Wait(50), P(Answer), Checkpointed,
            Out(SynAck, Answer, Answer), Wait(4000), Cp(1)]),
        Row("105 the guest opens", P(GuestSyn), S(GuestSyn with { Sequence = 2000 - Lower }), Out(GuestSyn),
            W(Client(7000, 2001) with { Syn = true }), ToP(Client(7000, 2001) with { Syn = true }),
            ToS(Client(7000, 2001 - Lower) with { Syn = true }), Cp(0)),
        Row("106 a reset that the guests accept, both have answered",
            [.. Opened, W(Request), P(Answer), W(Reset), Out(SynAck, Answer), Wait(4000),
            S(ToSecondary(Answer)), Wait(4000), Cp(0)]),
        Row("106 only the secondary has answered", [.. Opened, W(Request), S(ToSecondary(Answer)), W(Reset), Wait(4000), Cp(0)]),
        Row("106 only the primary has answered, later",
            [.. Opened, W(Request), W(Reset), P(Answer), Out(SynAck, Answer), Wait(4000), Cp(0)]),
        Row("106 a new SYN begins afresh", [.. Opened, W(Request), W(Reset), W(Syn with { Sequence = 90_000 }),
            P(SynAck with { Sequence = 50_000, Ack = 90_001 }), Wait(100), Out(SynAck),
            S(SynAck with { Sequence = 60_000, Ack = 90_001 }), Out(SynAck, SynAck with { Sequence = 50_000, Ack = 90_001 }),
            Cp(0)]),
        Row("106 a guest's SYN is refused by the client", P(GuestSyn), W(Client(0, 2001) with { Rst = true }), Out(GuestSyn),
            Wait(4000), Cp(0)),
        Row("105 the guest opens on ports of which nothing is known, the secondary first", P(A),
            S(GuestSyn with { Sequence = 2000 - Lower }), P(GuestSyn), Out(A, GuestSyn), Cp(0)),
        Row("106 a checkpoint comes after the reset",
            [.. Opened, W(Request), W(Reset), Checkpointed, P(Answer), Out(SynAck, Answer), Wait(4000), Cp(0)]),
        Row("106 a SYN that arrives again changes nothing",
            [.. Opened, W(Request, Syn), S(ToSecondary(Answer)), W(Reset), Wait(4000), Cp(0)]),
        Row("106 the ports are used again, and the client resets before the primary has answered",
            [.. Opened, W(Syn with { Sequence = 999 }, Reset with { Sequence = 1000 }),
            P(SynAck with { Sequence = 50_000, Ack = 1000 }),
            Out(SynAck, SynAck with { Sequence = 50_000, Ack = 1000 }), Wait(4000), Cp(0)]),
        Row("106 the client resets, and only the secondary has answered its SYN",
            W(Syn), S(ToSecondary(SynAck)), W(Reset with { Sequence = 5000 }), Wait(4000), Cp(0)),
        Row("106 a guest's SYN that the client has refused is sent again by one replica", P(GuestSyn),
            S(GuestSyn with { Sequence = 2000 - Lower }), W(Client(0, 2001) with { Rst = true }),
            S(GuestSyn with { Sequence = 2000 - Lower }), Out(GuestSyn), Wait(4000), Cp(0)),
        Row("107 a reset beside that",
            [.. Opened, W(Request), P(Answer), W(Reset with { Sequence = 5050 }), Out(SynAck), Wait(4000),
            Cp(1, DivergenceReason.Timeout)]),
        Row("108 after the client's FIN the last ACKs differ in time only",
            [.. Opened, W(Request with { Fin = true }), P(Answer with { Ack = 5101 }),
            S(ToSecondary(Answer)), Wait(10), S(ToSecondary(Answer with { Ack = 5101 })), Out(SynAck, Answer with { Ack = 5101 }),
            Cp(0)]),
        Row("108 the primary alone resets a connection that both ends have closed",
            [.. Opened, W(Request with { Fin = true }), P(LastAnswer), S(ToSecondary(LastAnswer)), W(Client(5101, 2102)),
            P(LateReset), Out(SynAck, LastAnswer, LateReset), Wait(4000), Cp(0)]),
        Row("108 the primary alone resets before the client has acknowledged its FIN",
            [.. Opened, W(Request with { Fin = true }), P(LastAnswer), S(ToSecondary(LastAnswer)), W(Client(5101, 2101)),
            P(LateReset), Out(SynAck, LastAnswer), Wait(4000), Cp(1, DivergenceReason.Timeout)]),
        Row("108 the primary alone resets a connection that the client has not closed",
            [.. Opened, W(Request), P(LastAnswer with { Ack = 5100 }), S(ToSecondary(LastAnswer with { Ack = 5100 })),
            W(Client(5100, 2102)), P(LateReset), Out(SynAck, LastAnswer with { Ack = 5100 }), Wait(4000),
            Cp(1, DivergenceReason.Timeout)]),
        Row("110 frames that concern no guest", W(Ack with { MacDestination = [1, 0x80, 0xC2, 0, 0, 2] }), ToBoth(),
            P(A), W(Syn with { MacSource = GuestMac }), W(Syn with { MacDestination = [2, 0, 0, 0, 0, 7] }), ToBoth(),
            W(Syn), ToBoth(Syn), DropsOf(1, 1, 1)),
        Row("110 before the guest's address is known", W(Syn with { MacDestination = [2, 0, 0, 0, 0, 7] }),
            ToBoth(Syn with { MacDestination = [2, 0, 0, 0, 0, 7] })),
        Row("110 a guest that uses an address heard from the world is not learned", W(Syn), P(A with { MacSource = ClientMac }),
            Counted(InboundCount.AddressOfWorld, 1), W(Syn with { MacSource = [2, 0, 0, 0, 0, 98] }),
            ToBoth(Syn, Syn with { MacSource = [2, 0, 0, 0, 0, 98] }), W(Syn), ToBoth(
                Syn, Syn with { MacSource = [2, 0, 0, 0, 0, 98] }, Syn), DropsOf(0, 0, 0)),
        Row("110 the address in a frame that was predicted", S(new Datagram("x")), P(new Datagram("x")), Out(new Datagram("x")),
            W(Syn with { MacDestination = [2, 0, 0, 0, 0, 7] }), ToBoth()),
        Row("111 an ICMP error that quotes a segment",
            [.. Opened, W(Request), P(Answer), S(ToSecondary(Answer)), W(TooBig(Answer)),
            ToP(Syn, Ack, Request, TooBig(Answer)),
            ToS(Syn, ToSecondary(Ack), ToSecondary(Request), TooBig(ToSecondary(Answer))), Cp(0)]),
        new("110 a flow that a policy passes", [.. Opened, ToBoth(Syn, Ack), Cp(0)])
        {
            Options = options => options with
            {
                Policies = [new PolicyRule(PolicyAction.Pass) { Protocol = 6 }],
            },
        },
        Row("114 in two VLANs", Tagged()),
        Row("115 longer than the port of a replica takes", bench => bench.ToSecondary.MaxPayloadBytes = 100,
            W(Syn with { Payload = Fill('L', 61) }), ToBoth(), W(Syn with { Payload = Fill('F', 60) }),
            ToBoth(Syn with { Payload = Fill('F', 60) }),
            W(Syn with { Payload = Fill('F', 60), Vlans = [5] }),
            ToBoth(Syn with { Payload = Fill('F', 60) }, Syn with { Payload = Fill('F', 60), Vlans = [5] }),
            TooLong(1)),
        Row("115a SYN options that differ", W(Syn), P(SynAck with { Options = [2, 4, 5, 0xB4] }),
            S(ToSecondary(SynAck) with { Options = [2, 4, 5, 0x50] }), Cp(1, DivergenceReason.Header)),
        Row("115d the guest's own broadcast does not come back to it", P(A with { MacDestination = Fill('\u00ff', 6) }),
            S(A with { MacDestination = Fill('\u00ff', 6) }), Out(A with { MacDestination = Fill('\u00ff', 6) }), ToBoth()),
    ];

    private static Segment Broadcast => Syn with { MacDestination = Fill('\u00ff', 6) };

    private EngineOptions Options => TestBench.SmallOptions with { Shards = shards, Inbound = InboundMode.Mirror };

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(Options);

    [Test]
    public void Scenario_116_each_replica_receives_the_frames_of_each_flow_in_their_order()
    {
        using TestBench bench = new(Options);
        bench.Checkpoint();
        for (int i = 0; i < 10_000; i++)
        {
            bench.World.Feed((Client((uint)i, 1) with { SourcePort = (ushort)(40_000 + (i % 64)) }).Bytes());
        }

        bench.Poll();
        foreach (MemoryInjectPort port in (MemoryInjectPort[])[bench.ToPrimary, bench.ToSecondary])
        {
            Assert.That(port.Frames, Has.Count.EqualTo(10_000));
            foreach (IGrouping<int, byte[]> flow in port.Frames.GroupBy(frame => (frame[34] << 8) | frame[35]))
            {
                Assert.That(flow.Select(frame => (frame[40] << 8) | frame[41]), Is.Ordered);
            }
        }

        bench.StopAndCheckSlots();
    }

    [Test]
    public void Scenario_115c_frames_between_stop_and_resume_wait_and_then_reach_both_in_the_same_numbers()
    {
        using TestBench bench = new(Options);
        Array.ForEach(Opened, step => step(bench));
        Happens(CheckpointEvent.Began)(bench);
        W(Request)(bench);
        ToP(Syn, Ack)(bench);
        bench.Checkpoint();
        ToP(Syn, Ack, Request)(bench);
        ToS(Syn, ToSecondary(Ack), Request)(bench);
        bench.StopAndCheckSlots();
    }

    private static Action<TestBench> SecondaryLink(bool isUp) => bench => bench.Secondary.HasLink = isUp;

    private static Scenario Row(string name, params Action<TestBench>[] steps) => new(name, steps);

    private static IcmpError TooBig(Segment quoted) => new(3, 4, IcmpError.QuoteOf(quoted.Bytes(), 0, 28))
    {
        Source = [10, 0, 0, 99],
        Destination = [10, 0, 0, 1],
        MacSource = ClientMac,
        MacDestination = GuestMac,
    };

    private static Segment Wrong(Segment segment) => segment with { Checksum = (ushort)(segment.Checksum ^ 0x0101) };

    private static void Wronged(TestBench bench) => Assert.That(
        bench.ToSecondary.Frames[^1], Is.Not.EqualTo(ToSecondary(Ack).Bytes()), "a wrong checksum must not become right");

    private static Action<TestBench> DropsOf(long linkLocal, long loop, long other) => bench =>
    {
        ReadOnlySpan<long> drops = bench.Path.Pipelines[0].Inbound!.World.Filter.Drops;
        Assert.That(
            new[] { drops[(int)InboundDrop.LinkLocal], drops[(int)InboundDrop.Loop], drops[(int)InboundDrop.OtherUnicast] },
            Is.EqualTo(new[] { linkLocal, loop, other }));
    };

    private static Action<TestBench> TooLong(long count) => bench => Assert.That(
        bench.Path.Pipelines[0].Inbound!.World.Filter.Drops[(int)InboundDrop.TooLong], Is.EqualTo(count));

    private static Action<TestBench>[] Tagged()
    {
        ushort[] vlans = [5, 6];
        return
        [
            W(Syn with { Vlans = vlans }), P(SynAck with { Vlans = vlans }), S(ToSecondary(SynAck) with { Vlans = vlans }),
            W(Ack with { Vlans = vlans }), ToP(Syn with { Vlans = vlans }, Ack with { Vlans = vlans }),
            ToS(Syn with { Vlans = vlans }, ToSecondary(Ack) with { Vlans = vlans }), Cp(0),
        ];
    }
}
