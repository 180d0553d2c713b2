// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Pcap;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Ports;

[TestFixture]
[Category("Wire")]
internal sealed class LivePortErrorTests
{
    private WireNamespace wire = null!;

    [SetUp]
    public void SetUp() => wire = new WireNamespace();

    [TearDown]
    public void TearDown() => wire?.Dispose();

    [Test]
    public void The_error_for_an_unknown_interface_names_the_known_ones() => wire.Inside(() =>
    {
        const string expected = "there is no interface 'eth77'; known are far0, lo, near0";
        Assert.That(CaptureError("eth77"), Is.EqualTo(expected));
        Assert.That(InjectError("eth77"), Is.EqualTo(expected));
    });

    [Test]
    public void The_name_any_and_impossible_names_are_unknown() => wire.Inside(() =>
    {
        Assert.That(CaptureError("any"), Does.StartWith("there is no interface 'any'"));
        Assert.That(CaptureError("near0" + new string('x', 40)), Does.StartWith("there is no interface 'near0xxx"));
        Assert.That(CaptureError("nèar0"), Does.StartWith("there is no interface 'nèar0'"));
    });

    [Test]
    public void The_error_for_an_interface_that_is_down_has_the_command() => wire.Inside(() =>
    {
        wire.Inside($"ip link set {WireNamespace.Near} down");
        const string expected = "cannot open interface 'near0': it is down; mend it with: ip link set near0 up";
        Assert.That(CaptureError(WireNamespace.Near), Is.EqualTo(expected));
        Assert.That(InjectError(WireNamespace.Near), Is.EqualTo(expected));
    });

    [Test]
    public void An_interface_that_is_no_Ethernet() => wire.Inside(() =>
    {
        wire.Inside("ip tuntap add mode tun name tun7");
        wire.Inside("ip link set tun7 up");
        const string expected = "cannot use interface 'tun7': its link type is ";
        Assert.That(CaptureError("tun7"), Does.StartWith(expected).And.EndsWith("; Ethernet is needed"));
        Assert.That(InjectError("tun7"), Does.StartWith(expected));
    });

    [Test]
    public void Without_permission_the_error_says_what_is_needed() => wire.Inside(() =>
    {
        Capabilities.Drop();
        const string expected = "no permission to open interface 'near0'; root or CAP_NET_RAW is needed";
        Assert.That(CaptureError(WireNamespace.Near), Is.EqualTo(expected));
        Assert.That(InjectError(WireNamespace.Near), Is.EqualTo(expected));
        Assert.That(InterfaceProblems.Permissions("/opt/colowire").Problems, Is.EqualTo(new[]
        {
            new InterfaceProblem(
                "no permission to capture and send: root or CAP_NET_RAW is needed",
                "setcap cap_net_raw+ep /opt/colowire"),
            new InterfaceProblem(
                "no permission for xdp: ports and for on_death wire: root or CAP_NET_ADMIN, CAP_BPF and CAP_SYS_ADMIN are needed too, "
                + "and for xdp: ports memory that may be locked (ulimit -l, or CAP_IPC_LOCK)",
                "setcap cap_net_raw,cap_net_admin,cap_bpf,cap_sys_admin,cap_ipc_lock+ep /opt/colowire"),
        }).AsCollection);
    });

    [Test]
    public void With_permission_there_is_no_problem() =>
        wire.Inside(() => Assert.That(InterfaceProblems.Permissions("/opt/colowire").Problems, Is.Empty));

    private static string CaptureError(string name) => Message(() => new PcapCapturePort(name).Dispose());

    private static string InjectError(string name) => Message(() => new PcapInjectPort(name).Dispose());

    private static string Message(Action open)
    {
        string message = Assert.Throws<PortException>(() => open())!.Message;
        Assert.That(message, Does.Not.Contain('\n'));
        return message;
    }
}
