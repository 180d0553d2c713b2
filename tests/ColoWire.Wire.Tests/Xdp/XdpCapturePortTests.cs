// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using ColoWire.Wire.Tests.Ports;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Xdp;

[TestFixture(XdpMode.Native)]
[TestFixture(XdpMode.Generic)]
[Category("Wire")]
internal sealed class XdpCapturePortTests(XdpMode mode)
{
    private const int Ring = 256;
    private const int Slots = 1024;

    private WireNamespace wire = null!;
    private FrameArena arena = null!;

    [SetUp]
    public void SetUp()
    {
        wire = new WireNamespace();
        wire.Inside("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
        arena = new FrameArena(Slots, largeSlotsPerSide: 1);
    }

    [TearDown]
    public void TearDown()
    {
        wire?.Dispose();
        arena?.Dispose();
    }

    [Test]
    public void Frames_are_received_in_order_byte_for_byte_into_slots_of_their_side() => wire.Inside(() =>
    {
        using XdpCapturePort port = Open(out PortProgram program);
        using (program)
        {
            byte[][] sent = [WireFrames.Frame(60, 1), WireFrames.Frame(1514, 2), WireFrames.Frame(1518, 3, (0x8100, 5)),
                WireFrames.Frame(61, 4)];
            Send(sent);

            Assert.That(WireFrames.Receive(port, arena, 4), Is.EqualTo(sent).AsCollection);
            Assert.That(port.Statistics, Is.EqualTo(new CaptureStatistics(4, 60 + 1514 + 1518 + 61, 0, 0, 0, 0)));
        }
    });

    [Test]
    public void A_frame_has_its_number_and_time_of_arrival() => wire.Inside(() =>
    {
        using XdpCapturePort port = Open(out PortProgram program);
        using (program)
        {
            FrameRef[] batch = new FrameRef[8];
            Send(WireFrames.Frame(60, 1), WireFrames.Frame(60, 2));
            Assert.That(port.Receive(arena.Primary, batch, nowNs: 1234), Is.EqualTo(2));
            Assert.That(arena[batch[0]].ArrivalNs, Is.EqualTo(1234));
            Assert.That(batch.Take(2).Select(frame => arena[frame].Number), Is.EqualTo(new[] { 1u, 2u }).AsCollection);
        }
    });

    [Test]
    public void All_slots_are_free_or_posted_after_any_number_of_frames() => wire.Inside(() =>
    {
        using XdpCapturePort port = Open(out PortProgram program);
        using (program)
        {
            Assert.That(port.PostedSlots, Is.EqualTo(Ring));
            for (int turn = 0; turn < 20; turn++)
            {
                Send([.. Enumerable.Range(0, 100).Select(i => WireFrames.Frame(60, i))]);
                Assert.That(WireFrames.Receive(port, arena, 100), Has.Count.EqualTo(100));
                Assert.That(arena.Primary.IsFullBut(port.PostedSlots), Is.True);
            }

            Assert.That(port.PostedSlots, Is.GreaterThan(Ring / 2));
        }
    });

    [Test]
    public void Frames_beyond_the_ring_are_lost_and_counted_and_the_port_goes_on() => wire.Inside(() =>
    {
        using XdpCapturePort port = Open(out PortProgram program);
        using (program)
        {
            byte[][] sent = [.. Enumerable.Range(0, Ring + 100).Select(i => WireFrames.Frame(60, i))];
            Send(sent);
            Assert.That(WireFrames.Receive(port, arena, sent.Length, timeoutMs: 300), Is.EqualTo(sent.Take(Ring)).AsCollection);
            port.Receive(arena.Primary, [], WireFrames.Now + PortLimits.StatisticsCycleNs);
            Assert.That(port.Statistics.KernelDropped, Is.EqualTo(100));

            byte[][] later = [WireFrames.Frame(60, 1)];
            Send(later);
            Assert.That(WireFrames.Receive(port, arena, 1), Is.EqualTo(later).AsCollection);
        }
    });

    [Test]
    public void Without_free_slots_the_port_keeps_its_posted_slots_and_goes_on_when_slots_are_returned() => wire.Inside(() =>
    {
        using XdpCapturePort port = Open(out PortProgram program);
        using (program)
        {
            FrameRef[] batch = new FrameRef[64];
            List<FrameRef> held = [];
            for (int turn = 0; turn < Slots / 64; turn++)
            {
                Send([.. Enumerable.Range(0, 64).Select(i => WireFrames.Frame(60, i))]);
                held.AddRange(batch.AsSpan(0, port.Receive(arena.Primary, batch, WireFrames.Now)));
            }

            Assert.That(held, Has.Count.InRange(Slots - 128, Slots));
            held.ForEach(arena.Primary.Return);
            port.Receive(arena.Primary, batch, WireFrames.Now);
            Send(WireFrames.Frame(60, 1));
            Assert.That(port.Receive(arena.Primary, batch, WireFrames.Now), Is.EqualTo(1));
        }
    });

    [Test]
    public void A_wait_ends_when_a_frame_arrives() => wire.Inside(() =>
    {
        using XdpCapturePort port = Open(out PortProgram program);
        using (program)
        {
            IdleWait idle = new([port.WaitHandle]);
            Assert.That(idle.Wait(0), Is.False);
            Send(WireFrames.Frame(60, 1));
            Assert.That(idle.Wait(1000), Is.True);
        }
    });

    [Test]
    public void Capture_goes_on_after_the_link_went_down_and_up() => wire.Inside(() =>
    {
        using XdpCapturePort port = Open(out PortProgram program);
        using (program)
        {
            wire.Inside($"ip link set {WireNamespace.Near} down");
            WireNamespace.WaitUntil(() => Look() == LinkState.Down, "the port has read the link down");
            Assert.That(((ICapturePort)port).HasLink, Is.False);
            wire.Inside($"ip link set {WireNamespace.Near} up");
            WireNamespace.WaitUntil(() => Look() == LinkState.Up, "the port has read the link up");
            Send(WireFrames.Frame(60, 7));
            Assert.That(WireFrames.Receive(port, arena, 1), Has.Count.EqualTo(1));
        }

        LinkState Look()
        {
            port.Receive(arena.Primary, [], WireFrames.Now);
            return port.Link;
        }
    });

    [Test]
    public void A_queue_can_be_bound_again_right_after_its_port_was_closed() => wire.Inside(() =>
    {
        for (int turn = 0; turn < 3; turn++)
        {
            using XdpCapturePort port = Open(out PortProgram program);
            using (program)
            {
                Send(WireFrames.Frame(60, turn));
                Assert.That(WireFrames.Receive(port, arena, 1), Has.Count.EqualTo(1));
            }
        }
    });

    [Test]
    public void A_queue_that_is_in_use_is_refused_after_a_second() => wire.Inside(() =>
    {
        using XdpCapturePort port = Open(out PortProgram program);
        using (program)
        using (FrameArena other = new(Slots, 1))
        {
            long start = Stopwatch.GetTimestamp();
            PortException? refused = Assert.Throws<PortException>(
                () => _ = new XdpCapturePort(Source(WireNamespace.Near, new Umem(other))));
            Assert.That(refused!.Message, Does.Contain("queue 0").And.Contain(WireNamespace.Near).And.Contain("another process"));
            Assert.That(Stopwatch.GetElapsedTime(start).TotalMilliseconds, Is.AtLeast(PortLimits.RebindMs));
        }
    });

    [Test]
    public void An_MTU_that_is_too_great_for_a_slot_is_refused_with_the_command_that_corrects_it()
    {
        wire.Inside($"ip link set {WireNamespace.Near} mtu 3000");
        wire.Inside(() =>
        {
            PortException? refused = Assert.Throws<PortException>(
                () => _ = new XdpCapturePort(Source(WireNamespace.Near, new Umem(arena))));
            Assert.That(refused!.Message, Does.Contain("MTU is 3000").And.Contain($"ip link set {WireNamespace.Near} mtu 1770"));
        });
    }

    [TestCase("none0", "there is no interface 'none0'")]
    public void An_interface_that_does_not_exist_is_refused(string name, string expected) => wire.Inside(() =>
    {
        PortException? refused = Assert.Throws<PortException>(() => _ = new XdpCapturePort(Source(name, new Umem(arena))));
        Assert.That(refused!.Message, Does.Contain(expected));
    });

    [Test]
    public void An_interface_without_Ethernet_frames_is_refused()
    {
        wire.Inside("ip link set lo up");
        wire.Inside(() =>
        {
            PortException? refused = Assert.Throws<PortException>(
                () => _ = new XdpCapturePort(Source("lo", new Umem(arena))));
            Assert.That(refused!.Message, Is.EqualTo("cannot use interface 'lo': its type is 772; Ethernet (1) is needed"));
        });
    }

    [Test]
    public void A_frame_is_sent_from_the_slot_that_it_was_received_in_without_a_copy() => wire.Inside(() =>
    {
        wire.Inside("ip link add out0 type veth peer name sink0");
        wire.Inside("ip link set out0 up");
        wire.Inside("ip link set sink0 up");
        WireNamespace.WaitUntil(() => InterfaceFacts.Read("out0")!.IsRunning, "the second cable is up");
        Umem umem = new(arena);
        using XdpCapturePort port = Open(umem, out PortProgram program);
        using XdpInjectPort output = new(Source("out0", umem, XdpDirections.Transmit), sendRetryMs: 0);
        using FarEnd sink = new("sink0");
        using (program)
        {
            FrameRef[] batch = new FrameRef[8];
            byte[] sent = WireFrames.Frame(1514, 1);
            Send(sent);
            Assert.That(port.Receive(arena.Primary, batch, WireFrames.Now), Is.EqualTo(1));
            // A change in the slot shows on the wire: the kernel reads the frame from the slot.
            arena.SlotBytes(batch[0])[arena[batch[0]].Offset + 100] ^= 0xFF;
            sent[100] ^= 0xFF;
            Assert.That(output.Inject(arena, batch.AsSpan(0, 1), WireFrames.Now), Is.EqualTo(1));
            Assert.That(sink.Receive(1), Is.EqualTo(new[] { sent }).AsCollection);
            FrameRef[] back = new FrameRef[8];
            Assert.That(output.Reclaim(back), Is.EqualTo(1));
            Assert.That(back[0], Is.EqualTo(batch[0]));
        }
    });

    [Test]
    public void A_frame_is_sent_to_two_interfaces_from_the_slot_that_it_was_received_in() => wire.Inside(() =>
    {
        foreach (string cable in (string[])["a", "b"])
        {
            wire.Inside($"ip link add out{cable} type veth peer name sink{cable}");
            wire.Inside($"ip link set out{cable} up");
            wire.Inside($"ip link set sink{cable} up");
            WireNamespace.WaitUntil(() => InterfaceFacts.Read($"out{cable}")!.IsRunning, "the cable is up");
        }

        Umem umem = new(arena);
        using XdpCapturePort port = Open(umem, out PortProgram program);
        using XdpInjectPort first = new(Source("outa", umem, XdpDirections.Receive | XdpDirections.Transmit), sendRetryMs: 0);
        using XdpInjectPort second = new(Source("outb", umem, XdpDirections.Receive | XdpDirections.Transmit), sendRetryMs: 0);
        using FarEnd firstSink = new("sinka");
        using FarEnd secondSink = new("sinkb");
        using (program)
        {
            FrameRef[] batch = new FrameRef[8];
            byte[] sent = WireFrames.Frame(1514, 1);
            Send(sent);
            Assert.That(port.Receive(arena.Primary, batch, WireFrames.Now), Is.EqualTo(1));
            arena.SlotBytes(batch[0])[arena[batch[0]].Offset + 100] ^= 0xFF;
            sent[100] ^= 0xFF;
            Assert.That(first.Inject(arena, batch.AsSpan(0, 1), WireFrames.Now), Is.EqualTo(1));
            Assert.That(second.Inject(arena, batch.AsSpan(0, 1), WireFrames.Now), Is.EqualTo(1));
            Assert.That(firstSink.Receive(1), Is.EqualTo(new[] { sent }).AsCollection);
            Assert.That(secondSink.Receive(1), Is.EqualTo(new[] { sent }).AsCollection);
            FrameRef[] back = new FrameRef[8];
            Assert.That((first.Reclaim(back), back[0]), Is.EqualTo((1, batch[0])));
            Assert.That((second.Reclaim(back), back[0]), Is.EqualTo((1, batch[0])));
        }
    });

    [Test]
    public void A_capture_port_and_an_inject_port_share_the_socket_of_a_queue() => wire.Inside(() =>
    {
        XdpSocketSource source = Source(
            WireNamespace.Near, new Umem(arena), XdpDirections.Receive | XdpDirections.Transmit);
        using XdpCapturePort port = Open(source, out PortProgram program);
        using XdpInjectPort output = new(source, sendRetryMs: 0);
        using FarEnd far = new(WireNamespace.Far);
        using (program)
        {
            FrameRef[] batch = new FrameRef[8];
            byte[] sent = WireFrames.Frame(1514, 1);
            far.Send(sent);
            Assert.That(port.Receive(arena.Primary, batch, WireFrames.Now), Is.EqualTo(1));
            Assert.That(output.Inject(arena, batch.AsSpan(0, 1), WireFrames.Now), Is.EqualTo(1));
            Assert.That(far.Receive(1), Is.EqualTo(new[] { sent }).AsCollection);
            Assert.That((output.Reclaim(batch), output.Statistics.Frames), Is.EqualTo((1, 1)));
        }
    });

    [Test]
    public void A_shared_socket_is_opened_again_only_when_both_ports_have_released_the_former_one() => wire.Inside(() =>
    {
        XdpSocketSource source = Source(
            WireNamespace.Near, new Umem(arena), XdpDirections.Receive | XdpDirections.Transmit);
        using XdpCapturePort port = new(source);
        using XdpInjectPort output = new(source, sendRetryMs: 0);
        IPortKeeper[] keepers = [((IKeptPort)port).Keeper, ((IKeptPort)output).Keeper];
        FrameRef[] batch = new FrameRef[8];
        port.Receive(arena.Primary, batch, WireFrames.Now);
        int posted = port.PostedSlots;
        wire.Inside($"ip link del {WireNamespace.Near}");
        wire.Inside($"ip link add {WireNamespace.Near} type veth peer name {WireNamespace.Far}");
        wire.Inside($"ip link set {WireNamespace.Near} up");
        wire.Inside($"ip link set {WireNamespace.Far} up");

        Check();
        port.Receive(arena.Primary, batch, WireFrames.Now);
        Check();
        Check();
        Assert.That(port.PostedSlots, Is.EqualTo(posted), "the inject port has not released the socket");
        Assert.That(keepers[0].Opened, Is.EqualTo(1));

        output.Inject(arena, [], WireFrames.Now);
        Check();
        Check();
        Check();
        Assert.That((keepers[0].Opened, keepers[1].Opened), Is.EqualTo((2, 2)));
        Assert.That(keepers[0].Descriptor, Is.EqualTo(keepers[1].Descriptor), "one socket for both");
        port.Receive(arena.Primary, batch, WireFrames.Now);
        output.Inject(arena, [], WireFrames.Now);
        Assert.That(arena.Primary.IsFullBut(port.PostedSlots), Is.True, "no slot is lost");

        void Check() => Array.ForEach(keepers, keeper => keeper.Check());
    });

    [Test]
    public void Not_one_byte_is_allocated_per_frame() => wire.Inside(() =>
    {
        using XdpCapturePort port = Open(out PortProgram program);
        using (program)
        {
            FrameRef[] batch = new FrameRef[64];
            byte[][] sent = [.. Enumerable.Range(0, 60).Select(i => WireFrames.Frame(60, i))];
            using FarEnd far = new(WireNamespace.Far);
            Pump();

            long least = long.MaxValue;
            for (int turn = 0; turn < 5; turn++)
            {
                Array.ForEach(sent, far.Send);
                long before = GC.GetAllocatedBytesForCurrentThread();
                Pump();
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            Assert.That(least, Is.Zero);
            Assert.That(port.Statistics.Frames, Is.EqualTo(5 * 60));

            void Pump()
            {
                for (int i = 0; i < 64; i++)
                {
                    int count = port.Receive(arena.Primary, batch, i * PortLimits.StatisticsCycleNs);
                    arena.Primary.Return(batch, count);
                }
            }
        }
    });

    private XdpOptions Options => new(mode, Copy: false, Ring);

    private XdpSocketSource Source(
        string interfaceName, Umem umem, XdpDirections directions = XdpDirections.Receive) =>
        new(interfaceName, 0, umem, Options, directions, countsInterface: true);

    private XdpCapturePort Open(out PortProgram program) => Open(new Umem(arena), out program);

    private XdpCapturePort Open(Umem umem, out PortProgram program) => Open(Source(WireNamespace.Near, umem), out program);

    private XdpCapturePort Open(XdpSocketSource source, out PortProgram program)
    {
        XdpCapturePort port = new(source);
        port.Receive(arena.Primary, [], WireFrames.Now);
        program = PortProgram.Load(
            WireNamespace.Near,
            new PortProgramOptions(mode, ToSocket: true, TimeoutMs: 0, WireInterfaceIndex: null, OutlivesProcess: false));
        program.SetSocket(0, port.WaitHandle);
        program.Beat(0, WireFrames.Now);
        program.TakeOver();
        return port;
    }

    private static void Send(params byte[][] frames)
    {
        using FarEnd far = new(WireNamespace.Far);
        Array.ForEach(frames, far.Send);
    }
}
