// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Xdp;

[TestFixture]
[Category("Wire")]
internal sealed class WireCheckTests
{
    private PassingWire wire = null!;

    [SetUp]
    public void SetUp() => wire = new PassingWire();

    [TearDown]
    public void TearDown() => wire?.Dispose();

    [TestCase(XdpMode.Native)]
    [TestCase(XdpMode.Generic)]
    public void An_out_interface_that_works_has_no_warning(XdpMode mode) => wire.Inside(() =>
        Assert.That(WireCheck.Warnings(PassingWire.Capture, PassingWire.Out, mode), Is.Empty));

    [Test]
    public void An_out_interface_that_drops_redirected_frames_in_native_mode_has_a_warning() => wire.Inside(() =>
    {
        if (NetdevNetlink.XdpFeatures(InterfaceIndex.Of(PassingWire.Out)) is null)
            Assert.Ignore("needs Linux 6.3: the kernel does not say what its interfaces can do");
        wire.Inside($"ethtool -K {PassingWire.Away} gro off");

        Assert.That(WireCheck.Warnings(PassingWire.Capture, PassingWire.Out, XdpMode.Native), Is.EqualTo(new[]
        {
            "the out interface 'out0' cannot send frames that XDP redirects in native mode, so the kernel would drop all frames "
            + "that are to bypass ColoWire; at the far end of its cable: ethtool -K PEER gro on; or use xdp_mode generic",
        }).AsCollection);
        Assert.That(WireCheck.Warnings(PassingWire.Capture, PassingWire.Out, XdpMode.Generic), Is.Empty);
    });

    [Test]
    public void Generic_mode_redirects_to_the_same_out_interface() => wire.Inside(() =>
    {
        wire.Inside($"ethtool -K {PassingWire.Away} gro off");
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Generic));
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd away = new(PassingWire.Away);
        program.TakeOver();

        byte[][] sent = PassingWire.Send(guest, 3);

        Assert.That(away.Receive(3), Is.EqualTo(sent).AsCollection);
    });

    [Test]
    public void An_out_interface_with_a_smaller_MTU_has_a_warning() => wire.Inside(() =>
    {
        wire.Inside($"ip link set dev {PassingWire.Out} mtu 1400");
        Assert.That(WireCheck.Warnings(PassingWire.Capture, PassingWire.Out, XdpMode.Native), Is.EqualTo(new[]
        {
            "the out interface 'out0' has an MTU of 1400 and 'in0' one of 1500: longer frames cannot bypass ColoWire; "
            + "mend it with: ip link set dev out0 mtu 1500",
        }).AsCollection);
    });
}
