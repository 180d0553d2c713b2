// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.ClientWords;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>The rows in which a client's frame cannot be translated, or not yet: scenarios 107, 112, 113, 115a to 115c and R17;
/// with one shard and with three.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class TranslationScenarios(int shards)
{
    private static readonly byte[] Signature = [19, 18, .. Fill('m', 16), 1, 1];
    private static readonly byte[] Authentication = [29, 16, .. Fill('a', 14)];

    private static readonly Segment Behind = Client(5200, 2001, 'B');
    private static readonly Segment ResetOnly = Reset with { Sequence = 5000, HasAck = false, Ack = 0 };
    private static readonly Segment BlindReset = ResetOnly with { Sequence = 5050 };
    private static readonly Segment Data = Client(5000, 2001, 'R');
    private static readonly Segment Later = Client(5100, 2101);
    private static readonly Segment Big = (Segment)Checksums.WithFull(Data with { Payload = Fill('g', 3000) });

    private static readonly Scenario[] Rows =
    [
        .. Signed("112 TCP MD5", Signature),
        .. Signed("112 TCP-AO", Authentication),
        Row("112 the guest opens", P(Sign(GuestSyn, Signature)), S(ToSecondary(Sign(GuestSyn, Signature))),
            Cp(1, DivergenceReason.Translation), Checkpointed, Out(Sign(GuestSyn, Signature)), Cp(1)),
        Row("112 the same numbers", W(Sign(Syn, Signature)), P(Sign(SynAck, Signature)), S(Sign(SynAck, Signature)),
            Out(Sign(SynAck, Signature)), Cp(0)),
        Row("113 the first fragment with the whole TCP header, the others",
            [.. Opened, WorldBytes(Fragments(Data, 40)), Received(5), BytesToS(
                [Syn.Bytes(), ToSecondary(Ack).Bytes(), .. Fragments(Data, 40, ToSecondary(Data))]), Cp(0)]),
        Row("113 a fragment that ends within the TCP header",
            [.. Opened, WorldBytes(Fragments(Stamped(Data, 1, 1), 24)), Cp(1, DivergenceReason.Translation),
            Counted(InboundCount.HeaderCut, 1),
            BytesToS([Syn.Bytes(), ToSecondary(Ack).Bytes(), .. Fragments(Stamped(Data, 1, 1), 24)]), Checkpointed,
            WorldBytes(Fragments(Stamped(Data, 1, 1), 24)), Cp(1)]),
        Row("113 no flow", WorldBytes(Fragments(Data, 24)), BytesToS(Fragments(Data, 24)), Cp(0)),
        Row("a frame that no small slot holds", [.. Opened, W(Big), ToP(Syn, Ack, Big),
            ToS(Syn, ToSecondary(Ack), ToSecondary(Big)), Counted(InboundCount.NoSlot, 0)]),
        Row("115a a SACK block for bytes that the secondary has not received waits for them",
            [.. Opened, W(Behind), P(SackOf(5200, 5300)), Out(SynAck), S(ToSecondary(SackOf(5200, 5300))),
            Out(SynAck, SackOf(5200, 5300)), Cp(0)]),
        Row("115a the secondary reports others", [.. Opened, W(Behind), P(SackOf(5200, 5300)), S(ToSecondary(SackOf(5250, 5300))),
            Out(SynAck), S(ToSecondary(SackOf(5200, 5260))), Out(SynAck, SackOf(5200, 5300)), Cp(0)]),
        Row("115a the secondary acknowledges them", [.. Opened, W(Behind), P(SackOf(5200, 5300)), Out(SynAck), W(Data),
            W(Client(5100, 2001, 'C')), S(ToSecondary(SackOf(5200, 5300)) with { Ack = 5300, Options = [] }),
            Out(SynAck, SackOf(5200, 5300)), Cp(0)]),
        Row("115a never", [.. Opened, W(Behind), P(SackOf(5200, 5300)), Wait(4000), Cp(1, DivergenceReason.Ack)]),
        Observed("115b the client answers before the secondary does", W(Syn), P(SynAck), Out(SynAck), W(Ack, Data),
            ToP(Syn, Ack, Data), ToS(Syn), S(ToSecondary(SynAck)), ToS(Syn, ToSecondary(Ack), ToSecondary(Data)), Cp(0),
            Counted(InboundCount.Kept, 2), Counted(InboundCount.MirrorLoss, 0), W(Later),
            ToS(Syn, ToSecondary(Ack), ToSecondary(Data), ToSecondary(Later))),
        Observed("115b a reset stays behind what waits", W(Syn), P(SynAck), W(Ack, BlindReset), ToS(Syn), S(ToSecondary(SynAck)),
            ToS(Syn, ToSecondary(Ack), BlindReset), Cp(0)),
        Observed("115b a reset that ends the connection meanwhile", W(Syn), P(SynAck), W(Syn), W(Ack, ResetOnly),
            Counted(InboundCount.Reset, 1), ToP(Syn, Syn, Ack, ResetOnly), ToS(Syn, Syn), Counted(InboundCount.MirrorLoss, 2),
            S(ToSecondary(SynAck)), Wait(4000), Reported(0)),
        Observed("115b more than may wait: what the secondary has missed is no divergence", W(Syn), P(SynAck),
            W([.. Enumerable.Range(0, EngineLimits.KeptClientFrames + 1).Select(_ => Ack)]), ToS(Syn),
            Counted(InboundCount.MirrorLoss, EngineLimits.KeptClientFrames + 1), S(ToSecondary(SynAck)), P(Answer),
            S(ToSecondary(SynAck)), Wait(4000), Reported(0), ToS(Syn), Unverified(UnverifiedReason.MirrorLoss, 2),
            Dropped(DropReason.SecondaryMirrorLoss, 2)),
        Observed("115b a new connection is compared again", W(Syn), P(SynAck),
            W([.. Enumerable.Range(0, EngineLimits.KeptClientFrames + 1).Select(_ => Ack)]),
            W(Syn with { Sequence = 90_000 }), S(SynAck with { Sequence = 60_000, Ack = 90_001 }),
            P(SynAck with { Sequence = 50_000, Ack = 90_001 }), Reported(0), Verified(1),
            W(Client(90_001, 50_001)), Last(Client(90_001, 60_001))),
        Observed("115b the secondary never answers", W(Syn), P(SynAck), W(Ack), Wait(4000), W(Data), ToS(Syn),
            Counted(InboundCount.MirrorLoss, 2)),
        Row("115c a checkpoint that breaks off: the secondary goes on in its own numbers",
            [.. Opened, .. BrokenOff, W(Data), ToP(Syn, Ack, Data), ToS(Syn, ToSecondary(Ack)),
            S(ToSecondary(Answer with { Ack = 5000 })), ToS(Syn, ToSecondary(Ack), ToSecondary(Data)),
            P(Answer with { Ack = 5000 }), Out(SynAck, Answer with { Ack = 5000 })]),
        Row("115c a checkpoint that breaks off: the secondary has the primary's numbers",
            [.. Opened, .. BrokenOff, W(Data), ToP(Syn, Ack, Data), ToS(Syn, ToSecondary(Ack)), S(Answer with { Ack = 5000 }),
            ToS(Syn, ToSecondary(Ack), Data), P(Answer with { Ack = 5000 }), Out(SynAck, Answer with { Ack = 5000 })]),
        Row("115c the primary receives what the client sends, the next checkpoint decides for the secondary",
            [.. Opened, Happens(CheckpointEvent.Began), Wait(10), Happens(CheckpointEvent.Failed), W(Data), ToP(Syn, Ack, Data),
            ToS(Syn, ToSecondary(Ack)), Cp(1), Checkpointed, ToP(Syn, Ack, Data), ToS(Syn, ToSecondary(Ack), Data)]),
        Row("115c a checkpoint that breaks off at once", [.. Opened, Happens(CheckpointEvent.Began),
            Happens(CheckpointEvent.Failed), W(Data), ToS(Syn, ToSecondary(Ack)),
            S(ToSecondary(Answer with { Ack = 5000 })), ToS(Syn, ToSecondary(Ack), ToSecondary(Data))]),
        Row("115c the same numbers need no decision", [W(Syn), P(SynAck), S(SynAck), W(Ack), .. BrokenOff, W(Data),
            ToBoth(Syn, Ack, Data)]),
        Row("R17 a connection from before the start", W(Data), ToP(Data), ToS(), P(Answer), Out(Answer), S(ToSecondary(Answer)),
            Wait(4000), Cp(0), Unverified(UnverifiedReason.MirrorLoss, 1), Checkpointed, W(Data), ToP(Data, Data), ToS(Data),
            P(Answer with { Sequence = 2101 }), Out(Answer), S(Answer with { Sequence = 2101 }),
            Out(Answer, Answer with { Sequence = 2101 })),
        Row("R17 a reset without ACK contains no number", W(Reset with { HasAck = false, Ack = 0 }),
            ToBoth(Reset with { HasAck = false, Ack = 0 })),
        Row("R17 after frames bypassed ColoWire", [.. Opened, Absent, W(Data), ToP(Syn, Ack, Data), ToS(Syn, ToSecondary(Ack)),
            P(Answer), Out(SynAck, Answer), Unverified(UnverifiedReason.MirrorLoss, 1), Cp(1), Checkpointed, W(Data),
            ToS(Syn, ToSecondary(Ack), Data), Cp(1)]),
        Row("R17 an order to flush changes no numbers", [.. Opened, Flushed, W(Data),
            ToS(Syn, ToSecondary(Ack), ToSecondary(Data)), P(Answer), S(ToSecondary(Answer)), Out(SynAck, Answer), Cp(0)]),
        Row("107 clients that lie", [.. Opened, W(Client(5000, 9000)), Counted(InboundCount.AckBeyond, 1), W(Sack(2001, 9000)),
            Counted(InboundCount.SackBeyond, 1), W(Reset with { Sequence = 7000 }), Counted(InboundCount.BlindReset, 1),
            W(Cut()), Counted(InboundCount.BadOptions, 1), ToP(Syn, Ack, Client(5000, 9000), Sack(2001, 9000),
            Reset with { Sequence = 7000 }, Cut()), W(Reset with { Sequence = 5000 }), Counted(InboundCount.Reset, 1), Cp(0)]),
    ];

    /// <summary>Both replicas are stopped, and the checkpoint does not end.</summary>
    private static Action<TestBench>[] BrokenOff =>
        [Happens(CheckpointEvent.Began), Wait(16_000), Stands(Protection.DegradedNoCheckpoints)];

    private EngineOptions Options => TestBench.SmallOptions with { Shards = shards, Inbound = InboundMode.Mirror };

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(Options);

    [Test]
    public void Flows_with_a_translation_are_evicted_last_and_then_their_connections_are_not_compared()
    {
        const int Flows = 16;
        using TestBench bench = new(Options with { Flows = Flows, Shards = 1 });
        bench.Checkpoint();
        Array.ForEach(Opened, step => step(bench));
        for (int i = 1; i < Flows * 2; i++)
        {
            // Each is verified, so that its flow is idle.
            Segment other = A with { DestinationPort = (ushort)(1000 + i) };
            P(other)(bench);
            S(other)(bench);
        }

        W(Data)(bench);
        Assert.That(bench.ToSecondary.Frames[^1], Is.EqualTo(ToSecondary(Data).Bytes()), "its flow is not evicted");
        for (int i = 0; i < Flows; i++)
        {
            ushort port = (ushort)(30_000 + i);
            P(SynAck with { DestinationPort = port })(bench);
            S(ToSecondary(SynAck) with { DestinationPort = port })(bench);
        }

        int received = bench.ToSecondary.Frames.Count;
        W(Data)(bench);
        Assert.That(bench.ToSecondary.Frames, Has.Count.EqualTo(received), "its flow is evicted");
        P(Answer)(bench);
        Unverified(UnverifiedReason.MirrorLoss, 1)(bench);
        Cp(0)(bench);
        bench.Checkpoint();
        W(Data)(bench);
        Assert.That(bench.ToSecondary.Frames[^1], Is.EqualTo(Data.Bytes()), "both use the same numbers");
        bench.StopAndCheckSlots();
    }

    private static Scenario Row(string name, params Action<TestBench>[] steps) => new(name, steps);

    private static Scenario Observed(string name, params Action<TestBench>[] steps) => new(name, steps)
    {
        Options = options => options with { Mode = CompareMode.Observe },
    };

    private static Scenario[] Signed(string name, byte[] option)
    {
        Segment syn = Sign(Syn, option);
        Segment answer = Sign(SynAck, option);
        Segment data = (Segment)Checksums.WithFull(Sign(Data, option));
        return
        [
            Row(name, W(syn), P(answer), Cp(0), S(ToSecondary(answer)), Cp(1, DivergenceReason.Translation), Out(), Checkpointed,
                Out(answer), W(data), ToBoth(syn, data), P(Answer), S(Answer), Out(answer, Answer), Cp(1),
                Counted(InboundCount.Signed, 0)),
            Row(name + " right after a checkpoint", Checkpointed, W(syn), P(answer), S(ToSecondary(answer)),
                Cp(1, DivergenceReason.Translation), Checkpointed, Out(answer)),
        ];
    }

    private static Segment Sign(Segment segment, byte[] option) => segment with { Options = option };

    private static Segment SackOf(uint from, uint end) => new(2001, [])
    {
        Ack = 5000,
        Options = [1, 1, 5, 10, .. BigEndian(from), .. BigEndian(end)],
    };

    private static Segment Cut() => (Segment)Checksums.WithFull(Ack with { Options = [1, 1, 1, 5] });

    /// <summary>The two fragments of a segment, cut at an offset in its IP payload.</summary>
    private static byte[][] Fragments(Segment segment, int cut, Segment? secondary = null) =>
        FragmentBuilder.Cut(secondary ?? segment, 7, cut);

    private static Action<TestBench> Received(int frames) => bench =>
        Assert.That(bench.ToPrimary.Frames, Has.Count.EqualTo(frames - 1));

    private static Action<TestBench> Last(Segment segment) => bench =>
        Assert.That(bench.ToSecondary.Frames[^1], Is.EqualTo(segment.Bytes()));

    private static Action<TestBench> Reported(int count) => bench => Assert.That(bench.Reports, Has.Count.EqualTo(count));

    private static void Absent(TestBench bench)
    {
        bench.Path.Gate.NoteBypass();
        bench.Poll();
    }

    private static void Flushed(TestBench bench)
    {
        bench.Path.Flush();
        bench.Poll();
    }
}
