// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Ports.Linux;
using NUnit.Framework;

namespace ColoWire.Tests.Ports;

/// <summary>Checks of the queues of interfaces that the test machine does not have.</summary>
[TestFixture]
internal sealed class RssTests
{
    private const ulong Addresses = (1 << 4) | (1 << 5);
    private const ulong AddressesAndPorts = Addresses | (1 << 6) | (1 << 7);

    private static readonly InterfaceChannels Combined = new(0, 0, 0, 0, 4, 8);
    private static readonly InterfaceChannels Parted = new(4, 4, 4, 4, 0, 0);
    private static readonly byte[] Key = [0x6d, 0x5a, 0x01];

    private static readonly object?[] Counts =
    [
        new object?[] { 1, new[] { 0 }, null, null, null },
        new object?[] { 4, new[] { 0, 1, 2, 3 }, Combined, null, null },
        new object?[] { 2, new[] { 1, 0 }, null, null, null },
        new object?[]
        {
            8, new[] { 0 }, Combined, null,
            "interface 'eth1' receives on 8 queues, and 1 is to be served: what comes in the others would not be compared; "
            + "mend it with: ethtool -L eth1 combined 1",
        },
        new object?[]
        {
            2, new[] { 0, 1, 2, 3 }, Combined, null,
            "interface 'eth1' receives on 2 queues, and 4 are to be served; "
            + "mend it with: ethtool -L eth1 combined 4",
        },
        new object?[]
        {
            4, new[] { 0, 1 }, Parted, "veth",
            "interface 'eth1' receives on 4 queues, and 2 are to be served: what comes in the others would not be compared; "
            + "mend it with: ethtool -L eth1 rx 2 tx 2",
        },
        new object?[]
        {
            1, new[] { 0, 1 }, new InterfaceChannels(1, 1, 1, 1, 0, 0), "veth",
            "interface 'eth1' receives on 1 queue, and 2 are to be served; "
            + "make it anew with: ip link add eth1 numrxqueues 2 numtxqueues 2 type veth peer name PEER "
            + "numrxqueues 2 numtxqueues 2",
        },
        new object?[]
        {
            4, new[] { 0 }, null, "old",
            "interface 'eth1' receives on 4 queues, and 1 is to be served: what comes in the others would not be compared; "
            + "its driver cannot change that (no ethtool -L): name its queues in xdp_queues, and as many cores",
        },
        new object?[]
        {
            8, new[] { 0, 1, 2, 3, 4, 5, 6, 7, 8 }, Combined, "ice",
            "interface 'eth1' receives on 8 queues, and 9 are to be served; "
            + "its driver cannot have 9: name its queues in xdp_queues, and as many cores",
        },
        new object?[]
        {
            1, new[] { 3 }, Combined, null,
            "interface 'eth1' has no queue 3, they count from 0 and it has 1 queue; mend it with: ethtool -L eth1 combined 4",
        },
    ];

    [TestCaseSource(nameof(Counts))]
    public void Every_receive_queue_must_be_served(
        int receive, int[] served, InterfaceChannels? channels, string? driver, string? fault)
    {
        InterfaceQueues queues = Queues("eth1") with { Receive = receive, Channels = channels, Driver = driver };
        Assert.That(ReceiveSideScaling.CaptureFault(queues, served), Is.EqualTo(fault));
    }

    [Test]
    public void The_out_interface_needs_the_queues_that_are_used_and_may_have_more()
    {
        InterfaceQueues queues = Queues("eth3") with { Send = 4, Channels = Combined };
        Assert.That(ReceiveSideScaling.SendFault(queues, [0]), Is.Null);
        Assert.That(ReceiveSideScaling.SendFault(queues, [3, 2]), Is.Null);
        Assert.That(
            ReceiveSideScaling.SendFault(queues, [0, 4]),
            Is.EqualTo(
                "interface 'eth3' has no queue 4, they count from 0 and it has 4 queues; mend it with: "
                + "ethtool -L eth3 combined 5"));
    }

    [Test]
    public void Two_interfaces_that_distribute_flows_alike_are_accepted_without_a_note()
    {
        Assert.That(ReceiveSideScaling.CheckTwins(Queues("eth1"), Queues("eth2")), Is.EqualTo(new QueueSpreadCheck(null, null)));
    }

    [Test]
    public void Each_setting_that_differs_is_named_with_the_command_that_corrects_it()
    {
        ReceiveSpread spread = Spread();
        (ReceiveSpread Other, string What, string More)[] cases =
        [
            (spread with { Table = [0, 1, 1, 0] }, "indirection table", ""),
            (spread with { Key = [1, 2, 3] }, "hash key", ""),
            (spread with { Function = 2 }, "hash function", " hfunc toeplitz"),
            (spread with { Transformation = 1 }, "symmetric hash", " xfrm none"),
            (spread with { Table = [1, 0, 1, 0], Key = [1, 2, 3] }, "indirection table, hash key", ""),
        ];
        foreach ((ReceiveSpread other, string what, string more) in cases)
        {
            QueueSpreadCheck judgement = ReceiveSideScaling.CheckTwins(Queues("eth1"), Queues("eth2") with { Spread = other });
            Assert.That(judgement.Note, Is.Null);
            Assert.That(judgement.Fault, Is.EqualTo(
                $"interfaces 'eth1' and 'eth2' would put the frames of one flow into different queues, they differ in {what}; "
                + $"mend it with: ethtool -X eth1 hkey 6d:5a:01{more} equal 2; ethtool -X eth2 hkey 6d:5a:01{more} equal 2"));
        }
    }

    [Test]
    public void Hashed_fields_are_compared_where_both_drivers_report_them()
    {
        InterfaceQueues other = Queues("eth2", udp: Addresses);
        Assert.That(ReceiveSideScaling.CheckTwins(Queues("eth1"), other).Fault, Is.EqualTo(
            "interfaces 'eth1' and 'eth2' would put the frames of one flow into different queues, they differ in "
            + "the fields hashed of udp4; "
            + "mend it with: ethtool -N eth2 rx-flow-hash udp4 sdfn"));
        Assert.That(ReceiveSideScaling.CheckTwins(other, Queues("eth1")).Fault,
            Does.EndWith("mend it with: ethtool -N eth1 rx-flow-hash udp4 sd"));
        Assert.That(
            ReceiveSideScaling.CheckTwins(Queues("eth1", udp: 0), other).Fault,
            Does.EndWith("mend it with: ethtool -N eth1 rx-flow-hash udp4 sd"));
        InterfaceQueues silent = other with { HashFields = new Dictionary<string, ulong>() };
        Assert.That(ReceiveSideScaling.CheckTwins(Queues("eth1"), silent).Fault, Is.Null);
    }

    [Test]
    public void Two_NICs_with_tables_of_different_sizes_are_refused()
    {
        ReceiveSpread larger = Spread() with { Table = [.. Enumerable.Repeat(0u, 128)] };
        Assert.That(
            ReceiveSideScaling.CheckTwins(Queues("eth1"), Queues("eth2") with { Spread = larger }).Fault,
            Is.EqualTo(
                "interfaces 'eth1' and 'eth2' cannot spread flows over their queues alike: their indirection "
                + "tables have 4 and 128 entries, "
                + "their hash keys 3 and 3 bytes; use two NICs of one kind, or one queue"));
    }

    [Test]
    public void A_driver_that_does_not_report_its_settings_is_accepted_with_a_note()
    {
        InterfaceQueues silent = Queues("veth2") with { Driver = "veth", Spread = null };
        QueueSpreadCheck one = ReceiveSideScaling.CheckTwins(Queues("eth1"), silent);
        Assert.That(one.Fault, Is.Null);
        Assert.That(
            one.Note,
            Does.StartWith(
                "whether eth1 and veth2 put the frames of a flow into the same queue cannot be checked, its driver "
                + "does not tell: veth2 (veth); "));
        QueueSpreadCheck both = ReceiveSideScaling.CheckTwins(silent with { Name = "veth1", Driver = null }, silent);
        Assert.That(both.Note, Does.Contain("its driver does not tell: veth1 (no driver), veth2 (veth); "));
    }

    [Test]
    public void Both_directions_of_a_flow_need_a_symmetric_hash()
    {
        InterfaceQueues queues = Queues("eth1");
        Assert.That(ReceiveSideScaling.SymmetryFault(queues), Is.EqualTo(
            "interface 'eth1': with inbound: mirror the frames of a client must arrive in the queue of "
            + "the guest's, and the key of "
            + "its hash does not repeat every 16 bits; mend it with: ethtool -X eth1 hkey 6d:5a:6d hfunc toeplitz equal 2"));
        ReceiveSpread symmetric = Spread() with { Key = [0x6D, 0x5A, 0x6D, 0x5A] };
        Assert.That(ReceiveSideScaling.SymmetryFault(queues with { Spread = symmetric }), Is.Null);
        Assert.That(ReceiveSideScaling.SymmetryFault(queues with { Spread = Spread() with { Transformation = 1 } }), Is.Null);
        Assert.That(ReceiveSideScaling.SymmetryFault(queues with { Spread = null, Driver = "veth" }), Does.EndWith(
            "and its driver (veth) does not tell how it chooses a queue; use one queue"));
    }

    /// <summary>The layout of linux/ethtool.h, struct ethtool_rxfh, as a little-endian machine has it.</summary>
    [Test]
    public void The_drivers_answer_is_parsed()
    {
        byte[] answer =
        [
            0x46, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, // command, context, entries of the table, bytes of the key
            1, 2, 0, 0, 0, 0, 0, 0, // hash function, transformation, reserved
            7, 0, 0, 0, 0, 1, 0, 0, // table
            0x6d, 0x5a, 0x01, // key
        ];
        ReceiveSpread spread = EthtoolFacts.ReadSpread(answer);
        Assert.That(spread.Table, Is.EqualTo(new[] { 7u, 256u }));
        Assert.That(spread.Key, Is.EqualTo(Key));
        Assert.That((spread.Function, spread.Transformation), Is.EqualTo((1u, 2u)));
    }

    private static InterfaceQueues Queues(string name, ulong udp = AddressesAndPorts) => new()
    {
        Name = name,
        Driver = "ice",
        Receive = 2,
        Send = 2,
        Channels = Combined,
        Spread = Spread(),
        HashFields = new Dictionary<string, ulong> { ["tcp4"] = AddressesAndPorts, ["udp4"] = udp },
    };

    private static ReceiveSpread Spread() => new([0, 1, 0, 1], Key, 1, 0);
}
