// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Files;
using ColoWire.Tests.Shared;
using NUnit.Framework;

namespace ColoWire.Tests.Ports;

[TestFixture]
internal sealed class FileInjectPortTests
{
    private ScratchFolder folder = null!;
    private FrameArena arena = null!;

    [SetUp]
    public void SetUp()
    {
        folder = new ScratchFolder();
        arena = new FrameArena(smallSlotsPerSide: 2048, largeSlotsPerSide: 2);
    }

    [TearDown]
    public void TearDown()
    {
        arena.Dispose();
        folder.Dispose();
    }

    [TestCase(PcapBuilder.NanosecondMagic, 123_456_789u)]
    [TestCase(PcapBuilder.MicrosecondMagic, 123_456u)]
    public void A_capture_that_is_read_and_written_is_the_same_byte_for_byte(uint magic, uint fraction)
    {
        byte[] source = new PcapBuilder(magic, snapLength: EngineLimits.MaxFrameBytes)
            .Record(1_700_000_000, fraction, PcapBuilder.Frame(60, 1))
            .Record(1_700_000_000, fraction + 1, PcapBuilder.Frame(0, 2))
            .Record(1_700_000_009, 0, PcapBuilder.Frame(EngineLimits.MaxFrameBytes, 3))
            .ToArray();
        using FileCapturePort input = new(folder.Write("in.pcap", source));
        string path = folder.File("out.pcap");
        FileInjectPort output = new(path, input.HasNanoseconds);

        FrameRef[] batch = new FrameRef[8];
        int count = input.Receive(arena.Primary, batch, long.MaxValue);
        int taken = output.Inject(arena, batch.AsSpan(0, count), 0);
        output.Dispose();

        Assert.That((count, taken), Is.EqualTo((3, 3)));
        Assert.That(output.Fault, Is.Null);
        Assert.That(output.Statistics, Is.EqualTo(new InjectStatistics(3, 60 + EngineLimits.MaxFrameBytes, 0, 0, 0, 0)));
        Assert.That(File.ReadAllBytes(path), Is.EqualTo(source));
    }

    [Test]
    public void The_shift_is_added_to_every_time()
    {
        string path = folder.File("out.pcap");
        using (FileInjectPort output = new(path, shiftNs: 1_000_000_000))
        {
            FrameRef[] frames = Frames(1);
            arena[frames[0]].ArrivalNs = -1;
            output.Inject(arena, frames, 0);
        }

        using FileCapturePort back = new(path);
        Assert.That(back.NextArrivalNs, Is.EqualTo(999_999_999));
    }

    [Test]
    public void An_existing_file_is_truncated()
    {
        string path = folder.Write("out.pcap", new byte[100_000]);
        new FileInjectPort(path).Dispose();
        Assert.That(new FileInfo(path).Length, Is.EqualTo(24));
    }

    [Test]
    public void Each_frame_is_reclaimed_once_and_no_more_are_taken_than_can_be_reclaimed()
    {
        using FileInjectPort output = new(folder.File("out.pcap"));
        FrameRef[] frames = Frames(2048);

        int taken = output.Inject(arena, frames, 0);
        Assert.That(taken, Is.InRange(EngineLimits.BatchFrames, 2047));
        Assert.That(output.Inject(arena, frames.AsSpan(taken), 0), Is.Zero);

        FrameRef[] back = new FrameRef[2048];
        int first = output.Reclaim(back.AsSpan(0, 10));
        int rest = output.Reclaim(back.AsSpan(10));
        Assert.That((first, rest), Is.EqualTo((10, taken - 10)));
        Assert.That(back.AsSpan(0, taken).ToArray(), Is.EquivalentTo(frames.AsSpan(0, taken).ToArray()));
        Assert.That(output.Reclaim(back), Is.Zero);
        Assert.That(output.Inject(arena, frames.AsSpan(taken), 0), Is.Positive);
    }

    [Test]
    public void A_full_disk_is_a_fault_and_what_follows_is_counted_as_lost()
    {
        FileInjectPort output = new("/dev/full");
        FrameRef[] frames = Frames(64);

        for (int i = 0; i < 20; i++)
        {
            Assert.That(output.Inject(arena, frames, 0), Is.EqualTo(64));
            output.Reclaim(new FrameRef[64]);
        }

        Assert.That(output.Fault, Is.EqualTo("cannot write capture '/dev/full': No space left on device"));
        Assert.That(output.Statistics.Failed, Is.GreaterThan(1000));
        Assert.That(output.Statistics.Failed + output.Statistics.Frames, Is.EqualTo(20 * 64));
        output.Dispose();
    }

    [Test]
    public void A_full_disk_is_a_fault_at_the_end_too()
    {
        FileInjectPort output = new("/dev/full");
        output.Inject(arena, Frames(1), 0);
        Assert.That(output.Fault, Is.Null);
        output.Dispose();
        Assert.That(output.Fault, Is.EqualTo("cannot write capture '/dev/full': No space left on device"));
    }

    [Test]
    public void Not_one_byte_is_allocated_per_frame()
    {
        using FileInjectPort output = new(folder.File("out.pcap"));
        FrameRef[] frames = Frames(64);
        FrameRef[] back = new FrameRef[64];
        output.Inject(arena, frames, 0);
        output.Reclaim(back);

        long allocated = Allocation.LeastBytes(() =>
        {
            for (int i = 0; i < 32; i++)
            {
                output.Inject(arena, frames, 0);
                output.Reclaim(back);
            }
        });
        Assert.That(allocated, Is.Zero);
        Assert.That(output.Statistics.Frames, Is.EqualTo(161 * 64));
    }

    private FrameRef[] Frames(int count)
    {
        FrameRef[] frames = new FrameRef[count];
        for (int i = 0; i < count; i++)
        {
            Assert.That(arena.Primary.TryTake(60, out frames[i]), Is.True);
            PcapBuilder.Frame(60, i).CopyTo(arena.SlotBytes(frames[i]));
        }

        return frames;
    }
}
