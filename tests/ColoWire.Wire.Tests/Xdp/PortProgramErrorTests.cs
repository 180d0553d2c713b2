// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Xdp;

[TestFixture]
[Category("Wire")]
internal sealed class PortProgramErrorTests
{
    private PassingWire wire = null!;

    [SetUp]
    public void SetUp() => wire = new PassingWire();

    [TearDown]
    public void TearDown() => wire?.Dispose();

    [Test]
    public void An_unknown_interface() => wire.Inside(() =>
        Assert.That(
            Message(() => PortProgram.Load("eth77", PassingWire.ToNowhere(XdpMode.Native))),
            Is.EqualTo("there is no interface 'eth77'; known are away0, guest0, in0, lo, out0")));

    [Test]
    public void Without_permission_the_error_says_what_is_needed() => wire.Inside(() =>
    {
        Capabilities.Drop();
        Assert.That(
            Message(() => PortProgram.Load(PassingWire.Capture, PassingWire.ToNowhere(XdpMode.Native))),
            Is.EqualTo(
                "cannot make the map 'sockets' of the XDP program: no permission; root or CAP_BPF and CAP_NET_ADMIN are needed"));
    });

    [Test]
    public void Permission_that_is_lost_before_the_program_is_attached() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToNowhere(XdpMode.Native));
        Capabilities.Drop();
        Assert.That(Message(program.TakeOver), Is.EqualTo(
            "cannot attach the XDP program to interface 'in0': no permission; root or CAP_NET_ADMIN and CAP_BPF are needed"));
    });

    [Test]
    public void Two_capabilities_are_enough_without_an_earlier_program() => wire.Inside(() =>
    {
        PortProgramOptions lasting = PassingWire.ToWire(XdpMode.Native) with { OutlivesProcess = true };
        Capabilities.Drop(except: Capabilities.NetAdminAndBpf);
        using PortProgram earlier = PortProgram.Load(PassingWire.Capture, lasting);
        Assert.That(earlier.TakeOver, Throws.Nothing);
        using PortProgram program = PortProgram.Load(PassingWire.Capture, lasting);
        Assert.That(Message(program.TakeOver), Does.Match(
            "^no permission to look whether BPF program [0-9]+, which is in use, is ColoWire's; root "
            + "or CAP_SYS_ADMIN is needed$"));
    });

    [Test]
    public void A_program_that_was_attached_meanwhile_is_not_replaced() => wire.Inside(() =>
    {
        int capture = InterfaceIndex.Of(PassingWire.Capture);
        using PortProgram first = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native));
        using PortProgram second = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native));
        first.TakeOver();
        Assert.That(RouteNetlink.Attach(capture, XdpMode.Native, second.Descriptor, RouteNetlink.NoProgram).Error, Is.Not.Zero);
        Assert.That(RouteNetlink.Attach(capture, XdpMode.Native, second.Descriptor, second.Descriptor).Error, Is.Not.Zero);
        Assert.That(RouteNetlink.Attached(capture)!.Value.Id, Is.EqualTo(Bpf.ProgramInfo(first.Descriptor).Id));
    });

    [Test]
    public void A_driver_without_XDP_in_native_mode() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load("lo", PassingWire.ToNowhere(XdpMode.Native));
        Assert.That(
            Message(program.TakeOver),
            Does.Match("^cannot attach the XDP program to interface 'lo' in native mode: .+; use xdp_mode generic$"));
        using PortProgram generic = PortProgram.Load("lo", PassingWire.ToNowhere(XdpMode.Generic));
        Assert.That(generic.TakeOver, Throws.Nothing);
    });

    [Test]
    public void An_MTU_that_is_too_long_for_native_mode() => wire.Inside(() =>
    {
        wire.Inside("ip link set dev in0 mtu 9000");
        wire.Inside("ip link set dev guest0 mtu 9000");
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToNowhere(XdpMode.Native));
        Assert.That(Message(program.TakeOver), Does.Match(
            "^cannot attach the XDP program to interface 'in0' in native mode: .*MTU.*; use xdp_mode generic, or "
            + "at both ends of the cable: "
            + "ip link set dev in0 mtu 1500$"));
    });

    [Test]
    public void An_interface_that_is_removed_before_the_program_is_attached() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToNowhere(XdpMode.Native));
        wire.Inside("ip link del in0");
        Assert.That(Message(program.TakeOver), Does.StartWith("cannot ask the kernel for the interface with index "));
    });

    [Test]
    public void An_out_interface_that_does_not_exist() => wire.Inside(() =>
    {
        PortProgramOptions options = PassingWire.ToNowhere(XdpMode.Native) with { WireInterfaceIndex = 9999 };
        Assert.That(
            Message(() => PortProgram.Load(PassingWire.Capture, options)),
            Does.StartWith("cannot set the interface on the other side (9999) of the XDP program: "));
    });

    [Test]
    public void A_descriptor_that_is_no_socket_and_a_queue_that_is_too_great() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToNowhere(XdpMode.Native));
        Assert.That(
            Message(() => program.SetSocket(3, -1)), Does.StartWith("cannot set the socket of queue 3 of the XDP program: "));
        Assert.That(
            Message(() => program.SetSocket(64, 0)), Is.EqualTo("queue 64: an interface can have queues 0 to 63 for sockets"));
    });

    [Test]
    public void The_error_for_a_program_that_the_verifier_refuses_has_its_reason() => wire.Inside(() =>
        Assert.That(
            Message(() => Bpf.LoadProgram("wrong", [0x95])),
            Does.StartWith("cannot load the XDP program: the kernel's verifier says: ").And.Contain("R0 !read_ok")));

    private static string Message(Action action)
    {
        string message = Assert.Throws<PortException>(() => action())!.Message;
        Assert.That(message, Does.Not.Contain('\n'));
        return message;
    }
}
