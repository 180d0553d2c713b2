// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports.Linux;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>With <c>inbound: mirror</c> ColoWire alone carries frames between the three interfaces.</summary>
internal sealed class MirrorCheckTests
{
    private static readonly InterfaceFacts Primary = Facts("eth1");
    private static readonly InterfaceFacts Secondary = Facts("eth2");
    private static readonly InterfaceFacts Outside = Facts("eth3");

    [Test]
    public void Three_interfaces_without_addresses_and_bridge_and_of_one_MTU_have_no_fault()
    {
        MirrorCheck check = MirrorCheck.Of(Primary, Secondary, Outside);
        Assert.That(check.Faults, Is.Empty);
        Assert.That(check.Warnings, Is.Empty);
    }

    [Test]
    public void An_interface_that_bears_an_address_is_refused()
    {
        MirrorCheck check = MirrorCheck.Of(
            Primary with { Addresses = ["fe80::1/64"] }, Secondary, Outside with { Addresses = ["192.0.2.1/24"] });
        Assert.That(check.Faults, Is.EqualTo(new[]
        {
            "primary_in: interface 'eth1' has fe80::1/64: the host sends IPv6 frames of its own on it; "
                + "inbound mirror refuses that; mend it with: sysctl -w net.ipv6.conf.eth1.disable_ipv6=1",
            "outdev: interface 'eth3' has 192.0.2.1/24: as a port it needs no address, the host would answer on it; "
                + "inbound mirror refuses that; mend it with: ip addr flush dev eth3",
        }));
    }

    /// <summary>A flush of its addresses would cut the operator off.</summary>
    [Test]
    public void The_interface_by_which_the_host_is_reached_is_refused_without_a_command()
    {
        MirrorCheck check = MirrorCheck.Of(
            Primary, Secondary, Outside with { Addresses = ["192.0.2.1/24"], HasDefaultRoute = true });
        Assert.That(check.Faults, Is.EqualTo(new[]
        {
            "outdev: interface 'eth3' has the default route: the host is reached by it, so it is no port; "
                + "inbound mirror refuses that",
        }));
    }

    [Test]
    public void An_interface_of_a_bridge_is_refused()
    {
        MirrorCheck check = MirrorCheck.Of(Primary, Secondary with { Master = "br0" }, Outside);
        Assert.That(check.Faults, Is.EqualTo(new[]
        {
            "secondary_in: interface 'eth2' belongs to br0: frames would bypass the comparison; inbound mirror refuses that; "
                + "mend it with: ip link set eth2 nomaster",
        }));
    }

    [Test]
    public void MTUs_that_differ_are_a_warning_that_says_which_frames_are_lost_and_where()
    {
        MirrorCheck check = MirrorCheck.Of(Primary with { Mtu = 9000 }, Secondary with { Mtu = 1400 }, Outside);
        Assert.That(check.Faults, Is.Empty);
        Assert.That(check.Warnings, Is.EqualTo(new[]
        {
            "the MTUs of the three interfaces differ (primary_in eth1 9000, secondary_in eth2 1400, outdev eth3 1500): these do "
                + "not fit and are lost: packets of clients longer than 1400 bytes (from eth3 to eth2), packets of the primary "
                + "longer than 1500 bytes (from eth1 to eth3); mend it with: ip link set IF mtu N",
        }));
    }

    [Test]
    public void An_interface_that_does_not_exist_is_left_to_those_who_open_it()
    {
        MirrorCheck check = MirrorCheck.Of(primary: null, Secondary with { Mtu = 9000 }, Outside with { Master = "br0" });
        Assert.That(check.Faults, Has.Count.EqualTo(1));
        Assert.That(check.Warnings, Is.Empty);
    }

    [Test]
    public void Without_mirror_nothing_is_checked()
    {
        ApplianceOptions options = OptionCase.Load("""
            { "primary_in": "pcap:lo", "secondary_in": "pcap:nosuch0", "outdev": "pcap:nosuch1" }
            """);
        Assert.That(MirrorCheck.Of(options).Faults, Is.Empty, "lo has an address");
        ApplianceOptions mirror = options with { Engine = options.Engine with { Inbound = Engine.InboundMode.Mirror } };
        Assert.That(MirrorCheck.Of(mirror).Faults, Has.One.StartsWith("primary_in: interface 'lo' has 127.0.0.1/8"));
    }

    private static InterfaceFacts Facts(string name) => new()
    {
        Name = name,
        IsUp = true,
        IsRunning = true,
        Mtu = 1500,
        HardwareType = 1,
        Addresses = [],
        Master = null,
        IsPromiscuous = true,
        Driver = "e1000e",
        Offloads = new InterfaceOffloads(false, false, false, false, false, false, false, false),
        Rings = null,
    };
}
