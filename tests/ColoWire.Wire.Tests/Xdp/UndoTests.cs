// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using ColoWire.Wire.Tests.Live;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Xdp;

/// <summary>native-config/undo.sh detaches the programs that ColoWire has left on its interfaces.</summary>
[TestFixture]
[Category("Wire")]
internal sealed class UndoTests
{
    private PassingWire wire = null!;

    [SetUp]
    public void SetUp() => wire = new PassingWire();

    [TearDown]
    public void TearDown() => wire?.Dispose();

    [TestCase("")]
    [TestCase(" in0 away0 guest0")]
    public void ColoWires_programs_are_detached_and_others_stay(string interfaces) => wire.Inside(() =>
    {
        Leave(PassingWire.Capture, XdpMode.Native);
        Leave(PassingWire.Guest, XdpMode.Generic);
        int foreign = Bpf.LoadProgram("somebody", [0x0000_0002_0000_00B7, 0x95]);
        int away = InterfaceIndex.Of(PassingWire.Away);
        Assert.That(RouteNetlink.Attach(away, XdpMode.Native, foreign, RouteNetlink.NoProgram).Error, Is.Zero);
        _ = Libc.Close(foreign);

        Assert.That(Undo($"{interfaces} --dry-run"), Does.Contain("in0: XDP program colowire_port: would be detached"));
        Assert.That(RouteNetlink.Attached(InterfaceIndex.Of(PassingWire.Capture)), Is.Not.Null);
        string said = Undo(interfaces);

        Assert.That(said, Does.Contain("in0: XDP program colowire_port: detached"));
        Assert.That(said, Does.Contain("guest0: XDP program colowire_port: detached"));
        Assert.That(RouteNetlink.Attached(InterfaceIndex.Of(PassingWire.Capture)), Is.Null);
        Assert.That(RouteNetlink.Attached(InterfaceIndex.Of(PassingWire.Guest)), Is.Null);
        Assert.That(RouteNetlink.Attached(away), Is.Not.Null);
        Assert.That(Undo(interfaces), Does.Not.Contain("detached"), "a second run changes nothing");
    });

    private static void Leave(string interfaceName, XdpMode mode)
    {
        PortProgramOptions options = PassingWire.ToNowhere(mode) with { OutlivesProcess = true };
        using PortProgram program = PortProgram.Load(interfaceName, options);
        program.TakeOver();
    }

    private string Undo(string words)
    {
        string script = Path.Combine(BridgeHost.Root, "native-config", "undo.sh");
        string records = Path.Combine(TestContext.CurrentContext.WorkDirectory, "no-records");
        return wire.Ask($"env COLOWIRE_PREPARE_STATE={records} {script}{words}");
    }
}
