// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.FragmentBuilder;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>The rows that concern fragments and the virtio-net header before a frame, by their numbers on the page of
/// scenarios.</summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed partial class FragmentScenarios(int shards)
{
    private static readonly byte[] Host6 = [0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    /// <summary>200 bytes of UDP payload: 208 of IP payload.</summary>
    private static readonly Datagram Whole = new([.. Enumerable.Range(0, 200).Select(i => (byte)i)]) { DontFragment = false };
    private static readonly Datagram Whole6 = Whole with { Source = Host6, Destination = [.. Host6[..15], 2] };
    private static readonly Datagram Changed = new(Enumerable.Range(0, 200).Select(i => (byte)(i == 150 ? 99 : i)).ToArray());
    private static readonly Datagram Long = new([.. Enumerable.Range(0, 60_000).Select(i => (byte)(i * 7))]);
    private static readonly byte[][] Halves = Cut(Whole, 1, 104);
    private static readonly byte[][] Odd = Cut(Whole, 2, 56);

    private static readonly Scenario[] Rows =
    [
        new("45 the primary's whole, the secondary's in two", P(Whole), S(Odd), Out(Whole), Cp(0), Verified(1)),
        new("45 the primary's in two, the secondary's whole", P(Halves), S(Whole), OutBytes(Halves), Cp(0), Verified(2)),
        new("45 and a byte differs", P(Halves), S(Changed), Wait(30), OutBytes(), Cp(1, DivergenceReason.Payload, 150), Checkpointed, OutBytes(Halves)),
        new("46 cut in different places", P(Halves), OutBytes(), S(Odd), OutBytes(Halves), Cp(0), Verified(2)),
        new("46 cut in different places, the secondary first", S(Odd), P(Halves), OutBytes(Halves), Cp(0), Verified(2)),
        new("46 the primary's out of order leave as they came", P(Halves[1], Halves[0]), S(Odd[1], Odd[0]), OutBytes(Halves[1], Halves[0]), Cp(0)),
        new("46 one fragment more lies about", P(Halves[0]), S(Odd), OutBytes(), P(Halves[1]), OutBytes(Halves), Cp(0)),
        new("46 a fragment that comes twice leaves twice", P(Halves[0], Halves[0], Halves[1]), S(Odd[0], Odd[0], Odd[1]),
            OutBytes(Halves[0], Halves[0], Halves[1]), Verified(3), Cp(0)),
        new("46 a long datagram in many pieces", P(Even(Long, 1, 1480)), S(Even(Long, 2, 1000)), OutBytes(Even(Long, 1, 1480)), Cp(0)),
        new("46 padded fragments with tags", P(Padded(Cut(Whole with { Vlans = [9, 5] }, 1, 200))), S(Whole with { Vlans = [9, 5] }),
            OutBytes(Padded(Cut(Whole with { Vlans = [9, 5] }, 1, 200))), Cp(0)),
        new("46 TCP in fragments", P(Cut(A, 1, 64)), S(A), OutBytes(Cut(A, 1, 64)), P(B), S(Cut(B, 7, 24)), Cp(0), Verified(3)),
        new("46 TCP in fragments, behind a segment that was whole", P(A), S(A), P(Cut(B, 1, 64)), S(B), OutBytes([A.Bytes(), .. Cut(B, 1, 64)]), Cp(0),
            Verified(3)),
        new("46 fragments whose datagram is malformed leave", P(Cut(ShortUdp, 1, 104)), OutBytes(Cut(ShortUdp, 1, 104)), S(Cut(ShortUdp, 1, 104)),
            Malformed(MalformedKind.UdpHeader, 2), Dropped(DropReason.SecondaryMalformed, 1), Cp(0)),
        new("47 overlapping on the primary", P(Halves[0], Overlap, Halves[1]), OutBytes(), Wait(2900), Cp(0), Wait(1100), Cp(1, DivergenceReason.Fragment),
            Became(b => b.Path.Pipelines[0].PrimaryCapture.Reassembly, DatagramOutcome.Overlapping, 1), S(Whole), Cp(1), Checkpointed,
            OutBytes(Halves[0], Overlap, Halves[1]), Unverified(UnverifiedReason.Checkpoint, 3)),
        new("47 overlapping on the secondary", S(Halves[0], Overlap, Halves[1]), P(Halves), OutBytes(), Wait(4100), Dropped(DropReason.SecondaryFragment, 3),
            OutBytes(), Cp(1, DivergenceReason.Timeout), Became(b => b.Path.Pipelines[0].SecondaryCapture.Reassembly, DatagramOutcome.Overlapping, 1)),
        new("47 a fragment with other bytes in the same place", P(Halves[0], Twisted), Wait(4000), OutBytes(), Cp(1, DivergenceReason.Fragment)),
        new("47 overlapping on both sides, and a byte differs", P(Halves[0], Overlap, Halves[1]),
            S(Halves[0], Fragment(Whole.Bytes(), 1, 96, Fill('p', 16), more: true), Halves[1]), Wait(60), OutBytes(Halves[0]),
            Cp(1, DivergenceReason.Fragment, 0), Checkpointed, OutBytes(Halves[0], Overlap, Halves[1])),
        new("47 overlapping on both sides, and before that a byte differs", P(Cut(Changed, 1, 160)[0], Piece(Changed.Bytes(), 1, 152, 16, true)),
            S(Cut(Whole, 1, 160)[0], Piece(Changed.Bytes(), 1, 152, 16, true)), Wait(60), OutBytes(), Cp(1, DivergenceReason.Fragment)),
        new("98 the same overlapping fragments on both sides", P(Halves[0], Overlap, Halves[1]), OutBytes(), S(Halves[0], Overlap), OutBytes(Halves[0], Overlap),
            S(Halves[1]), OutBytes(Halves[0], Overlap, Halves[1]), Verified(3), Wait(10_000), Cp(0)),
        new("98 the same overlapping fragments on both sides, the secondary first", S(Halves[0], Overlap, Halves[1]), P(Halves[0], Overlap, Halves[1]),
            OutBytes(Halves[0], Overlap, Halves[1]), Verified(3), Wait(10_000), Cp(0)),
        new("98 the same overlapping fragments, the identifications differ", P(Halves[0], Overlap, Halves[1]),
            S([.. Cut(Whole, 9, 104)[..1], Fragment(Whole.Bytes(), 9, 96, Fill('o', 16), more: true), .. Cut(Whole, 9, 104)[1..]]),
            OutBytes(Halves[0], Overlap, Halves[1]), Verified(3), Wait(10_000), Cp(0)),
        new("98 the same overlapping fragments as fast as the wire lets them, many times over", OverlapAgainAndAgain),
        new("98 the same fragment with other bytes in the same place", P(Halves[0], Twisted), S(Halves[0], Twisted), OutBytes(Halves[0], Twisted), Wait(10_000), Cp(0)),
        new("98 IPv6: the same overlapping fragments", P(Cut(Whole6, 7, 104)[0], Overlap6), S(Cut(Whole6, 7, 104)[0], Overlap6),
            OutBytes(Cut(Whole6, 7, 104)[0], Overlap6), Verified(2), Wait(10_000), Cp(0)),
        new("98 the same never-completed fragments on both sides, the secondary later by almost the timeout", P(Halves[0]), Wait(2500), S(Halves[0]),
            Wait(1500), OutBytes(Halves[0]), Verified(1), Wait(10_000), Cp(0)),
        new("98 the same never-completed fragments on both sides, where both timeouts are one", P(Halves[0]), Wait(5), S(Halves[0]), Wait(600),
            OutBytes(Halves[0]), Verified(1), Wait(10_000), Cp(0))
        { Options = options => options with { CompareTimeoutMs = 500, ExpiredScanCycleMs = 10 } },
        new("98 two never-completed datagrams, the secondary in another order", P(Halves[0], Cut(Changed, 8, 160)[0]), S(Cut(Changed, 8, 160)[0], Halves[0]),
            Wait(1100), OutBytes(Halves[0], Cut(Changed, 8, 160)[0]), Wait(10_000), Cp(0)),
        new("48 a missing fragment of the secondary: CP at the fragment timeout", P(Halves), S(Odd[0]), Wait(990), Cp(0), Wait(50),
            Cp(1, DivergenceReason.Fragment), OutBytes(), Checkpointed, OutBytes(Halves), Dropped(DropReason.SecondaryFragment, 1)),
        new("48 a missing fragment of the secondary: CP at the compare timeout", P(Halves), S(Odd[0]), Wait(490), Cp(0), Wait(20),
            Cp(1, DivergenceReason.Timeout), OutBytes(), Wait(1000), Cp(1), Checkpointed, OutBytes(Halves))
        { Options = options => options with { CompareTimeoutMs = 500, ExpiredScanCycleMs = 10 } },
        new("48 a missing fragment of the primary: its twin has the compare timeout from when it was given up", P(Halves[1]), Wait(3990), Cp(0),
            OutBytes(), Wait(1020), Cp(1, DivergenceReason.Fragment), OutBytes(), Checkpointed, OutBytes(Halves[1])),
        new("48 a missing fragment of the primary, and the compare timeout is the shorter one", P(Halves[1]), Wait(990), Cp(0), Wait(40),
            Cp(1, DivergenceReason.Fragment), OutBytes(), Checkpointed, OutBytes(Halves[1]))
        { Options = options => options with { CompareTimeoutMs = 500, ExpiredScanCycleMs = 10 } },
        new("48 a fragment of the primary that comes too late", P(Halves[1]), Wait(1500), P(Halves[0]), Wait(4000), Cp(1, DivergenceReason.Fragment),
            Checkpointed, OutBytes(Halves[1], Halves[0])),
        new("48 a fragment that is missing on both sides", P(Cut(Whole, 1, 56, 104)[1..]), S(Halves[1], Cut(Whole, 1, 56, 104)[1]),
            Wait(990), OutBytes(), Wait(50), OutBytes(Cut(Whole, 1, 56, 104)[1..]), Verified(2), Cp(0)),
        new("48 another fragment is missing on either side", P(Halves[0]), S(Halves[1]), Wait(1050), OutBytes(), Cp(1, DivergenceReason.Fragment)),
        new("48 a fragment is missing on both sides and a byte differs", P(Cut(Whole, 1, 104)[1]), S(Cut(Changed, 2, 104)[1]), Wait(1050), OutBytes(),
            Cp(1, DivergenceReason.Fragment)),
        new("48 a fragment is missing on both sides, the last on one", P(Cut(Whole, 1, 8, 104, 160)[2]), S(Fragment(Whole.Bytes(), 2, 104, Whole.Bytes().AsSpan(138, 56), more: false)),
            Wait(1050), OutBytes(), Cp(1, DivergenceReason.Fragment)),
        new("48 memory is capped in bytes: the oldest goes", FillBudget) { Options = options => options with { FragmentMemoryKiB = 256 } },
        new("49 the identifications differ", P(Cut(Whole, 7, 104)), S(Cut(Whole, 9, 104)), OutBytes(Cut(Whole, 7, 104)), Cp(0)),
        new("49 two datagrams of a flow, interleaved", P(Cut(Whole, 7, 104)[0], Cut(Changed, 8, 104)[0], Cut(Whole, 7, 104)[1], Cut(Changed, 8, 104)[1]),
            S(Whole, Changed), OutBytes(Cut(Whole, 7, 104)[0], Cut(Whole, 7, 104)[1], Cut(Changed, 8, 104)[0], Cut(Changed, 8, 104)[1]), Cp(0)),
        new("63 IPv6 fragments, the identifications differ", P(Cut(Whole6, 0x10007, 104)), S(Cut(Whole6, 0x20007, 56, 112)),
            OutBytes(Cut(Whole6, 0x10007, 104)), Cp(0), Verified(2)),
        new("63 IPv6 fragments on one side", P(Whole6), S(Cut(Whole6, 9, 56)), Out(Whole6), Cp(0)),
        new("63 IPv6 fragments behind an extension header", P(Cut(Hopped, 7, 8, 104)), S(Hopped), OutBytes(Cut(Hopped, 7, 8, 104)), Cp(0)),
        new("63 an IPv6 fragment that is the whole datagram", P(Cut(Whole6, 7)), S(Whole6), OutBytes(Cut(Whole6, 7)), S(Cut(Whole6, 8)), P(Whole6),
            OutBytes(Cut(Whole6, 7)[0], Whole6.Bytes()), Cp(0)),
        new("63 IPv6 overlapping on the secondary: the whole datagram is discarded", S(Cut(Whole6, 7, 104)[0], Overlap6, Cut(Whole6, 7, 104)[1]),
            Wait(4100), Dropped(DropReason.SecondaryFragment, 3), P(Whole6), Out(), Cp(0)),
        new("63 IPv6 overlapping on the primary", P(Cut(Whole6, 7, 104)[0], Overlap6), Wait(4100), OutBytes(), Cp(1, DivergenceReason.Fragment)),
        new("81 a checkpoint in the middle of the primary's datagram", P(Halves[0]), Checkpointed, OutBytes(Halves[0]), P(Halves[1]),
            OutBytes(Halves), Unverified(UnverifiedReason.StaleEpoch, 2), Wait(4000), Cp(0)),
        new("81 a checkpoint in the middle of the secondary's datagram", S(Halves[0]), Checkpointed, S(Halves[1]), Wait(4000), Cp(0),
            bench => Assert.That(bench.Path.Pipelines[0].SecondaryCapture.Reassembly.Drops[(int)DropReason.SecondaryStale], Is.EqualTo(1)), DroppedFragments(1)),
        new("81 after it a lost fragment of the secondary still shows when the primary waits", Checkpointed, P(Whole), S(Halves[1]), Wait(2000), Cp(0),
            Wait(2010), Cp(1, DivergenceReason.Timeout)),
        new("86 the stop releases what is incomplete", P(Halves[0]), bench => bench.Path.BeginStop(), bench => bench.Poll(),
            OutBytes(Halves[0]), Unverified(UnverifiedReason.Stop, 1), Cp(0)),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Scenario(Scenario row) => row.Run(Options);

    private static readonly (string Name, byte[][] Fragments, DatagramOutcome Outcome)[] Broken =
    [
        ("a part of 12 bytes that is not the last", [Piece(Whole.Bytes(), 1, 0, 12, more: true), Halves[1]], DatagramOutcome.Malformed),
        ("nothing in it", [Halves[0], Piece(Whole.Bytes(), 1, 104, 0, more: true)], DatagramOutcome.Malformed),
        ("beyond the last one", [Halves[1], Fragment(Whole.Bytes(), 1, 208, Fill('x', 8), more: true)], DatagramOutcome.Malformed),
        ("a last one before the end", [Halves[0], Piece(Whole.Bytes(), 1, 56, 8, more: false)], DatagramOutcome.Malformed),
        ("two last ones", [Halves[1], Piece(Whole.Bytes(), 1, 104, 96, more: false)], DatagramOutcome.Malformed),
        ("the last one again, as if more came", [Halves[1], Piece(Whole.Bytes(), 1, 104, 104, more: true)], DatagramOutcome.Malformed),
        ("longer than 65,535", [Halves[0], Fragment(Whole.Bytes(), 1, 65_520, Fill('x', 16), more: false)], DatagramOutcome.Malformed),
        ("longer than 65,535 with the options of the first", TooLongWithOptions(), DatagramOutcome.Malformed),
        ("headers of more than 256 bytes", [Piece(DeepHeaders, 1, 0, 104, more: true, 8 * 25)], DatagramOutcome.Malformed),
    ];

    [Test]
    public void Broken_datagrams_of_the_primary_alone_are_held_for_a_checkpoint(
        [ValueSource(nameof(Broken))] (string Name, byte[][] Fragments, DatagramOutcome Outcome) row) =>
        new Scenario(
            row.Name, P(row.Fragments), OutBytes(), Wait(4000), Cp(1, DivergenceReason.Fragment), OutBytes(),
            Became(bench => bench.Path.Pipelines[0].PrimaryCapture.Reassembly, row.Outcome, 1), Checkpointed, OutBytes(row.Fragments))
            .Run(Options);

    [Test]
    public void Broken_datagrams_of_the_secondary_alone_are_discarded(
        [ValueSource(nameof(Broken))] (string Name, byte[][] Fragments, DatagramOutcome Outcome) row) =>
        new Scenario(
            row.Name, S(row.Fragments), Wait(4100), Dropped(DropReason.SecondaryFragment, row.Fragments.Length), Cp(0),
            Became(bench => bench.Path.Pipelines[0].SecondaryCapture.Reassembly, row.Outcome, 1))
            .Run(Options);

    [Test]
    public void Scenario_98_broken_datagrams_that_both_send_alike_leave(
        [ValueSource(nameof(Broken))] (string Name, byte[][] Fragments, DatagramOutcome Outcome) row, [Values] CompareMode mode) =>
        new Scenario(row.Name, P(row.Fragments), S(row.Fragments), OutBytes(row.Fragments), Wait(10_000), Verified(row.Fragments.Length), Cp(0))
            .Run(Options with { Mode = mode });

    [Test]
    public void The_longest_datagram_of_either_version_is_put_together([Values(4, 6)] int version)
    {
        int payloadBytes = version == 4 ? 65_535 - 20 - 8 : 65_535 - 8;
        Datagram longest = Long with { Payload = [.. Enumerable.Range(0, payloadBytes).Select(i => (byte)(i % 251))], Vlans = [9, 5] };
        longest = version == 4 ? longest : longest with { Source = Host6, Destination = Host6 };
        new Scenario("longest", P(Even(longest, 1, 1400)), S(Even(longest, 2, 640)), OutBytes(Even(longest, 1, 1400)), Cp(0)).Run(Options);
    }

    [Test]
    public void Without_a_large_slot_a_long_datagram_is_given_up_and_nothing_is_lost() =>
        new Scenario("no slot", P(Even(Long, 1, 1480)), Cp(1, DivergenceReason.Fragment), S(Even(Long, 1, 1480)), Checkpointed, OutBytes(Even(Long, 1, 1480)))
            .Run(Options with { LargeSlotsPerSide = 0 });

    [Test]
    public void A_fragment_is_late_by_its_own_time_and_not_by_that_of_a_poll()
    {
        using TestBench bench = new(Options);
        P(Halves[0])(bench);
        bench.QueuePrimary(Halves[1]);
        bench.Jump(1000);
        Cp(0)(bench);
        Became(b => b.Path.Pipelines[0].PrimaryCapture.Reassembly, DatagramOutcome.TimedOut, 1)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void An_identification_can_be_used_again_once_the_datagram_was_given_up_long_enough_ago()
    {
        using TestBench bench = new(Options);
        S(Halves[0])(bench);
        Wait(2100)(bench);
        Checkpointed(bench);
        P(Whole)(bench);
        S(Halves)(bench);
        Out(Whole)(bench);
        Cp(1, DivergenceReason.Fragment)(bench);
        bench.StopAndCheckNothingLost();
    }

    [TestCase(104, 32, 40)]
    [TestCase(20_000, 2, 3)]
    public void Incomplete_datagrams_take_half_of_the_slots_at_most(int firstBytes, int limit, int datagrams)
    {
        using TestBench bench = new(Options with { SlotsPerSide = 64, LargeSlotsPerSide = 4, FragmentMemoryKiB = 1 << 20 });
        for (int i = 0; i < datagrams; i++)
        {
            S(Cut(Long, (uint)i, firstBytes)[0])(bench);
        }

        Became(b => b.Path.Pipelines[0].SecondaryCapture.Reassembly, DatagramOutcome.OverBudget, datagrams - limit)(bench);
        Assert.That(bench.Path.Pipelines[0].SecondaryCapture.Reassembly.Waiting, Is.EqualTo(limit));
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void More_datagrams_than_there_are_records_make_the_oldest_go()
    {
        int more = EngineLimits.FragmentedDatagrams + 500;
        using TestBench bench = new(Options with { SlotsPerSide = 16_384, FragmentMemoryKiB = 1 << 20 });
        for (int i = 0; i < more; i++)
        {
            bench.Secondary.Feed(Cut(Whole, (uint)i, 104)[0]);
        }

        bench.Poll();
        Became(b => b.Path.Pipelines[0].SecondaryCapture.Reassembly, DatagramOutcome.OverBudget, 500)(bench);
        P(Whole)(bench);
        S(Cut(Whole, (uint)(more - 1), 104)[1])(bench);
        Out(Whole)(bench);
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    [TestCase(12, 10)]
    [TestCase(0, 12)]
    public void Scenario_40_the_header_of_virtio_net_is_stripped_on_each_side(int primaryBytes, int secondaryBytes)
    {
        using TestBench bench = new(Options);
        bench.Primary.VnetHeaderBytes = primaryBytes;
        bench.Secondary.VnetHeaderBytes = secondaryBytes;
        P(A, Whole)(bench);
        P(Halves)(bench);
        S(A, Whole, Whole)(bench);
        OutBytes([A.Bytes(), Whole.Bytes(), .. Halves])(bench);
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Scenario_74_a_frame_shorter_than_the_header_of_virtio_net_is_malformed()
    {
        byte[] frame = A.Bytes()[..9];
        using TestBench bench = new(Options);
        bench.QueuePrimary(frame);
        bench.Secondary.Feed(frame);
        // The fed frames have no virtio-net header; from here on the ports report a header length that those frames should have
        // had.
        bench.Primary.VnetHeaderBytes = 10;
        bench.Secondary.VnetHeaderBytes = 10;
        bench.Poll();
        OutBytes(frame)(bench);
        Malformed(MalformedKind.VnetHeader, 1)(bench);
        Dropped(DropReason.SecondaryMalformed, 1)(bench);
        Cp(0)(bench);
        bench.StopAndCheckNothingLost();
    }

    private EngineOptions Options => TestBench.SmallOptions with { Shards = shards };

    private static byte[] Overlap => Fragment(Whole.Bytes(), 1, 96, Fill('o', 16), more: true);

    /// <summary>The first half again, with other bytes.</summary>
    private static byte[] Twisted => Fragment(Whole.Bytes(), 1, 0, Fill('z', 104), more: true);

    private static byte[] Overlap6 => Fragment(Whole6.Bytes(), 7, 96, Fill('o', 16), more: true);

    /// <summary>An IPv6 datagram whose UDP header follows a hop-by-hop header.</summary>
    private static byte[] Hopped
    {
        get
        {
            byte[] frame = Whole6.Bytes();
            byte[] hopped = new Other(0, [17, 0, 1, 4, 0, 0, 0, 0, .. frame[54..]]) { Source = Whole6.Source, Destination = Whole6.Destination }.Bytes();
            return hopped;
        }
    }

    private static byte[] DeepHeaders
    {
        get
        {
            byte[] options = [17, 24, 1, 196, .. new byte[196]];
            return new Other(60, [.. options, .. Whole6.Bytes()[54..]]) { Source = Whole6.Source, Destination = Whole6.Destination }.Bytes();
        }
    }

    /// <summary>UDP with a length field greater than the payload of the IP packet.</summary>
    private static Packet ShortUdp => new Other(17, [0, 53, 0, 53, 1, 0, 0, 0, .. Fill('u', 200)]);

    private static byte[][] TooLongWithOptions()
    {
        Datagram optioned = Whole with { IpOptions = Fill('\x01', 40) };
        byte[] longest = new Datagram(Fill('x', 65_535 - 28)) { DontFragment = false }.Bytes();
        return [.. Cut(longest, 1, 0, 104, 32_768)[1..], Piece(optioned.Bytes(), 1, 0, 104, more: true)];
    }

    private static Action<TestBench> P(params byte[][] frames) => PrimaryBytes(frames);

    private static Action<TestBench> S(params byte[][] frames) => SecondaryBytes(frames);

    private static Action<TestBench> P(params Packet[] packets) => Words.P(packets);

    private static Action<TestBench> S(params Packet[] packets) => Words.S(packets);

    private static Action<TestBench> Became(Func<TestBench, ReassemblyCounters> side, DatagramOutcome outcome, int count) => bench =>
        Assert.That(side(bench).Datagrams[(int)outcome], Is.EqualTo(count), $"datagrams {outcome}");

    private static Action<TestBench> DroppedFragments(int count) => bench =>
        Assert.That(bench.Path.Pipelines[0].SecondaryCapture.Reassembly.Drops[(int)DropReason.SecondaryFragment], Is.EqualTo(count), "fragments dropped");

    private static Action<TestBench> Unverified(UnverifiedReason reason, int count) => bench =>
        Assert.That(bench.Sum(c => c.Unverified[(int)reason]), Is.EqualTo(count), $"unverified {reason}");

    private static Action<TestBench> Malformed(MalformedKind kind, int count) => bench =>
        Assert.That(bench.Sum(c => c.Malformed[(int)kind]), Is.EqualTo(count), $"malformed {kind}");

    private static byte[][] Even(Packet packet, uint id, int bytes)
    {
        int payloadBytes = packet.Bytes().Length - new Other(0, []) { Source = packet.Source, Vlans = packet.Vlans }.Bytes().Length;
        return Cut(packet, id, [.. Enumerable.Range(1, (payloadBytes - 1) / bytes).Select(i => i * bytes)]);
    }

    private static byte[][] Padded(IEnumerable<byte[]> frames) => [.. frames.Select(frame => (byte[])[.. frame, .. new byte[Math.Max(0, 60 - frame.Length)]])];

    private static void OverlapAgainAndAgain(TestBench bench)
    {
        // More datagrams than there are records of datagrams: each record is released before the next datagram comes, and none is
        // left.
        List<byte[]> sent = [];
        for (uint id = 1; id <= EngineLimits.FragmentedDatagrams + 500; id++)
        {
            byte[][] odd = [Cut(Whole, id, 104)[0], Fragment(Whole.Bytes(), id, 96, Fill('o', 16), more: true)];
            P(odd)(bench);
            S(odd)(bench);
            sent.AddRange(odd);
        }

        OutBytes([.. sent])(bench);
        Wait(10_000)(bench);
        Cp(0)(bench);
    }

    private static void FillBudget(TestBench bench)
    {
        // 256 KiB hold 64 datagrams of the primary, each a fragment and the slot for reassembly; the 65th evicts the first.
        for (uint id = 1; id <= 64; id++)
        {
            P(Cut(Whole, id, 104)[0])(bench);
        }

        Cp(0)(bench);
        P(Cut(Whole, 65, 104)[0])(bench);
        Cp(1, DivergenceReason.Fragment)(bench);
        Assert.That(bench.Reports.Single().Divergence.Primary.Number, Is.EqualTo(1));
        Became(b => b.Path.Pipelines[0].PrimaryCapture.Reassembly, DatagramOutcome.OverBudget, 1)(bench);
    }
}
