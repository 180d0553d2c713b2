// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Ports;
using ColoWire.Ports.Xdp;
using ColoWire.Tests.Shared;
using ColoWire.Wire.Tests.Ports;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Xdp;

[TestFixture(XdpMode.Native)]
[TestFixture(XdpMode.Generic)]
[Category("Wire")]
internal sealed class XdpInjectPortTests(XdpMode mode)
{
    private const long NanosecondsPerMs = 1_000_000;
    private const int Ring = 64;

    private WireNamespace wire = null!;
    private FrameArena arena = null!;

    [SetUp]
    public void SetUp()
    {
        wire = new WireNamespace();
        arena = new FrameArena(smallSlotsPerSide: 2048, largeSlotsPerSide: 4);
    }

    [TearDown]
    public void TearDown()
    {
        wire?.Dispose();
        arena?.Dispose();
    }

    [Test]
    public void Frames_are_sent_in_order_byte_for_byte_and_reclaimed() => wire.Inside(() =>
    {
        using XdpInjectPort port = Open();
        using FarEnd far = new(WireNamespace.Far);
        byte[][] sent =
        [
            WireFrames.Frame(60, 2), WireFrames.Frame(1514, 3), WireFrames.Frame(1518, 4, (0x8100, 5)), WireFrames.Frame(61, 5),
        ];
        FrameRef[] frames = [.. sent.Select(f => WireFrames.Put(arena, f))];

        Assert.That(port.Inject(arena, frames, WireFrames.Now), Is.EqualTo(4));

        Assert.That(far.Receive(4), Is.EqualTo(sent).AsCollection);
        Assert.That(Reclaim(port), Is.EquivalentTo(frames));
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(4, 60 + 1514 + 1518 + 61, 0, 0, 0, 0)));
    });

    [Test]
    public void A_frame_is_sent_from_its_offset_in_the_slot() => wire.Inside(() =>
    {
        using XdpInjectPort port = Open();
        using FarEnd far = new(WireNamespace.Far);
        FrameRef frame = WireFrames.Put(arena, WireFrames.Frame(300, 1));
        arena[frame].Offset = 200;
        arena[frame].Length = 60;
        byte[] expected = WireFrames.Frame(60, 2);
        expected.CopyTo(arena.SlotBytes(frame)[200..]);

        port.Inject(arena, [frame], WireFrames.Now);

        Assert.That(far.Receive(1), Is.EqualTo(new[] { expected }).AsCollection);
        Assert.That(Reclaim(port), Is.EqualTo(new[] { frame }).AsCollection);
    });

    [Test]
    public void A_frame_that_is_too_long_is_counted_and_those_around_it_are_sent() => wire.Inside(() =>
    {
        using XdpInjectPort port = Open();
        using FarEnd far = new(WireNamespace.Far);
        byte[][] offered =
            [WireFrames.Frame(60, 1), WireFrames.Frame(1519, 2), WireFrames.Frame(4000, 3), WireFrames.Frame(61, 4)];
        FrameRef[] frames = [.. offered.Select(f => WireFrames.Put(arena, f))];

        Assert.That(port.Inject(arena, frames, WireFrames.Now), Is.EqualTo(4));

        Assert.That(far.Receive(2), Is.EqualTo(new[] { offered[0], offered[3] }).AsCollection);
        Assert.That(Reclaim(port), Is.EquivalentTo(frames), "lost frames are reclaimed, too");
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(2, 121, 0, TooLong: 2, 0, 0)));
    });

    [Test]
    public void More_frames_than_the_ring_holds_wait_for_those_before_them() => wire.Inside(() =>
    {
        const int count = 5 * Ring;
        using XdpInjectPort port = Open();
        using FarEnd far = new(WireNamespace.Far);
        byte[][] sent = [.. Enumerable.Range(0, count).Select(i => WireFrames.Frame(60 + i, i))];
        FrameRef[] frames = [.. sent.Select(f => WireFrames.Put(arena, f))];
        List<FrameRef> back = [];

        Assert.That(port.Inject(arena, frames, nowNs: 0), Is.EqualTo(Ring));
        Assert.That(port.Statistics.Retries, Is.EqualTo(1));
        for (int taken = Ring; taken < count || back.Count < count;)
        {
            back.AddRange(Reclaim(port));
            taken += port.Inject(arena, frames.AsSpan(taken), nowNs: 1);
        }

        Assert.That(far.Receive(count), Is.EqualTo(sent).AsCollection);
        Assert.That(back, Is.EquivalentTo(frames));
        Assert.That(port.Statistics.Lost, Is.Zero);
        Assert.That(port.Statistics.Frames, Is.EqualTo(count));
    });

    [TestCase(100)]
    [TestCase(0)]
    public void A_ring_that_does_not_drain_makes_the_first_frame_wait_and_then_drops_frames_until_it_drains(int retryMs) =>
        wire.Inside(() =>
        {
            using XdpInjectPort port = Open(retryMs);
            FrameRef[] frames = [.. Enumerable.Range(0, 3 * Ring).Select(i => WireFrames.Put(arena, WireFrames.Frame(60, i)))];
            long patienceNs = retryMs * NanosecondsPerMs;

            // No frame is reclaimed, so that the ring stays full.
            Assert.That(port.Inject(arena, frames.AsSpan(0, Ring), nowNs: 0), Is.EqualTo(Ring));
            Assert.That(port.Inject(arena, frames.AsSpan(Ring), nowNs: 0), Is.EqualTo(retryMs == 0 ? 2 * Ring : 0));
            if (retryMs != 0)
            {
                Assert.That(port.Inject(arena, frames.AsSpan(Ring), patienceNs - 1), Is.Zero);
                Assert.That(port.Inject(arena, frames.AsSpan(Ring), patienceNs), Is.EqualTo(2 * Ring), "no frame waits again");
            }

            Assert.That(Reclaim(port), Is.EquivalentTo(frames));
            Assert.That(
                port.Statistics, Is.EqualTo(new InjectStatistics(Ring, 60 * Ring, retryMs == 0 ? 0 : 2, 0, 0, Failed: 2 * Ring)));
            Assert.That(port.Inject(arena, frames.AsSpan(0, 1), patienceNs), Is.EqualTo(1));
            Reclaim(port);
            Assert.That(port.Statistics.Frames, Is.EqualTo(Ring + 1));
        });

    [Test]
    public void Frames_are_counted_while_the_link_is_down_and_sent_when_it_is_up_again() => wire.Inside(() =>
    {
        using XdpInjectPort port = Open();
        FrameRef[] frames = [WireFrames.Put(arena, WireFrames.Frame(60, 1))];
        port.Inject(arena, default, nowNs: 0);
        wire.Inside($"ip link set {WireNamespace.Near} down");

        Assert.That(port.Inject(arena, frames, PortLimits.LinkCycleNs), Is.EqualTo(1));
        Assert.That(port.Link, Is.EqualTo(LinkState.Down));
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(0, 0, 0, 0, LinkDown: 1, 0)));
        Assert.That(Reclaim(port), Is.EqualTo(frames).AsCollection);

        wire.Inside($"ip link set {WireNamespace.Near} up");
        WireNamespace.WaitUntil(() => Look(port) == LinkState.Up, "the port has read the link up");
        using FarEnd far = new(WireNamespace.Far);
        port.Inject(arena, frames, WireFrames.Now);
        Assert.That(far.Receive(1), Has.Count.EqualTo(1));
    });

    [Test]
    public void A_user_that_asks_for_lost_frames_gets_them_apart_from_those_that_were_sent() => wire.Inside(() =>
    {
        using XdpInjectPort port = Open();
        using FarEnd far = new(WireNamespace.Far);
        FrameRef[] frames = [WireFrames.Put(arena, WireFrames.Frame(60, 1)), WireFrames.Put(arena, WireFrames.Frame(1519, 2))];
        FrameRef[] lost = new FrameRef[4];
        Assert.That(port.ReclaimLost(lost), Is.Zero);

        port.Inject(arena, frames, WireFrames.Now);

        Assert.That((port.ReclaimLost(lost), lost[0]), Is.EqualTo((1, frames[1])));
        Assert.That(far.Receive(1), Has.Count.EqualTo(1));
        Assert.That(Reclaim(port), Is.EqualTo(frames[..1]).AsCollection);
    });

    [Test]
    public void A_frame_without_carrier_is_counted_before_the_port_has_read_the_link() => wire.Inside(() =>
    {
        using XdpInjectPort port = Open();
        FrameRef[] frames = [.. Enumerable.Range(0, 3).Select(i => WireFrames.Put(arena, WireFrames.Frame(60, i)))];
        port.Inject(arena, default, nowNs: 0);
        wire.Inside($"ip link set {WireNamespace.Far} down");

        port.Inject(arena, frames, nowNs: 1);

        Assert.That(Reclaim(port), Is.EquivalentTo(frames));
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(0, 180, 0, 0, 0, Failed: 3)));
    });

    [Test]
    public void An_interface_that_is_removed_is_gone_and_its_frames_are_counted() => wire.Inside(() =>
    {
        using XdpInjectPort port = Open();
        FrameRef[] frames = [WireFrames.Put(arena, WireFrames.Frame(60, 1))];
        port.Inject(arena, default, nowNs: 0);
        wire.Inside($"ip link del {WireNamespace.Near}");

        port.Inject(arena, frames, PortLimits.LinkCycleNs);

        Assert.That(port.Link, Is.EqualTo(LinkState.Gone));
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(0, 0, 0, 0, LinkDown: 1, 0)));
        Assert.That(Reclaim(port), Is.EqualTo(frames).AsCollection);
    });

    [Test]
    public void Not_one_byte_is_allocated_per_frame() => wire.Inside(() =>
    {
        using XdpInjectPort port = Open();
        FrameRef[] frames = [.. Enumerable.Range(0, Ring).Select(i => WireFrames.Put(arena, WireFrames.Frame(60, i)))];
        FrameRef[] back = new FrameRef[Ring];
        Pump(1);

        Assert.That(Allocation.LeastBytes(() => Pump(32)), Is.Zero);
        Assert.That(port.Statistics.Frames, Is.EqualTo(161 * Ring));

        void Pump(int batches)
        {
            for (int i = 0; i < batches; i++)
            {
                port.Inject(arena, frames, nowNs: i);
                port.Reclaim(back);
            }
        }
    });

    private XdpInjectPort Open(int retryMs = 100) =>
        new(
            new XdpSocketSource(
                WireNamespace.Near, 0, new Umem(arena), new XdpOptions(mode, Copy: false, Ring), XdpDirections.Transmit,
                countsInterface: false),
            retryMs);

    private static List<FrameRef> Reclaim(XdpInjectPort port)
    {
        FrameRef[] batch = new FrameRef[Ring];
        List<FrameRef> back = [];
        int count;
        while ((count = port.Reclaim(batch)) != 0)
        {
            back.AddRange(batch.AsSpan(0, count));
        }

        return back;
    }

    private LinkState Look(XdpInjectPort port)
    {
        port.Inject(arena, default, WireFrames.Now);
        return port.Link;
    }
}
