// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Pcap;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Ports;

/// <summary>Every problem is made, found, mended by the very command that is given for it, and gone.</summary>
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
    public void A_fit_interface_has_no_problem_but_that_a_guest_behind_it_may_leave_checksums_undone() => wire.Inside(() =>
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
    public void A_veth_runs_XDP_programs_in_its_driver_and_shares_no_memory() => wire.Inside(() =>
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
    public void There_are_no_facts_of_an_unknown_interface() =>
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
    public void A_problem_is_mended_by_its_command(string make, string what, string command) => wire.Inside(() =>
    {
        wire.Inside(make);
        AssertMendable(what, command);
    });

    [Test]
    public void A_bridge_port_is_told_from_its_bridge() => wire.Inside(() =>
    {
        wire.Inside("ip link add br7 type bridge");
        wire.Inside($"ip link set {Near} master br7");
        Assert.That(InterfaceFacts.Read(Near)!.Master, Is.EqualTo("br7"));
        AssertMendable("belongs to br7: ", "ip link set near0 nomaster");
    });

    [Test]
    public void An_automatic_IPv6_address_is_mended_for_good() => wire.Inside(() =>
    {
        wire.Inside($"sysctl -qw net.ipv6.conf.{Near}.disable_ipv6=0");
        WireNamespace.WaitUntil(HasAddress, "the kernel has given an address");
        AssertMendable("has fe80:", "sysctl -w net.ipv6.conf.near0.disable_ipv6=1");
        wire.Inside($"ip link set {Near} down");
        wire.Inside($"ip link set {Near} up");
        // The kernel gives the address when the carrier is back, and tells of the carrier later (net/ipv6/addrconf.c, NETDEV_CHANGE).
        WireNamespace.WaitUntil(() => InterfaceFacts.Read(Near)!.IsRunning, "the carrier is back");
        Assert.That(HasAddress(), Is.False);

        static bool HasAddress() => InterfaceFacts.Read(Near)!.Addresses.Count != 0;
    });

    [Test]
    public void A_missing_other_end_is_a_problem_without_a_command() => wire.Inside(() =>
    {
        wire.Inside($"ip link set {WireNamespace.Far} down");
        WireNamespace.WaitUntil(() => !InterfaceFacts.Read(Near)!.IsRunning, "the kernel tells that the carrier is gone");
        InterfaceProblem problem = Problems().Single();
        Assert.That(problem.What, Does.StartWith("no link: "));
        Assert.That(problem.Command, Is.Null);
    });

    private void AssertMendable(string what, string command)
    {
        InterfaceProblem problem = Problems().Single();
        Assert.That(problem.What, Does.StartWith(what));
        Assert.That(problem.Command, Is.EqualTo(command));
        wire.Inside(problem.Command!);
        Assert.That(Problems(), Is.Empty);
    }

    /// <summary>All but the last, which every veth has because of what may be behind it.</summary>
    private static InterfaceProblem[] Problems() => [.. InterfaceProblems.Of(InterfaceFacts.Read(Near)!).SkipLast(1)];
}
