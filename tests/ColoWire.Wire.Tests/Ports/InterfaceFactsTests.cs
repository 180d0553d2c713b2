// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Pcap;
using ColoWire.Ports.Xdp;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Ports;

/// <summary>Each problem is made, found, corrected by the command that it gives, and then gone.</summary>
[TestFixture]
[Category("Wire")]
internal sealed class InterfaceFactsTests
{
    private const string Near = WireNamespace.Near;

    private WireNamespace wire = null!;

    [SetUp]
    public void SetUp()
    {
        wire = new WireNamespace();
        wire.Inside($"ethtool -K {Near} gro off gso off tso off");
    }

    [TearDown]
    public void TearDown() => wire?.Dispose();

    [Test]
    public void A_good_interface_has_only_the_problem_of_incomplete_checksums_of_guests_behind_it() => wire.Inside(() =>
    {
        InterfaceFacts facts = InterfaceFacts.Read(Near)!;

        Assert.That(InterfaceProblems.Of(facts).Single().Command, Is.EqualTo("ethtool -K IF tx off"));
        Assert.That((facts.IsUp, facts.IsRunning, facts.IsEthernet, facts.Mtu), Is.EqualTo((true, true, true, 1500)));
        Assert.That(facts.Driver, Is.EqualTo("veth"));
        Assert.That(facts.Master, Is.Null);
        Assert.That(facts.Rings, Is.Null);
        Assert.That(facts.IsPromiscuous, Is.False);
        Assert.That(facts.Offloads with { TxChecksum = null, RxChecksum = null }, Is.EqualTo(
            new InterfaceOffloads(Tso: false, Gso: false, Gro: false, Lro: false, null, null, TxVlan: true, RxVlan: true)));
        Assert.That(facts.Addresses, Is.Empty);
    });

    [Test]
    public void A_veth_runs_XDP_programs_in_native_mode_without_zero_copy() => wire.Inside(() =>
    {
        InterfaceFacts facts = InterfaceFacts.Read(Near)!;
        if (facts.XdpFeatures is null)
            Assert.Ignore("needs Linux 6.3: the kernel does not say what its interfaces can do");
        Assert.That(XdpFitness.Of(facts), Is.EqualTo(new XdpFitness(XdpSupport.Native, "with a copy")));
        Assert.That(facts.ReceiveQueues, Is.EqualTo(1));
    });

    [Test]
    public void A_bridge_runs_XDP_programs_in_generic_mode_only() => wire.Inside(() =>
    {
        wire.Inside("ip link add br7 type bridge");
        InterfaceFacts facts = InterfaceFacts.Read("br7")!;
        if (facts.XdpFeatures is null)
            Assert.Ignore("needs Linux 6.3: the kernel does not say what its interfaces can do");
        Assert.That(XdpFitness.Of(facts), Is.EqualTo(new XdpFitness(XdpSupport.Generic, "not in its driver")));
    });

    [Test]
    public void Receive_queues_are_counted() => wire.Inside(() =>
    {
        wire.Inside("ip link add many0 numrxqueues 3 numtxqueues 2 type veth peer name many1 numrxqueues 2 numtxqueues 3");
        Assert.That(InterfaceFacts.Read("many0")!.ReceiveQueues, Is.EqualTo(3));
        Assert.That(InterfaceFacts.Read("many1")!.ReceiveQueues, Is.EqualTo(2));
    });

    [Test]
    public void All_interfaces_of_the_namespace_are_listed_by_name() => wire.Inside(() =>
        Assert.That(string.Join(' ', InterfaceFacts.ReadAll().Select(f => f.Name)), Is.EqualTo("far0 lo near0")));

    [Test]
    public void An_unknown_interface_has_no_facts() =>
        wire.Inside(() => Assert.That(InterfaceFacts.Read("eth77"), Is.Null));

    [Test]
    public void An_open_port_makes_it_promiscuous() => wire.Inside(() =>
    {
        using PcapCapturePort port = new(Near);
        Assert.That(InterfaceFacts.Read(Near)!.IsPromiscuous, Is.True);
    });

    [TestCase("ip link set near0 down", "down: ", "ip link set near0 up")]
    [TestCase("ethtool -K near0 gro on", "gro on: ", "ethtool -K near0 gro off")]
    [TestCase("ethtool -K near0 gro on gso on tso on", "gro, gso, tso on: ", "ethtool -K near0 gro off gso off tso off")]
    [TestCase("ip addr add 192.0.2.1/24 dev near0", "has 192.0.2.1/24: ", "ip addr flush dev near0")]
    public void A_problem_is_corrected_by_its_command(string make, string what, string command) => wire.Inside(() =>
    {
        wire.Inside(make);
        AssertCorrectable(what, command);
    });

    [Test]
    public void A_bridge_port_is_a_problem_and_its_bridge_is_named() => wire.Inside(() =>
    {
        wire.Inside("ip link add br7 type bridge");
        wire.Inside($"ip link set {Near} master br7");
        Assert.That(InterfaceFacts.Read(Near)!.Master, Is.EqualTo("br7"));
        AssertCorrectable("belongs to br7: ", "ip link set near0 nomaster");
    });

    [Test]
    public void An_automatic_IPv6_address_does_not_come_back_after_its_command() => wire.Inside(() =>
    {
        wire.Inside($"sysctl -qw net.ipv6.conf.{Near}.disable_ipv6=0");
        WireNamespace.WaitUntil(HasAddress, "the kernel has assigned an address");
        AssertCorrectable("has fe80:", "sysctl -w net.ipv6.conf.near0.disable_ipv6=1");
        wire.Inside($"ip link set {Near} down");
        wire.Inside($"ip link set {Near} up");
        // The kernel gives the address when the carrier is back, and tells of the carrier later (net/ipv6/addrconf.c,
        // NETDEV_CHANGE).
        WireNamespace.WaitUntil(() => InterfaceFacts.Read(Near)!.IsRunning, "the carrier is back");
        Assert.That(HasAddress(), Is.False);

        static bool HasAddress() => InterfaceFacts.Read(Near)!.Addresses.Count != 0;
    });

    [Test]
    public void A_missing_carrier_is_a_problem_without_a_command() => wire.Inside(() =>
    {
        wire.Inside($"ip link set {WireNamespace.Far} down");
        WireNamespace.WaitUntil(() => !InterfaceFacts.Read(Near)!.IsRunning, "the kernel reports the loss of carrier");
        InterfaceProblem problem = Problems().Single();
        Assert.That(problem.What, Does.StartWith("no link: "));
        Assert.That(problem.Command, Is.Null);
    });

    private void AssertCorrectable(string what, string command)
    {
        InterfaceProblem problem = Problems().Single();
        Assert.That(problem.What, Does.StartWith(what));
        Assert.That(problem.Command, Is.EqualTo(command));
        wire.Inside(problem.Command!);
        Assert.That(Problems(), Is.Empty);
    }

    /// <summary>All but the last one, which every veth has because of the guests that may be behind it.</summary>
    private static InterfaceProblem[] Problems() => [.. InterfaceProblems.Of(InterfaceFacts.Read(Near)!).SkipLast(1)];
}
