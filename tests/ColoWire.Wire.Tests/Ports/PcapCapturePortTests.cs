// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Pcap;
using ColoWire.Tests.Shared;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Ports;

[TestFixture]
[Category("Wire")]
internal sealed class PcapCapturePortTests
{
    private const ushort CustomerTag = 0x8100;
    private const ushort ServiceTag = 0x88A8;

    private WireNamespace wire = null!;
    private FrameArena arena = null!;

    [SetUp]
    public void SetUp()
    {
        wire = new WireNamespace();
        arena = new FrameArena(smallSlotsPerSide: 256, largeSlotsPerSide: 4);
    }

    [TearDown]
    public void TearDown()
    {
        arena?.Dispose();
        wire?.Dispose();
    }

    [Test]
    public void Frames_arrive_whole_in_order_numbered_and_with_the_engines_time() => wire.Inside(() =>
    {
        using PcapCapturePort port = new(WireNamespace.Near);
        using FarEnd far = new(WireNamespace.Far);
        byte[][] sent = [WireFrames.Frame(60, 1), WireFrames.Frame(1514, 2), WireFrames.Frame(14, 3)];
        foreach (byte[] frame in sent)
            far.Send(frame);

        FrameRef[] batch = new FrameRef[8];
        int count = port.Receive(arena.Primary, batch, nowNs: 4711);

        Assert.That(count, Is.EqualTo(3));
        for (int i = 0; i < 3; i++)
        {
            Assert.That(arena.Bytes(batch[i]).ToArray(), Is.EqualTo(sent[i]));
            Assert.That(arena[batch[i]].Number, Is.EqualTo(i + 1));
            Assert.That(arena[batch[i]].ArrivalNs, Is.EqualTo(4711));
        }

        Assert.That(port.Statistics, Is.EqualTo(new CaptureStatistics(3, 60 + 1514 + 14, 0, 0, 0, 0)));
    });

    [Test]
    public void What_is_sent_on_the_interface_is_not_captured() => wire.Inside(() =>
    {
        using PcapCapturePort port = new(WireNamespace.Near);
        using PcapInjectPort inject = new(WireNamespace.Near);
        using FarEnd ownHost = new(WireNamespace.Near);
        using FarEnd far = new(WireNamespace.Far);
        FrameRef[] own = [WireFrames.Put(arena, WireFrames.Frame(60, 1))];
        inject.Inject(arena, own, WireFrames.Now);
        ownHost.Send(WireFrames.Frame(60, 2));
        Assert.That(far.Receive(2), Has.Count.EqualTo(2), "both were sent");
        byte[] arriving = WireFrames.Frame(60, 3);
        far.Send(arriving);

        Assert.That(WireFrames.Receive(port, arena, 1, 300), Is.EqualTo(new[] { arriving }).AsCollection);
        Assert.That(WireFrames.Receive(port, arena, 1, 1), Is.Empty);
    });

    [TestCase("on")]
    [TestCase("off")]
    public void Tagged_frames_keep_their_tags_also_at_full_length(string tagOffload)
    {
        wire.Inside($"ethtool -K {WireNamespace.Near} gro off gso off tso off rxvlan {tagOffload} txvlan {tagOffload}");
        wire.Inside($"ethtool -K {WireNamespace.Far} gro off gso off tso off rxvlan {tagOffload} txvlan {tagOffload}");
        wire.Inside(() =>
        {
            using PcapCapturePort port = new(WireNamespace.Near);
            using FarEnd far = new(WireNamespace.Far);
            byte[][] sent =
            [
                WireFrames.Frame(64, 1, (CustomerTag, 5)),
                WireFrames.Frame(1518, 2, (CustomerTag, 0x6123)),
                WireFrames.Frame(1514, 3, (ServiceTag, 7), (CustomerTag, 5)),
            ];
            foreach (byte[] frame in sent)
                far.Send(frame);

            Assert.That(WireFrames.Receive(port, arena, 3), Is.EqualTo(sent).AsCollection);
        });
    }

    [Test]
    public void A_double_tagged_frame_of_full_length_fits_where_the_link_carries_it()
    {
        wire.Inside($"ethtool -K {WireNamespace.Near} gro off gso off tso off");
        wire.Inside($"ethtool -K {WireNamespace.Far} gro off gso off tso off");
        wire.Inside($"ip link set {WireNamespace.Far} mtu 1508");
        wire.Inside($"ip link set {WireNamespace.Near} mtu 1508");
        wire.Inside(() =>
        {
            using PcapCapturePort port = new(WireNamespace.Near);
            using FarEnd far = new(WireNamespace.Far);
            byte[] frame = WireFrames.Frame(1522, 1, (ServiceTag, 7), (CustomerTag, 5));
            far.Send(frame);

            Assert.That(WireFrames.Receive(port, arena, 1), Is.EqualTo(new[] { frame }).AsCollection);
        });
    }

    [Test]
    public void A_jumbo_frame_arrives_in_a_large_slot()
    {
        wire.Inside($"ip link set {WireNamespace.Far} mtu 9000");
        wire.Inside($"ip link set {WireNamespace.Near} mtu 9000");
        wire.Inside(() =>
        {
            using PcapCapturePort port = new(WireNamespace.Near);
            using FarEnd far = new(WireNamespace.Far);
            byte[] frame = WireFrames.Frame(9014, 1);
            far.Send(frame);

            Assert.That(WireFrames.Receive(port, arena, 1), Is.EqualTo(new[] { frame }).AsCollection);
            Assert.That(port.Statistics.Truncated, Is.Zero);
        });
    }

    [Test]
    public void A_frame_beyond_the_snap_length_is_counted_not_delivered_in_part() => wire.Inside(() =>
    {
        using PcapCapturePort port = new(WireNamespace.Near, snapLength: 100);
        using FarEnd far = new(WireNamespace.Far);
        far.Send(WireFrames.Frame(101, 1));
        byte[] whole = WireFrames.Frame(100, 2);
        far.Send(whole);

        Assert.That(WireFrames.Receive(port, arena, 1), Is.EqualTo(new[] { whole }).AsCollection);
        Assert.That(port.Statistics.Truncated, Is.EqualTo(1));
    });

    [Test]
    public void Frames_that_are_not_received_in_time_are_counted_as_kernel_drops() => wire.Inside(() =>
    {
        const int frames = 4000;
        using PcapCapturePort port = new(WireNamespace.Near, bufferMiB: 1);
        using FarEnd far = new(WireNamespace.Far);
        byte[] frame = WireFrames.Frame(60, 1);
        for (int i = 0; i < frames; i++)
            far.Send(frame);

        int received = WireFrames.Receive(port, arena, frames, timeoutMs: 300).Count;
        port.Receive(arena.Primary, default, WireFrames.Now + PortLimits.StatisticsCycleNs);

        Assert.That(received, Is.InRange(100, frames - 1));
        Assert.That(port.Statistics.KernelDropped, Is.EqualTo(frames - received));
        Assert.That(port.Statistics.Frames, Is.EqualTo(received));
    });

    [Test]
    public void Without_a_free_slot_nothing_is_lost() => wire.Inside(() =>
    {
        using FrameArena small = new(1, 0);
        using PcapCapturePort port = new(WireNamespace.Near);
        using FarEnd far = new(WireNamespace.Far);
        FrameRef[] batch = new FrameRef[8];
        byte[][] sent = [WireFrames.Frame(60, 1), WireFrames.Frame(60, 2), WireFrames.Frame(60, 3)];
        foreach (byte[] frame in sent)
            far.Send(frame);

        foreach (byte[] frame in sent)
        {
            Assert.That(port.Receive(small.Primary, batch, WireFrames.Now), Is.EqualTo(1));
            Assert.That(port.Receive(small.Primary, batch.AsSpan(1), WireFrames.Now), Is.Zero);
            Assert.That(small.Bytes(batch[0]).ToArray(), Is.EqualTo(frame));
            small.Primary.Return(batch[0]);
        }
    });

    [Test]
    public void A_frame_without_a_free_large_slot_waits_and_keeps_its_order()
    {
        wire.Inside($"ip link set {WireNamespace.Far} mtu 9000");
        wire.Inside($"ip link set {WireNamespace.Near} mtu 9000");
        wire.Inside(() =>
        {
            using FrameArena oneLarge = new(8, 1);
            using PcapCapturePort port = new(WireNamespace.Near);
            using FarEnd far = new(WireNamespace.Far);
            FrameRef[] batch = new FrameRef[8];
            byte[][] sent =
                [WireFrames.Frame(60, 1), WireFrames.Frame(9014, 2), WireFrames.Frame(61, 3), WireFrames.Frame(9013, 4),
                    WireFrames.Frame(62, 5)];
            foreach (byte[] frame in sent)
                far.Send(frame);

            Assert.That(port.Receive(oneLarge.Primary, batch, WireFrames.Now), Is.EqualTo(3));
            byte[][] first = [.. batch.Take(3).Select(frame => oneLarge.Bytes(frame).ToArray())];
            Assert.That(port.Receive(oneLarge.Primary, batch.AsSpan(3), WireFrames.Now), Is.Zero);
            oneLarge.Primary.Return(batch[1]);
            Assert.That(port.Receive(oneLarge.Primary, batch.AsSpan(3), WireFrames.Now), Is.EqualTo(2));

            byte[][] rest = [.. batch.Skip(3).Take(2).Select(frame => oneLarge.Bytes(frame).ToArray())];
            Assert.That(first.Concat(rest), Is.EqualTo(sent).AsCollection);
            Assert.That(oneLarge[batch[4]].Number, Is.EqualTo(5));
        });
    }

    [Test]
    public void Capture_goes_on_when_an_interface_that_went_down_is_up_again() => wire.Inside(() =>
    {
        using PcapCapturePort port = new(WireNamespace.Near);
        Assert.That(WireFrames.Receive(port, arena, 1, 1), Is.Empty);
        Assert.That(port.Link, Is.EqualTo(LinkState.Up));

        wire.Inside($"ip link set {WireNamespace.Near} down");
        WireNamespace.WaitUntil(
            () => WireFrames.Receive(port, arena, 1, 1).Count == 0 && port.Link == LinkState.Down,
            "the port sees that the link is down");

        wire.Inside($"ip link set {WireNamespace.Near} up");
        using FarEnd far = new(WireNamespace.Far);
        byte[] frame = WireFrames.Frame(60, 1);
        far.Send(frame);
        Assert.That(WireFrames.Receive(port, arena, 1), Is.EqualTo(new[] { frame }).AsCollection);
        WireNamespace.WaitUntil(
            () => WireFrames.Receive(port, arena, 1, 1).Count == 0 && port.Link == LinkState.Up, "the port has read the link up");
        Assert.That(port.Trouble, Is.Null);
    });

    [Test]
    public void An_interface_that_is_removed_is_gone() => wire.Inside(() =>
    {
        using PcapCapturePort port = new(WireNamespace.Near);
        wire.Inside($"ip link del {WireNamespace.Near}");

        WireNamespace.WaitUntil(
            () => WireFrames.Receive(port, arena, 1, 1).Count == 0 && port.Link == LinkState.Gone,
            "the port sees that the interface is gone");
    });

    [Test]
    public void The_wait_handle_is_readable_when_a_frame_arrives() => wire.Inside(() =>
    {
        using PcapCapturePort port = new(WireNamespace.Near);
        using FarEnd far = new(WireNamespace.Far);
        IdleWait wait = new([-1, port.WaitHandle]);
        Assert.That(wait.Wait(0), Is.False);
        far.Send(WireFrames.Frame(60, 1));
        Assert.That(wait.Wait(1000), Is.True);
        Assert.That(WireFrames.Receive(port, arena, 1), Has.Count.EqualTo(1));
        Assert.That(wait.Wait(0), Is.False);
    });

    [Test]
    public void Not_one_byte_is_allocated_per_frame() => wire.Inside(() =>
    {
        using PcapCapturePort port = new(WireNamespace.Near, bufferMiB: 64);
        using FarEnd far = new(WireNamespace.Far);
        const int frames = 10_000;
        byte[] frame = WireFrames.Frame(60, 1);
        for (int i = 0; i < frames + 64; i++)
            far.Send(frame);
        FrameRef[] batch = new FrameRef[EngineLimits.BatchFrames];
        int received = Pump(port, batch, 64);

        long allocated = Allocation.LeastBytes(() => received += Pump(port, batch, frames / 5));

        Assert.That(received, Is.EqualTo(frames + 64));
        Assert.That(allocated, Is.Zero);
    });

    private int Pump(PcapCapturePort port, FrameRef[] batch, int frames)
    {
        int received = 0;
        for (int polls = 0; polls < 10_000 && received < frames; polls++)
        {
            int count = port.Receive(arena.Primary, batch, polls);
            for (int i = 0; i < count; i++)
                arena.Primary.Return(batch[i]);
            received += count;
        }

        return received;
    }
}
