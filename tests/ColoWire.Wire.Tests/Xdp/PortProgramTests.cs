// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;
using ColoWire.Ports.Xdp;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Xdp;

[TestFixture]
[Category("Wire")]
internal sealed class PortProgramTests
{
    private PassingWire wire = null!;

    [SetUp]
    public void SetUp() => wire = new PassingWire();

    [TearDown]
    public void TearDown() => wire?.Dispose();

    [TestCase(XdpMode.Native)]
    [TestCase(XdpMode.Generic)]
    public void While_it_beats_frames_come_to_the_packet_socket_and_then_they_leave_by_the_wire(XdpMode mode) => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(mode));
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd captured = new(PassingWire.Capture);
        using FarEnd away = new(PassingWire.Away);
        program.TakeOver();
        program.Beat(0, PassingWire.NowNs);
        byte[][] sent = PassingWire.Send(guest, 3);
        Assert.That(captured.Receive(3), Is.EqualTo(sent).AsCollection);
        Assert.That(program.PassedFrames, Is.EqualTo(3));

        Thread.Sleep(21);
        sent = PassingWire.Send(guest, 5);

        Assert.That(away.Receive(5), Is.EqualTo(sent).AsCollection);
        Assert.That((program.PassedFrames, program.ToWireFrames, program.DroppedFrames), Is.EqualTo((3L, 5L, 0L)));
    });
}
