// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Engine.Frames;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Pcap;
using ColoWire.Tests.Shared;
using NUnit.Framework;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Wire.Tests.Ports;

[TestFixture]
[Category("Wire")]
internal sealed class PcapInjectPortTests
{
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
        arena?.Dispose();
        wire?.Dispose();
    }

    [Test]
    public void Frames_are_sent_in_order_byte_for_byte_and_reclaimed() => wire.Inside(() =>
    {
        using PcapInjectPort port = new(WireNamespace.Near);
        using FarEnd far = new(WireNamespace.Far);
        byte[][] sent =
        [
            WireFrames.Frame(14, 1), WireFrames.Frame(60, 2), WireFrames.Frame(1514, 3), WireFrames.Frame(1518, 4, (0x8100, 5)),
            WireFrames.Frame(61, 5),
        ];
        FrameRef[] frames = sent.Select(f => WireFrames.Put(arena, f)).ToArray();

        Assert.That(port.Inject(arena, frames, WireFrames.Now), Is.EqualTo(5));

        Assert.That(far.Receive(5), Is.EqualTo(sent).AsCollection);
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(5, 14 + 60 + 1514 + 1518 + 61, 0, 0, 0, 0)));
        FrameRef[] back = new FrameRef[8];
        Assert.That(port.Reclaim(back), Is.EqualTo(5));
        Assert.That(back.Take(5), Is.EquivalentTo(frames));
        Assert.That(port.Reclaim(back), Is.Zero);
    });

    [Test]
    public void A_frame_that_is_too_long_is_counted_and_the_next_one_is_sent() => wire.Inside(() =>
    {
        using PcapInjectPort port = new(WireNamespace.Near);
        using FarEnd far = new(WireNamespace.Far);
        byte[] next = WireFrames.Frame(60, 2);
        FrameRef[] frames = [WireFrames.Put(arena, WireFrames.Frame(1515, 1)), WireFrames.Put(arena, next)];

        Assert.That(port.Inject(arena, frames, WireFrames.Now), Is.EqualTo(2));

        Assert.That(far.Receive(1), Is.EqualTo(new[] { next }).AsCollection);
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(1, 60, 0, TooLong: 1, 0, 0)));
        Assert.That(port.Reclaim(new FrameRef[8]), Is.EqualTo(2), "lost frames are reclaimed, too");
    });

    [Test]
    public void A_frame_that_is_too_long_in_the_middle_of_a_batch_does_not_delay_the_others() => wire.Inside(() =>
    {
        using PcapInjectPort port = new(WireNamespace.Near);
        using FarEnd far = new(WireNamespace.Far);
        byte[][] offered = [.. Enumerable.Range(0, 48).Select(i => WireFrames.Frame(i is 20 or 21 or 47 ? 1515 : 60 + i, i))];
        FrameRef[] frames = [.. offered.Select(f => WireFrames.Put(arena, f))];

        Assert.That(port.Inject(arena, frames, WireFrames.Now), Is.EqualTo(48));

        byte[][] fitting = [.. offered.Where(f => f.Length < 1515)];
        Assert.That(far.Receive(45), Is.EqualTo(fitting).AsCollection);
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(45, fitting.Sum(f => f.Length), 0, TooLong: 3, 0, 0)));
        Assert.That(port.Reclaim(new FrameRef[64]), Is.EqualTo(48));
    });

    [Test]
    public void More_frames_than_one_call_sends_are_sent_in_order() => wire.Inside(() =>
    {
        const int count = (3 * PortLimits.SendFrames) + 1;
        using PcapInjectPort port = new(WireNamespace.Near);
        using FarEnd far = new(WireNamespace.Far);
        byte[][] sent = [.. Enumerable.Range(0, count).Select(i => WireFrames.Frame(60 + i, i))];
        FrameRef[] frames = [.. sent.Select(f => WireFrames.Put(arena, f))];

        Assert.That(port.Inject(arena, frames, WireFrames.Now), Is.EqualTo(count));

        Assert.That(far.Receive(count), Is.EqualTo(sent).AsCollection);
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(count, sent.Sum(f => f.Length), 0, 0, 0, 0)));
    });

    [Test]
    public void One_call_sends_a_whole_batch_and_ends_before_a_frame_that_cannot_be_sent() => wire.Inside(() =>
    {
        using LibPcapLiveDevice device = LiveDevice.Open(WireNamespace.Near, new DeviceConfiguration());
        SendBatch batch = new(Libpcap.SelectableDescriptor(device.Handle));
        FrameRef[] frames = [.. Enumerable.Range(0, 100).Select(i => WireFrames.Put(arena, WireFrames.Frame(i == 80 ? 1515 : 60, i)))];

        Assert.That(batch.Send(arena, frames, out long bytes), Is.EqualTo(PortLimits.SendFrames));
        Assert.That(bytes, Is.EqualTo(60 * PortLimits.SendFrames));
        Assert.That(batch.Send(arena, frames.AsSpan(64), out bytes), Is.EqualTo(16));
        Assert.That(bytes, Is.EqualTo(60 * 16));
        Assert.That(batch.Send(arena, frames.AsSpan(80), out bytes), Is.EqualTo(-1));
        Assert.That(bytes, Is.Zero);
    });

    [Test]
    public void No_more_frames_are_taken_than_can_be_reclaimed() => wire.Inside(() =>
    {
        using PcapInjectPort port = new(WireNamespace.Near);
        FrameRef[] frames = [.. Enumerable.Range(0, 2000).Select(i => WireFrames.Put(arena, WireFrames.Frame(60, i)))];
        FrameRef[] back = new FrameRef[2000];

        int taken = port.Inject(arena, frames, WireFrames.Now);

        Assert.That(taken, Is.InRange(PortLimits.SendFrames, 1999));
        Assert.That(port.Inject(arena, frames.AsSpan(taken), WireFrames.Now), Is.Zero);
        Assert.That(port.Reclaim(back), Is.EqualTo(taken));
        Assert.That(back.Take(taken), Is.EquivalentTo(frames.Take(taken)));
    });

    [Test]
    public void A_link_that_goes_down_between_batches_loses_those_and_no_others() => wire.Inside(() =>
    {
        using PcapInjectPort port = new(WireNamespace.Near);
        using FarEnd far = new(WireNamespace.Far);
        byte[][] offered = [.. Enumerable.Range(0, 48).Select(i => WireFrames.Frame(60, i))];
        FrameRef[] frames = [.. offered.Select(f => WireFrames.Put(arena, f))];

        // The port reads its link at the first call only: later it learns of the link by sending.
        Assert.That(port.Inject(arena, frames.AsSpan(0, 16), nowNs: 0), Is.EqualTo(16));
        wire.Inside($"ip link set {WireNamespace.Near} down");
        Assert.That(port.Inject(arena, frames.AsSpan(16, 16), nowNs: 1), Is.EqualTo(16));
        wire.Inside($"ip link set {WireNamespace.Near} up");
        WireNamespace.WaitUntil(() => InterfaceFacts.Read(WireNamespace.Near)!.IsRunning, "the cable is up again");
        Assert.That(port.Inject(arena, frames.AsSpan(32, 16), nowNs: 2), Is.EqualTo(16));

        Assert.That(far.Receive(32), Is.EqualTo(offered.Where((_, i) => i is < 16 or >= 32)).AsCollection);
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(32, 32 * 60, 0, 0, LinkDown: 16, 0)));
    });

    [Test]
    public void The_pending_error_of_a_link_that_is_up_again_costs_no_frame() => wire.Inside(() =>
    {
        using PcapInjectPort port = new(WireNamespace.Near);
        using FarEnd far = new(WireNamespace.Far);
        byte[][] sent = [.. Enumerable.Range(0, 16).Select(i => WireFrames.Frame(60, i))];
        FrameRef[] frames = [.. sent.Select(f => WireFrames.Put(arena, f))];
        port.Inject(arena, default, nowNs: 0);
        wire.Inside($"ip link set {WireNamespace.Near} down");
        wire.Inside($"ip link set {WireNamespace.Near} up");
        WireNamespace.WaitUntil(() => InterfaceFacts.Read(WireNamespace.Near)!.IsRunning, "the cable is up again");

        Assert.That(port.Inject(arena, frames, nowNs: 1), Is.EqualTo(16));

        Assert.That(far.Receive(16), Is.EqualTo(sent).AsCollection);
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(16, 16 * 60, 0, 0, 0, 0)));
    });

    [Test]
    public void When_a_link_goes_down_in_the_middle_of_batches_each_frame_is_counted_once_and_the_rest_is_in_order() => wire.Inside(() =>
    {
        const int batches = 400;
        const int batch = 16;
        using PcapInjectPort port = new(WireNamespace.Near);
        using FarEnd far = new(WireNamespace.Far);
        FrameRef[] back = new FrameRef[batch];
        using CancellationTokenSource ended = new();
        Task flaps = Task.Run(() =>
        {
            while (!ended.IsCancellationRequested)
            {
                wire.Inside($"ip link set {WireNamespace.Near} down");
                wire.Inside($"ip link set {WireNamespace.Near} up");
            }
        });
        for (int turn = 0; turn < batches; turn++)
        {
            FrameRef[] frames = [.. Enumerable.Range(0, batch).Select(i => WireFrames.Put(arena, Numbered((turn * batch) + i)))];
            Assert.That(port.Inject(arena, frames, nowNs: turn), Is.EqualTo(batch));
            Assert.That(port.Reclaim(back), Is.EqualTo(batch));
            foreach (FrameRef frame in back)
                arena.Primary.Return(frame);
            Thread.Sleep(1);
        }

        ended.Cancel();
        flaps.Wait();

        InjectStatistics statistics = port.Statistics;
        Assert.That(statistics.Frames + statistics.LinkDown, Is.EqualTo(batches * batch));
        Assert.That(statistics, Is.EqualTo(new InjectStatistics(statistics.Frames, 60 * statistics.Frames, 0, 0, statistics.LinkDown, 0)));
        Assert.That(statistics.LinkDown, Is.Positive);
        int[] arrived = [.. far.Receive(batches * batch).Select(frame => BitConverter.ToInt32(frame, 20))];
        Assert.That(arrived, Is.Ordered.Ascending.And.Unique);
        Assert.That(arrived, Has.Length.InRange(1, statistics.Frames));

        static byte[] Numbered(int number)
        {
            byte[] frame = WireFrames.Frame(60, number);
            BitConverter.TryWriteBytes(frame.AsSpan(20), number);
            return frame;
        }
    });

    [Test]
    public void Frames_that_the_kernel_refuses_after_the_link_went_down_are_counted() => wire.Inside(() =>
    {
        using PcapInjectPort port = new(WireNamespace.Near);
        FrameRef[] frames = [WireFrames.Put(arena, WireFrames.Frame(60, 1))];
        port.Inject(arena, frames, nowNs: 0);
        wire.Inside($"ip link set {WireNamespace.Near} down");

        Assert.That(port.Inject(arena, frames, nowNs: 1), Is.EqualTo(1));

        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(1, 60, 0, 0, LinkDown: 1, 0)));
    });

    [Test]
    public void Frames_without_carrier_are_counted_until_it_is_back() => wire.Inside(() =>
    {
        using PcapInjectPort port = new(WireNamespace.Near);
        FrameRef[] frames = [WireFrames.Put(arena, WireFrames.Frame(60, 1))];
        wire.Inside($"ip link set {WireNamespace.Far} down");
        WireNamespace.WaitUntil(() => Look() == LinkState.Down, "the port has read the loss of carrier");

        Assert.That(port.Inject(arena, frames, WireFrames.Now), Is.EqualTo(1));
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(0, 0, 0, 0, LinkDown: 1, 0)));

        wire.Inside($"ip link set {WireNamespace.Far} up");
        WireNamespace.WaitUntil(() => Look() == LinkState.Up, "the port has read the carrier");
        using FarEnd far = new(WireNamespace.Far);
        port.Inject(arena, frames, WireFrames.Now);
        Assert.That(far.Receive(1), Has.Count.EqualTo(1));
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(1, 60, 0, 0, LinkDown: 1, 0)));

        LinkState Look()
        {
            port.Inject(arena, default, WireFrames.Now);
            return port.Link;
        }
    });

    [Test]
    public void An_interface_that_is_removed_is_gone() => wire.Inside(() =>
    {
        using PcapInjectPort port = new(WireNamespace.Near);
        FrameRef[] frames = [WireFrames.Put(arena, WireFrames.Frame(60, 1))];
        port.Inject(arena, default, nowNs: 0);
        wire.Inside($"ip link del {WireNamespace.Near}");

        port.Inject(arena, frames, nowNs: 1);
        port.Inject(arena, frames, PortLimits.LinkCycleNs);

        Assert.That(port.Link, Is.EqualTo(LinkState.Gone));
        Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(0, 0, 0, 0, LinkDown: 2, 0)));
    });

    [Test]
    public void A_full_queue_makes_frames_wait_and_drops_them_after_the_retry_time()
    {
        wire.Inside($"tc qdisc add dev {WireNamespace.Near} root tbf rate 8kbit burst 1600 limit 3000");
        wire.Inside(() =>
        {
            using PcapInjectPort port = new(WireNamespace.Near);
            FrameRef[] frames = Enumerable.Range(0, 16).Select(i => WireFrames.Put(arena, WireFrames.Frame(1000, i))).ToArray();

            int taken = port.Inject(arena, frames, nowNs: 0);
            Assert.That(taken, Is.InRange(1, 8));
            Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(taken, 1000 * taken, Retries: 1, 0, 0, 0)));

            long patienceNs = PortLimits.SendRetryMs.Default * 1_000_000L;
            Assert.That(port.Inject(arena, frames.AsSpan(taken), patienceNs - 1), Is.Zero);
            Assert.That(port.Statistics.Retries, Is.EqualTo(2));

            int given = 16 - taken;
            Assert.That(port.Inject(arena, frames.AsSpan(taken), patienceNs), Is.EqualTo(given), "each is then tried once");
            Assert.That(port.Statistics, Is.EqualTo(new InjectStatistics(taken, 1000 * taken, Retries: 2, 0, 0, Failed: given)));
        });
    }

    [Test]
    public void Not_one_byte_is_allocated_per_frame() => wire.Inside(() =>
    {
        using PcapInjectPort port = new(WireNamespace.Near);
        FrameRef[] frames = Enumerable.Range(0, 64).Select(i => WireFrames.Put(arena, WireFrames.Frame(60, i))).ToArray();
        FrameRef[] back = new FrameRef[64];
        Pump(1);

        long allocated = Allocation.LeastBytes(() => Pump(32));

        Assert.That(allocated, Is.Zero);
        Assert.That(port.Statistics.Frames, Is.EqualTo(161 * 64));

        void Pump(int batches)
        {
            for (int i = 0; i < batches; i++)
            {
                port.Inject(arena, frames, nowNs: i);
                port.Reclaim(back);
            }
        }
    });
}
