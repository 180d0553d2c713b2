// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Files;
using ColoWire.Tests.Shared;
using NUnit.Framework;

namespace ColoWire.Tests.Ports;

[TestFixture]
internal sealed class FileCapturePortTests
{
    private const long Second = 1_000_000_000;

    private ScratchFolder folder = null!;
    private FrameArena arena = null!;

    [SetUp]
    public void SetUp()
    {
        folder = new ScratchFolder();
        arena = new FrameArena(smallSlotsPerSide: 64, largeSlotsPerSide: 2);
    }

    [TearDown]
    public void TearDown()
    {
        arena.Dispose();
        folder.Dispose();
    }

    [Test]
    public void Frames_arrive_with_the_captures_nanoseconds_and_bytes()
    {
        byte[] first = PcapBuilder.Frame(60, 1);
        byte[] second = PcapBuilder.Frame(1514, 2);
        using FileCapturePort port = Open(new PcapBuilder().Record(1_700_000_000, 123_456_789, first).Record(1_700_000_001, 1, second));

        List<Received> frames = Drain(port);

        Assert.That((frames[0].ArrivalNs, frames[1].ArrivalNs), Is.EqualTo((1_700_000_000_123_456_789, 1_700_000_001_000_000_001)));
        Assert.That(frames[0].Bytes, Is.EqualTo(first));
        Assert.That(frames[1].Bytes, Is.EqualTo(second));
        Assert.That(port.Statistics, Is.EqualTo(new CaptureStatistics(2, 1574, 0, 0, 0, 0)));
        Assert.That(port.HasNanoseconds, Is.True);
        Assert.That(port.Ended, Is.True);
        Assert.That(port.Fault, Is.Null);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Microseconds_become_nanoseconds_in_either_byte_order(bool bigEndian)
    {
        using FileCapturePort port = Open(
            new PcapBuilder(PcapBuilder.MicrosecondMagic, bigEndian: bigEndian).Record(5, 999_999, PcapBuilder.Frame(60, 1)));

        Assert.That(Drain(port).Single().ArrivalNs, Is.EqualTo(5_999_999_000));
        Assert.That(port.HasNanoseconds, Is.False);
    }

    [Test]
    public void A_frame_waits_until_the_clock_reaches_its_time()
    {
        using FileCapturePort port = Open(Seconds(10, 11, 12));

        Assert.That(port.NextArrivalNs, Is.EqualTo(10 * Second));
        Assert.That(Receive(port, (10 * Second) - 1), Is.Empty);
        Assert.That(Receive(port, 10 * Second), Has.Count.EqualTo(1));
        Assert.That(port.NextArrivalNs, Is.EqualTo(11 * Second));
        Assert.That(Receive(port, 12 * Second), Has.Count.EqualTo(2));
        Assert.That(port.NextArrivalNs, Is.Null);
        Assert.That(port.Ended, Is.True);
    }

    [Test]
    public void The_shift_moves_every_time()
    {
        string path = folder.Write("p.pcap", Seconds(10, 11).ToArray());
        using FileCapturePort port = new(path, shiftNs: -3 * Second);

        Assert.That(port.NextArrivalNs, Is.EqualTo(7 * Second));
        port.ShiftNs = 5 * Second;
        Assert.That(Receive(port, 14 * Second), Is.Empty);
        Assert.That(Drain(port).Select(f => f.ArrivalNs), Is.EqualTo(new[] { 15 * Second, 16 * Second }));
    }

    [Test]
    public void Opened_in_place_of_an_interface_the_first_frame_arrives_at_the_first_poll()
    {
        string path = folder.Write("p.pcap", Seconds(1_700_000_000, 1_700_000_002).ToArray());
        using FileCapturePort port = FileCapturePort.OpenAsLive(path);

        Assert.That(Receive(port, 77).Single().ArrivalNs, Is.EqualTo(77));
        Assert.That(Receive(port, 76 + (2 * Second)), Is.Empty);
        Assert.That(Receive(port, 77 + (2 * Second)), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_frame_with_an_earlier_timestamp_arrives_at_once_and_keeps_its_timestamp()
    {
        using FileCapturePort port = Open(Seconds(10, 9, 11));

        List<Received> frames = Receive(port, 10 * Second);

        Assert.That(frames.Select(f => f.ArrivalNs), Is.EqualTo(new[] { 10 * Second, 9 * Second }));
        Assert.That(frames.Select(f => f.Number), Is.EqualTo(new uint[] { 1, 2 }));
    }

    [Test]
    public void Without_a_free_slot_the_frame_is_kept_and_delivered_first()
    {
        using FrameArena small = new(1, 0);
        byte[][] bytes = [PcapBuilder.Frame(60, 1), PcapBuilder.Frame(61, 2), PcapBuilder.Frame(62, 3)];
        PcapBuilder capture = new();
        foreach (byte[] frame in bytes)
            capture.Record(1, 0, frame);
        using FileCapturePort port = Open(capture);
        FrameRef[] batch = new FrameRef[8];

        for (uint i = 0; i < 3; i++)
        {
            Assert.That(port.Receive(small.Primary, batch, Second), Is.EqualTo(1));
            Assert.That(port.Receive(small.Primary, batch.AsSpan(1), Second), Is.Zero);
            Assert.That(small.Bytes(batch[0]).ToArray(), Is.EqualTo(bytes[i]));
            Assert.That(small[batch[0]].Number, Is.EqualTo(i + 1));
            small.Primary.Return(batch[0]);
        }

        Assert.That(port.Ended, Is.True);
        Assert.That(port.Statistics.Frames, Is.EqualTo(3));
    }

    [Test]
    public void A_batch_is_never_overrun()
    {
        using FileCapturePort port = Open(Seconds(1, 1, 1, 1, 1));

        Assert.That(port.Receive(arena.Primary, new FrameRef[3], Second), Is.EqualTo(3));
        Assert.That(port.Receive(arena.Primary, new FrameRef[3], Second), Is.EqualTo(2));
        Assert.That(port.Receive(arena.Primary, default, Second), Is.Zero);
    }

    [Test]
    public void Scenario_66_truncated_and_oversize_frames_are_counted_not_delivered_and_numbered_as_in_Wireshark()
    {
        byte[] giant = PcapBuilder.Frame(EngineLimits.MaxFrameBytes + 1, 3);
        byte[] longest = PcapBuilder.Frame(EngineLimits.MaxFrameBytes, 4);
        using FileCapturePort port = Open(new PcapBuilder()
            .Record(1, 0, PcapBuilder.Frame(60, 1))
            .Record(1, 1, PcapBuilder.Frame(60, 2), wireLength: 61)
            .Record(1, 2, giant)
            .Record(1, 3, longest));

        List<Received> frames = Drain(port);

        Assert.That(frames.Select(f => f.Number), Is.EqualTo(new uint[] { 1, 4 }));
        Assert.That(frames[1].Bytes, Is.EqualTo(longest));
        Assert.That(port.Statistics, Is.EqualTo(new CaptureStatistics(2, 60 + EngineLimits.MaxFrameBytes, 0, 0, Oversize: 1, Truncated: 1)));
    }

    [TestCase(7, TestName = "A record cut off inside its header is a fault with its number")]
    [TestCase(16, TestName = "A record cut off before its bytes is a fault with its number")]
    [TestCase(75, TestName = "A record cut off one byte before its end is a fault with its number")]
    public void A_record_that_is_cut_off(int left)
    {
        byte[] whole = Seconds(1, 2).ToArray();
        byte[] cut = whole[..(whole.Length - 76 + left)];
        string path = folder.Write("cut.pcap", cut);
        using FileCapturePort port = new(path);

        Assert.That(Drain(port), Has.Count.EqualTo(1));
        Assert.That(port.Ended, Is.True);
        Assert.That(port.Fault, Does.StartWith($"cannot read capture '{path}' to its end: frame 2 is cut off or damaged (").And.EndsWith(")"));
        Assert.That(port.Fault, Does.Not.Contain('\n'));
    }

    [Test]
    public void An_impossible_length_is_a_fault()
    {
        byte[] bytes = Seconds(1).ToArray();
        bytes[24 + 8 + 3] = 0x7F;
        using FileCapturePort port = new(folder.Write("bad.pcap", bytes));

        Assert.That(Drain(port), Is.Empty);
        Assert.That(port.Fault, Does.Contain("frame 1 is cut off or damaged"));
    }

    [Test]
    public void A_capture_without_frames_has_ended()
    {
        using FileCapturePort port = Open(new PcapBuilder());

        Assert.That(port.Ended, Is.True);
        Assert.That(port.NextArrivalNs, Is.Null);
        Assert.That(port.Fault, Is.Null);
        Assert.That(Drain(port), Is.Empty);
    }

    [Test]
    public void Pcapng_is_read()
    {
        // Section header, interface description (Ethernet), one enhanced packet of 60 bytes at 1 s in the default microseconds.
        byte[] frame = PcapBuilder.Frame(60, 9);
        byte[] bytes =
        [
            .. Words(0x0A0D0D0A, 28, 0x1A2B3C4D, 0x00000001, 0xFFFFFFFF, 0xFFFFFFFF, 28),
            .. Words(1, 20, 1, 0, 20),
            .. Words(6, 92, 0, 0, 1_000_001, 60, 60), .. frame, .. Words(92),
        ];
        using FileCapturePort port = new(folder.Write("p.pcapng", bytes));

        Received received = Drain(port).Single();

        Assert.That(received.Bytes, Is.EqualTo(frame));
        Assert.That(received.ArrivalNs, Is.EqualTo(Second + 1000));
        Assert.That(port.HasNanoseconds, Is.True);
    }

    [Test]
    public void Not_one_byte_is_allocated_per_frame()
    {
        const int frames = 10_000;
        PcapBuilder capture = new();
        for (uint i = 0; i < frames + 100; i++)
            capture.Record(1, i, PcapBuilder.Frame(60, 1));
        using FileCapturePort port = Open(capture);
        FrameRef[] batch = new FrameRef[EngineLimits.BatchFrames];
        int received = Pump(port, batch, 100);

        long allocated = Allocation.LeastBytes(() => received += Pump(port, batch, frames / 5));

        Assert.That(received, Is.EqualTo(frames + 100));
        Assert.That(allocated, Is.Zero);
    }

    private static byte[] Words(params uint[] words) => words.SelectMany(BitConverter.GetBytes).ToArray();

    private static PcapBuilder Seconds(params uint[] seconds)
    {
        PcapBuilder capture = new();
        foreach (uint second in seconds)
            capture.Record(second, 0, PcapBuilder.Frame(60, (int)(second % 1000)));
        return capture;
    }

    private FileCapturePort Open(PcapBuilder capture) => new(folder.Write("capture.pcap", capture.ToArray()));

    private int Pump(FileCapturePort port, FrameRef[] batch, int frames)
    {
        int received = 0;
        while (received < frames)
        {
            int count = port.Receive(arena.Primary, batch.AsSpan(0, Math.Min(batch.Length, frames - received)), long.MaxValue);
            if (count == 0)
                break;
            for (int i = 0; i < count; i++)
                arena.Primary.Return(batch[i]);
            received += count;
        }

        return received;
    }

    private List<Received> Drain(FileCapturePort port)
    {
        List<Received> frames = [];
        for (int polls = 0; polls < 100 && !port.Ended; polls++)
            frames.AddRange(Receive(port, long.MaxValue));
        return frames;
    }

    private List<Received> Receive(FileCapturePort port, long nowNs)
    {
        FrameRef[] batch = new FrameRef[16];
        int count = port.Receive(arena.Primary, batch, nowNs);
        List<Received> frames = [];
        foreach (FrameRef frame in batch.AsSpan(0, count))
        {
            frames.Add(new Received(arena[frame].Number, arena[frame].ArrivalNs, arena.Bytes(frame).ToArray()));
            arena.Primary.Return(frame);
        }

        return frames;
    }

    private sealed record Received(uint Number, long ArrivalNs, byte[] Bytes);
}
