// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Translate;
using ColoWire.Engine.Wire;
using ColoWire.Tests.Shared;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Checksums;

namespace ColoWire.Engine.Tests.Units;

/// <summary>
/// The secondary's sequence numbers are 1000 lower than the primary's, which the world has seen, and its timestamps are 1 h lower
/// at a clock of 1 kHz.
/// </summary>
public sealed class FrameTranslatorTests
{
    private const uint Hour = 3_600_000;
    private const uint PrimaryTime = 9_000_000;
    private const uint SecondaryTime = PrimaryTime - Hour;

    private const byte Pad = 1;
    private const byte Sack = 5;
    private const byte Md5 = 19;
    private const byte Authentication = 29;

    private static readonly Translation Lower = new(unchecked(0u - 1000u), unchecked(0u - Hour), HasTimestampOffset: true);

    private static readonly Segment Acknowledgment = new(5000, []) { Ack = 2001 };

    // Checksums and all other bytes of these frames were computed by another program. The timestamps option begins at an odd
    // offset, and so does each edge of the SACK block.
    private const string FromClient = "020000000063020000000001080045000040000140004006b65fc0000207c0000250"
        + "9c40005000001388000007d1b01002001907000001080a0000004d00895440050a0000083400000898010100";

    private const string ForReplica = "020000000063020000000001080045000040000140004006b65fc0000207c0000250"
        + "9c40005000001388000003e9b0100200a3e5000001080a0000004d005265c0050a0000044c000004b0010100";

    private const string WrongFromClient = "020000000063020000000001080045000040000140004006b65fc0000207c0000250"
        + "9c40005000001388000007d1b01002002a18000001080a0000004d00895440050a0000083400000898010100";

    private const string WrongForReplica = "020000000063020000000001080045000040000140004006b65fc0000207c0000250"
        + "9c40005000001388000003e9b0100200b4f6000001080a0000004d005265c0050a0000044c000004b0010100";

    private static readonly object[] ClientFrames =
    [
        Same("a SYN", Acknowledgment with { HasAck = false, Syn = true }, TranslationOutcome.Unchanged),
        Same("a SYN with timestamps", With(Time(0)) with { HasAck = false, Syn = true }, TranslationOutcome.Unchanged),
        Row("an acknowledgment", Acknowledgment, Acknowledgment with { Ack = 1001 }),
        Row("a SYN-ACK", Acknowledgment with { Syn = true }, Acknowledgment with { Syn = true, Ack = 1001 }),
        Row("data", new Segment(5000, [1, 2, 3]) { Ack = 2001 }, new Segment(5000, [1, 2, 3]) { Ack = 1001 }),
        Row("a number before 0", Acknowledgment with { Ack = 500 }, Acknowledgment with { Ack = unchecked(500u - 1000u) }),
        Row("a RST with ACK", Acknowledgment with { Rst = true }, Acknowledgment with { Rst = true, Ack = 1001 }),
        Same("a RST without ACK", Acknowledgment with { HasAck = false, Rst = true }, TranslationOutcome.Unchanged),

        Row("one SACK block", With(SackOf(2100, 2200)), With(SackOf(1100, 1200), 1001)),
        Row("a duplicate below the acknowledgment", With(SackOf(1900, 2001)), With(SackOf(900, 1001), 1001)),
        Row("a duplicate within a block", With(SackOf(2150, 2160, 2100, 2200)), With(SackOf(1150, 1160, 1100, 1200), 1001)),
        Row(
            "four SACK blocks", With(SackOf(2100, 2200, 2300, 2400, 2500, 2600, 2700, 2800)),
            With(SackOf(1100, 1200, 1300, 1400, 1500, 1600, 1700, 1800), 1001)),
        Bad("SACK without a block", [Sack, 2]),
        Bad("SACK with half a block", [Sack, 6, 0, 0, 8, 52]),
        Bad("SACK with a byte too much", [Sack, 11, 0, 0, 8, 52, 0, 0, 8, 152, 0]),
        Bad("SACK cut short", [Sack, 18, 0, 0, 8, 52, 0, 0, 8, 152]),
        Bad("SACK cut after its kind", [Pad, Pad, Pad, Sack]),
        Bad("SACK cut short behind timestamps", [.. Time(PrimaryTime), Sack, 10]),
        Bad("another option cut short behind SACK", [.. SackOf(2100, 2200), Pad, Pad, 254, 5]),
        Bad("an option of length 0", [254, 0, Pad, Pad]),
        Bad("an option of length 1", [254, 1, Pad, Pad]),
        Bad("timestamps of another length", [8, 8, 0, 0, 0, 1, 0, 0]),

        Row("timestamps", With(Time(PrimaryTime)), With(Time(SecondaryTime), 1001)),
        Row("timestamps without pads before them", With(Time(PrimaryTime)[2..]), With(Time(SecondaryTime)[2..], 1001)),
        Row("an echo beyond the greatest timestamp", With(Time(PrimaryTime + 501)), With(Time(SecondaryTime + 500), 1001)),
        Row("an echo of 0", With(Time(0)), With(Time(0), 1001)),
        Row(
            "timestamps and SACK", With([.. Time(PrimaryTime), .. SackOf(2100, 2200)]),
            With([.. Time(SecondaryTime), .. SackOf(1100, 1200)], 1001)),
        Row("an option behind the end of the list", With([0, Sack, 10, 0]), With([0, Sack, 10, 0], 1001)),
        Same("TCP MD5", With([Md5, 18, .. new byte[16]]), TranslationOutcome.Signed),
        Same("TCP-AO", With([Authentication, 16, .. new byte[14]]), TranslationOutcome.Signed),
        Same("TCP MD5 in a SYN", With([Md5, 18, .. new byte[16]]) with { HasAck = false, Syn = true }, TranslationOutcome.Signed),
        Same("TCP MD5 behind a bad SACK", With([Sack, 2, Md5, 18, .. new byte[16]]), TranslationOutcome.Signed),
        Same("UDP", new Datagram([8, 10, 0, 0, 0, 1]), TranslationOutcome.Unchanged),
    ];

    private static readonly object[] GuestFrames =
    [
        Row("data", new Segment(1001, [1, 2, 3]), new Segment(2001, [1, 2, 3])),
        Row("a SYN", Own(1000) with { HasAck = false, Syn = true }, Own(2000) with { HasAck = false, Syn = true }),
        Row("a RST without ACK", Own(1001) with { HasAck = false, Rst = true }, Own(2001) with { HasAck = false, Rst = true }),
        Row(
            "timestamps and SACK", Own(1001, [.. OwnTime(SecondaryTime + 900), .. SackOf(5100, 5200)]),
            Own(2001, [.. OwnTime(PrimaryTime + 900), .. SackOf(5100, 5200)])),
        Row("a timestamp before the world's", Own(1001, OwnTime(SecondaryTime)), Own(2001, OwnTime(PrimaryTime + 500))),
        Row("SACK cut short", Own(1001, Sack, 18, 0, 0), Own(2001, Sack, 18, 0, 0), TranslationOutcome.BadOption),
        Same("TCP MD5", Own(1001, [Md5, 18, .. new byte[16]]), TranslationOutcome.Signed),
        Same("UDP", new Datagram("x"), TranslationOutcome.Unchanged),
    ];

    [TestCase(FromClient, ForReplica)]
    [TestCase(WrongFromClient, WrongForReplica)]
    public void A_right_checksum_stays_right_and_a_wrong_one_equally_wrong(string client, string replica)
    {
        byte[] frame = Convert.FromHexString(client);
        Assert.That(ToReplica(frame), Is.EqualTo(TranslationOutcome.Translated));
        Assert.That(Convert.ToHexStringLower(frame), Is.EqualTo(replica));
    }

    [TestCaseSource(nameof(ClientFrames))]
    public void A_replica_gets_a_clients_frame_in_its_own_numbers(
        string what, Packet sent, Packet expected, TranslationOutcome outcome)
    {
        byte[] frame = sent.Bytes();
        Assert.That(ToReplica(frame), Is.EqualTo(outcome), what);
        Assert.That(frame, Is.EqualTo(expected.Bytes()), what);
    }

    [TestCaseSource(nameof(GuestFrames))]
    public void The_world_gets_a_replicas_frame_in_the_numbers_that_it_knows(
        string what, Packet sent, Packet expected, TranslationOutcome outcome)
    {
        byte[] frame = sent.Bytes();
        FrameParser.Parse(frame, out FrameLayout layout);
        Assert.That(FrameTranslator.ToWorld(frame, in layout, in Lower, PrimaryTime + 500), Is.EqualTo(outcome), what);
        Assert.That(frame, Is.EqualTo(expected.Bytes()), what);
    }

    [Test]
    public void Timestamps_stay_while_their_offset_is_unknown()
    {
        byte[] frame = WithFull(With(Time(PrimaryTime))).Bytes();
        Assert.That(ToReplica(frame, Lower with { HasTimestampOffset = false }), Is.EqualTo(TranslationOutcome.Translated));
        Assert.That(frame, Is.EqualTo(WithFull(With(Time(PrimaryTime), 1001)).Bytes()));
    }

    [TestCase(0u, 0u, true)]
    [TestCase(0u, 0u, false)]
    [TestCase(0u, 7u, false)]
    public void A_replica_with_the_worlds_numbers_gets_every_frame_unchanged(uint sequence, uint timestamp, bool hasTimestamp)
    {
        byte[] frame = WithFull(With([.. Time(PrimaryTime + 10 * Hour), .. SackOf(2100, 2200)])).Bytes();
        byte[] before = [.. frame];
        Translation none = new(sequence, timestamp, hasTimestamp);
        Assert.That(none.IsIdentity);
        Assert.That(ToReplica(frame, none), Is.EqualTo(TranslationOutcome.Unchanged));
        Assert.That(frame, Is.EqualTo(before));
    }

    [TestCase(4)]
    [TestCase(16)]
    public void Of_a_fragmented_segment_the_first_fragment_is_translated(int addressBytes)
    {
        Segment segment = With([.. Time(PrimaryTime), .. SackOf(2100, 2200)]) with
        {
            Payload = new byte[200],
            Source = new byte[addressBytes],
            Destination = new byte[addressBytes],
        };
        Segment expected = segment with { Ack = 1001, Options = [.. Time(SecondaryTime), .. SackOf(1100, 1200)] };
        byte[][] fragments = FragmentBuilder.Cut(WithFull(segment), 9, 48, 120);
        TranslationOutcome[] outcomes = [.. fragments.Select(fragment => ToReplica(fragment))];
        Assert.That(outcomes[0], Is.EqualTo(TranslationOutcome.Translated));
        Assert.That(outcomes[1..], Is.All.EqualTo(TranslationOutcome.Unchanged));
        Assert.That(fragments, Is.EqualTo(FragmentBuilder.Cut(WithFull(expected), 9, 48, 120)));
    }

    [TestCase(4, 16)]
    [TestCase(4, 24)]
    [TestCase(16, 16)]
    [TestCase(16, 24)]
    public void A_first_fragment_without_the_whole_header_stays_and_says_so(int addressBytes, int cut)
    {
        Segment segment = With(Time(PrimaryTime)) with { Source = new byte[addressBytes], Destination = new byte[addressBytes] };
        byte[] first = FragmentBuilder.Cut(WithFull(segment), 9, cut)[0];
        byte[] before = [.. first];
        Assert.That(ToReplica(first), Is.EqualTo(TranslationOutcome.HeaderCut));
        Assert.That(first, Is.EqualTo(before));
    }

    [Test]
    public void Translation_allocates_nothing()
    {
        byte[] segment = Convert.FromHexString(FromClient);
        byte[] error = new IcmpError(3, 4, IcmpError.QuoteOf(new Segment(1, []).Bytes(), 0, 40)).Bytes();
        Run();
        Assert.That(Allocation.LeastBytes(Run), Is.Zero);

        void Run()
        {
            for (int i = 0; i < 1000; i++)
            {
                ToReplica(segment);
                ToReplica(error);
                FrameParser.Parse(error, out FrameLayout layout);
                FrameTranslator.TryReadFlow(error, in layout, out _);
                FrameParser.Parse(segment, out layout);
                FrameTranslator.ToWorld(segment, in layout, in Lower, 0);
            }
        }
    }

    private static TranslationOutcome ToReplica(byte[] frame) => ToReplica(frame, Lower);

    private static TranslationOutcome ToReplica(byte[] frame, in Translation translation)
    {
        FrameParser.Parse(frame, out FrameLayout layout);
        return FrameTranslator.ToReplica(frame, in layout, in translation, SecondaryTime + 500);
    }

    private static object[] Row(
        string what, Packet sent, Packet expected, TranslationOutcome outcome = TranslationOutcome.Translated) =>
        [what, WithFull(sent), WithFull(expected), outcome];

    private static object[] Same(string what, Packet packet, TranslationOutcome outcome) => Row(what, packet, packet, outcome);

    private static object[] Bad(string what, byte[] options) =>
        Row(what, With(options), With(options, 1001), TranslationOutcome.BadOption);

    private static Segment With(byte[] options, uint ack = 2001) => Options(Acknowledgment with { Ack = ack }, options);

    /// <summary>A segment of the guest.</summary>
    private static Segment Own(uint sequence, params byte[] options) => Options(new Segment(sequence, []), options);

    /// <summary>The segment with options, and behind them the end of the list up to the next 32-bit word.</summary>
    private static Segment Options(Segment segment, byte[] options) =>
        segment with { Options = [.. options, .. new byte[-options.Length & 3]] };

    private static byte[] SackOf(params uint[] edges) =>
        [Pad, Pad, Sack, (byte)(2 + (4 * edges.Length)), .. edges.SelectMany(BigEndian)];

    private static byte[] Time(uint echo) => [Pad, Pad, 8, 10, .. BigEndian(77), .. BigEndian(echo)];

    private static byte[] OwnTime(uint value) => [Pad, Pad, 8, 10, .. BigEndian(value), .. BigEndian(77)];

    private static byte[] BigEndian(uint number) =>
        [(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number];
}
