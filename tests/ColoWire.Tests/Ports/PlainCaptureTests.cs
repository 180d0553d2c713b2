// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Files;
using NUnit.Framework;

namespace ColoWire.Tests.Ports;

/// <summary>
/// A capture of version 2.4 is read by ColoWire itself, one of version 2.3 by libpcap: both must give the same frames.
/// </summary>
[TestFixture]
internal sealed class PlainCaptureTests
{
    /// <summary>The offset of the minor version.</summary>
    private const int MinorVersionOffset = 6;

    private const uint Middle = 20;
    private const uint Frames = 40;

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
    public void Frames_of_all_lengths_are_read_whole_and_in_order([Values(PcapBuilder.MicrosecondMagic, PcapBuilder.NanosecondMagic)] uint magic)
    {
        const int count = 1000;
        List<string> frames = ReadBoth(magic, builder =>
        {
            Random random = new(7);
            for (uint i = 0; i < count; i++)
            {
                int longest = i % 100 == 0 ? EngineLimits.MaxFrameBytes : 1514;
                builder.Record(i, i, PcapBuilder.Frame(random.Next(longest + 1), (int)i));
            }
        });

        Assert.That(frames, Has.Count.EqualTo(count));
    }

    [TestCase(0x7FFF_FFFFu, 0u, TestName = "The last second before a signed time wraps")]
    [TestCase(0x8000_0000u, 0u, TestName = "A time after 2038")]
    [TestCase(1u, 1_000_000u, TestName = "A fraction of a whole second")]
    [TestCase(1u, 0xFFFF_FFFFu, TestName = "A fraction that cannot be")]
    public void An_invalid_timestamp_and_what_follows_it_is_read_as_libpcap_reads_it(uint seconds, uint fraction)
    {
        List<string> frames = ReadBoth(PcapBuilder.MicrosecondMagic, InTheMiddle(b => b.Record(seconds, fraction, PcapBuilder.Frame(60, 9))));

        Assert.That(frames, Has.Count.EqualTo(Frames + 1));
    }

    [Test]
    public void An_oversize_record_is_refused_and_what_follows_is_read()
    {
        List<string> frames = ReadBoth(
            PcapBuilder.NanosecondMagic, InTheMiddle(b => b.Record(1, 0, PcapBuilder.Frame(EngineLimits.MaxFrameBytes + 1, 9))));

        Assert.That(frames, Has.Count.EqualTo(Frames));
    }

    [Test]
    public void A_frame_longer_than_the_snap_length_is_read_as_libpcap_reads_it() => ReadBoth(
        PcapBuilder.NanosecondMagic, InTheMiddle(b => b.Record(1, 0, PcapBuilder.Frame(200, 9))), snapLength: 100);

    private static Action<PcapBuilder> InTheMiddle(Action<PcapBuilder> odd) => builder =>
    {
        for (uint i = 0; i < Frames; i++)
        {
            if (i == Middle)
                odd(builder);
            builder.Record(i, i, PcapBuilder.Frame(60, (int)i));
        }
    };

    private List<string> ReadBoth(uint magic, Action<PcapBuilder> fill, uint snapLength = 262_144)
    {
        PcapBuilder builder = new(magic, snapLength: snapLength);
        fill(builder);
        byte[] capture = builder.ToArray();
        List<string> walked = Read(capture);
        capture[MinorVersionOffset]--;

        Assert.That(walked, Is.EqualTo(Read(capture)));
        return walked;
    }

    private List<string> Read(byte[] capture)
    {
        using FileCapturePort port = new(folder.Write("capture.pcap", capture));
        List<string> frames = [];
        FrameRef[] batch = new FrameRef[1];
        while (!port.Ended)
        {
            if (port.Receive(arena.Primary, batch, long.MaxValue) == 1)
            {
                ref Frame frame = ref arena[batch[0]];
                frames.Add($"{frame.Number} {frame.ArrivalNs} {Convert.ToHexString(arena.Bytes(batch[0]))}");
                arena.Primary.Return(batch[0]);
            }
        }

        Assert.That(port.Fault, Is.Null);
        return frames;
    }
}
