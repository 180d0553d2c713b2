// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>What the operator can mend is told in one line for each fault, and the exit code is 2.</summary>
[TestFixture]
[Category("Wire")]
internal sealed class StartErrorTests
{
    private BridgeHost host = null!;

    [OneTimeSetUp]
    public void OneTimeSetUp() => host = new BridgeHost();

    [OneTimeTearDown]
    public void OneTimeTearDown() => host?.Dispose();

    [TestCase("run")]
    [TestCase("observe")]
    public void An_unknown_interface(string verb) => AssertRefused(
        ["colowire: secondary_in: there is no interface 'eth77'; known are lo, out0, primary0, secondary0"],
        [verb, "--primary-in", "pcap:primary0", "--secondary-in", "pcap:eth77", "--outdev", "pcap:out0"]);

    [Test]
    public void An_unknown_interface_of_AF_XDP() => AssertRefused(
        ["colowire: secondary_in: there is no interface 'eth77'; known are lo, out0, primary0, secondary0"],
        ["run", "--primary-in", "xdp:primary0", "--secondary-in", "xdp:eth77", "--outdev", "xdp:out0"]);

    [Test]
    public void Frames_that_are_longer_than_a_slot()
    {
        host.Host.Inside("ip link set out0 mtu 9000");
        AssertRefused(
            [
                "colowire: outdev: cannot open interface 'out0' for AF_XDP: its MTU is 9000, and a slot "
                + "holds frames of up to 1770; "
                + "mend it with: ip link set out0 mtu 1770, or use pcap:out0",
            ],
            ["run", "--primary-in", "xdp:primary0", "--secondary-in", "xdp:secondary0", "--outdev", "xdp:out0"]);
        host.Host.Inside("ip link set out0 mtu 1500");
    }

    [Test]
    public void The_same_interface_twice() => AssertRefused(
        ["colowire: --outdev (command line): 'pcap:primary0' is primary_in already: three different ports are needed"],
        ["run", "--primary-in", "pcap:primary0", "--secondary-in", "pcap:secondary0", "--outdev", "pcap:primary0"]);

    /// <summary>libpcap opens it as Ethernet.</summary>
    [Test]
    public void The_loopback_interface()
    {
        host.Host.Inside("ip link set lo up");
        AssertRefused(
            ["colowire: primary_in: cannot use interface 'lo': its type is 772; Ethernet (1) is needed"],
            ["run", "--primary-in", "pcap:lo", "--secondary-in", "pcap:secondary0", "--outdev", "pcap:out0"]);
    }

    [Test]
    public void No_permission() => AssertRefused(
        [
            "colowire: primary_in: no permission to open interface 'primary0'; root or CAP_NET_RAW is needed",
            "colowire: secondary_in: no permission to open interface 'secondary0'; root or CAP_NET_RAW is needed",
            "colowire: outdev: no permission to open interface 'out0'; root or CAP_NET_RAW is needed",
        ],
        ["run", "--primary-in", "pcap:primary0", "--secondary-in", "pcap:secondary0", "--outdev", "pcap:out0"],
        Nobody());

    [Test]
    public void Raw_sockets_are_all_the_permission_that_is_needed()
    {
        byte[][] frames = Datagrams.ManyOfPrimary(10, 2, 0);
        using BridgeRun run = new(host, 0, Nobody(",+net_raw"), "run");
        Array.ForEach(frames, run.SendPrimary);
        Array.ForEach(Datagrams.ManyOfSecondary(10, 2, 0), run.SendSecondary);
        run.AssertLeaves(frames);
        Assert.That(run.Program.Stop().Verified, Is.EqualTo(frames.Length));
    }

    /// <summary>Nobody, who may read the build wherever it lies, and no more.</summary>
    private static string[] Nobody(string capabilities = "") =>
    [
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
        $"--inh-caps=-all,+dac_read_search{capabilities}", $"--ambient-caps=+dac_read_search{capabilities}",
    ];

    private void AssertRefused(string[] lines, string[] words, params string[] wrapper)
    {
        using ColoWireProcess program = new(host, words, wrapper);
        Assert.That(program.WaitForExit(), Is.EqualTo(2));
        Assert.That(program.Log, Is.EqualTo(lines).AsCollection);
        Assert.That(program.Output, Is.Empty);
    }
}
