// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using ColoWire.Rig;
using ColoWire.Rig.Pair;
using NUnit.Framework;

namespace ColoWire.Tests.Figures;

/// <summary>What is measured from the captures of three interfaces: the client's initial sequence number is 1000, the primary's
/// 5000, the secondary's 9000. Times are in microseconds.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class PairTests
{
    private const byte Syn = 2;
    private const byte Ack = 16;
    private static readonly Connection Client = new(0xC0000201, 40000, 80);

    private readonly List<Segment> primary = [];
    private readonly List<Segment> secondary = [];
    private readonly List<Segment> world = [];

    [SetUp]
    public void Connect()
    {
        FromClient(world, 0, 1000, 0, Syn);
        FromGuest(primary, 100, 5000, 0, 1001, Syn);
        FromGuest(secondary, 150, 9000, 0, 1001, Syn);
        FromGuest(world, 160, 5000, 0, 1001, Syn);
    }

    [Test]
    public void A_frame_can_leave_when_the_secondary_has_sent_its_bytes_however_they_are_cut()
    {
        FromGuest(primary, 200, 5001, 1000, 1001);
        FromGuest(secondary, 300, 9001, 600, 1001);
        FromGuest(secondary, 400, 9601, 400, 1001);
        FromGuest(world, 437, 5001, 1000, 1001);
        PairFigures figures = Measure();
        Assert.That(figures.Frames, Is.EqualTo(2));
        Assert.That(figures.LongestUs, Is.EqualTo(37));
        Assert.That(figures.P50Us, Is.EqualTo(10), "the answer to the SYN");
    }

    [Test]
    public void A_secondary_that_comes_first_does_not_shorten_the_time()
    {
        FromGuest(secondary, 200, 9001, 1000, 1001);
        FromGuest(primary, 300, 5001, 1000, 1001);
        FromGuest(world, 315, 5001, 1000, 1001);
        Assert.That(Measure().LongestUs, Is.EqualTo(15));
    }

    [Test]
    public void A_frame_waits_for_the_one_before_it()
    {
        FromGuest(primary, 200, 5001, 1000, 1001);
        FromGuest(primary, 210, 6001, 0, 1001);
        FromGuest(secondary, 900, 9001, 1000, 1001);
        FromGuest(world, 920, 5001, 1000, 1001);
        FromGuest(world, 921, 6001, 0, 1001);
        Assert.That(Measure().LongestUs, Is.EqualTo(21));
    }

    [Test]
    public void An_acknowledgment_that_the_secondary_has_not_sent_is_a_wait_of_its_own()
    {
        FromClient(world, 200, 1001, 500);
        FromGuest(primary, 300, 5001, 0, 1501);
        FromGuest(secondary, 2300, 9001, 0, 1501);
        FromGuest(world, 2320, 5001, 0, 1501);
        PairFigures figures = Measure();
        Assert.That(figures.LongestUs, Is.EqualTo(20));
        Assert.That((figures.HeldForAck, figures.HeldForAckMs), Is.EqualTo((1, 2.0)));
        Assert.That(figures.IdleHeldMs, Is.EqualTo(2.02).Within(0.001));
    }

    [Test]
    public void A_frame_is_found_on_outdev_when_its_acknowledgment_was_lowered()
    {
        FromClient(world, 200, 1001, 500);
        FromGuest(primary, 300, 5001, 0, 1501);
        FromGuest(secondary, 400, 9001, 0, 1501);
        FromGuest(world, 405, 5001, 0, 1301);
        Assert.That(Measure().Unmatched, Is.Zero);
    }

    [Test]
    public void A_frame_that_the_secondary_never_sent_is_not_measured()
    {
        FromGuest(primary, 200, 5001, 1000, 1001);
        FromGuest(world, 3200, 5001, 1000, 1001);
        PairFigures figures = Measure();
        Assert.That((figures.Frames, figures.Unmatched), Is.EqualTo((1, 1)));
    }

    [Test]
    public void The_primarys_numbers_from_the_secondary_after_a_checkpoint_are_no_progress()
    {
        // Not those of this connection, which began at 9000: 2^31 - 1 bytes further.
        FromGuest(primary, 200, 5001, 1000, 1001);
        FromGuest(secondary, 300, unchecked(9000u + int.MaxValue), 0, 1001);
        FromGuest(world, 3200, 5001, 1000, 1001);
        Assert.That(Measure().Unmatched, Is.EqualTo(1));
    }

    [Test]
    public void Retransmissions_are_told_apart_by_who_has_acknowledged_the_bytes_and_by_the_silence_before()
    {
        FromClient(world, 200, 1001, 500);
        FromGuest(primary, 300, 5001, 0, 1501);
        FromClient(world, 200_300, 1001, 500);
        FromGuest(secondary, 200_400, 9001, 0, 1501);
        FromClient(world, 210_000, 1001, 500);
        PairFigures figures = Measure();
        Assert.That(
            (figures.Retransmissions, figures.Timeouts, figures.ForSecondary, figures.Spurious), Is.EqualTo((2, 1, 1, 1)));
    }

    [Test]
    public void A_capture_is_read_with_either_resolution_and_other_frames_are_left_out([Values] bool nanoseconds)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, [.. Header(nanoseconds), .. Record(3, 7, TcpFrame()), .. Record(3, 8, new byte[60])]);
            Segment expected = new(
                3_000_000_000 + (nanoseconds ? 7 : 7000), new Connection(0xC0000201, 40000, 80), true, 0x1234, 5001, 700, 1501,
                24);
            Assert.That(SegmentCapture.Read(path, 0xC000020A), Is.EqualTo([expected]));
            File.WriteAllBytes(path, [.. Header(nanoseconds), .. Record(3, 7, TcpFrame())[..^1]]);
            Assert.That(
                () => SegmentCapture.Read(path, 0xC000020A), Throws.TypeOf<RigException>().With.Message.Contains("byte 24"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private PairFigures Measure() => PairCommand.Measure(primary, secondary, world);

    private static void FromClient(List<Segment> capture, int timeUs, uint sequence, int length, byte flags = Ack) =>
        capture.Add(new Segment(timeUs * 1000L, Client, false, 0, sequence, length, 0, flags));

    private static void FromGuest(List<Segment> capture, int timeUs, uint sequence, int length, uint ack, byte flags = Ack) =>
        capture.Add(new Segment(timeUs * 1000L, Client, true, 0, sequence, length, ack, flags));

    private static byte[] Header(bool nanoseconds)
    {
        byte[] header = new byte[24];
        BinaryPrimitives.WriteUInt32LittleEndian(header, nanoseconds ? 0xA1B23C4D : 0xA1B2C3D4);
        header[20] = 1;
        return header;
    }

    private static byte[] Record(uint seconds, uint fraction, byte[] frame)
    {
        byte[] record = new byte[16 + frame.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(record, seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), fraction);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(8), frame.Length);
        frame.CopyTo(record, 16);
        return record;
    }

    // From 192.0.2.10:80 to 192.0.2.1:40000, 700 bytes of payload of which the capture has none, PSH and ACK, 12 bytes of
    // options.
    private static byte[] TcpFrame() => Convert.FromHexString(
        "020000000001020000000002" + "0800"
        + "450002f0" + "12344000" + "40060000" + "c000020a" + "c0000201"
        + "00509c40" + "00001389" + "000005dd" + "80180200" + "00000000" + "0101080a0000000100000002");
}
