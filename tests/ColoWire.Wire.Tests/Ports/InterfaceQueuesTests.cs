// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Ports;

/// <summary>The queues of real interfaces: veths, which have queues and no receive-side scaling.</summary>
[TestFixture]
[Category("Wire")]
internal sealed class InterfaceQueuesTests
{
    private const int Made = 4;

    private readonly NetworkNamespace space = new();

    [OneTimeSetUp]
    public void SetUp()
    {
        foreach (string name in new[] { "primary", "secondary", "out" })
        {
            space.Inside($"ip link add {name} numrxqueues {Made} numtxqueues {Made} type veth peer name {name}-far numrxqueues {Made} numtxqueues {Made}");
        }

        space.Inside("ip link add single numrxqueues 1 numtxqueues 1 type veth peer name single-far");
    }

    [OneTimeTearDown]
    public void TearDown() => space.Dispose();

    [Test]
    public void Queues_of_a_veth_are_counted_and_it_reports_no_receive_side_scaling() => space.Inside(() =>
    {
        InterfaceQueues queues = InterfaceQueues.Read("secondary")!;
        Assert.That((queues.Name, queues.Driver, queues.Receive, queues.Send), Is.EqualTo(("secondary", "veth", Made, Made)));
        Assert.That(queues.Channels, Is.EqualTo(new InterfaceChannels(Made, Made, Made, Made, 0, 0)));
        Assert.That(queues.Spread, Is.Null);
        Assert.That(queues.HashFields, Is.Empty);
        InterfaceQueues single = InterfaceQueues.Read("single")!;
        Assert.That((single.Receive, single.Send), Is.EqualTo((1, 1)));
    });

    [Test]
    public void An_unknown_interface_has_no_queues() =>
        space.Inside(() => Assert.That(InterfaceQueues.Read("eth77"), Is.Null));

    [TestCase(1)]
    [TestCase(3)]
    public void Too_many_queues_are_corrected_by_the_command_in_the_error(int count) => space.Inside(() =>
    {
        int[] served = [.. Enumerable.Range(0, count)];
        string fault = ReceiveSideScaling.CaptureFault(InterfaceQueues.Read("primary")!, served)!;
        Assert.That(fault, Does.StartWith($"interface 'primary' receives on {Made} queues, "));
        space.Inside(fault[(fault.LastIndexOf(": ", StringComparison.Ordinal) + 2)..]);
        InterfaceQueues mended = InterfaceQueues.Read("primary")!;
        Assert.That((mended.Receive, mended.Send), Is.EqualTo((count, count)));
        Assert.That(ReceiveSideScaling.CaptureFault(mended, served), Is.Null);
        space.Inside($"ethtool -L primary rx {Made} tx {Made}");
    });

    [Test]
    public void All_interfaces_are_checked_before_one_is_opened() => space.Inside(() =>
    {
        IReadOnlyList<string> faults = QueueCheck.Of(Options("primary", "single", "single", 0, 1)).Faults;
        Assert.That(faults, Has.Count.EqualTo(3));
        Assert.That(faults[0], Does.StartWith("primary_in: interface 'primary' receives on 4 queues, and 2 are to be served: "));
        Assert.That(faults[1], Does.StartWith("secondary_in: interface 'single' receives on 1 queue, and 2 are to be served; ")
            .And.EndsWith("make it anew with: ip link add single numrxqueues 2 numtxqueues 2 type veth peer name PEER numrxqueues 2 numtxqueues 2"));
        Assert.That(faults[2], Does.StartWith("outdev: interface 'single' has no queue 1, "));
    });

    [Test]
    public void Two_veths_with_as_many_queues_are_accepted_and_a_note_says_what_cannot_be_checked() => space.Inside(() =>
    {
        QueueCheck check = QueueCheck.Of(Options("primary", "secondary", "out", 0, 1, 2, 3));
        Assert.That(check.Faults, Is.Empty);
        Assert.That(check.Notes.Single(), Does.Contain("cannot be checked, its driver does not tell: primary (veth), secondary (veth); "));
    });

    [Test]
    public void One_queue_needs_no_check_and_a_missing_interface_is_reported_by_its_port() => space.Inside(() =>
    {
        QueueCheck check = QueueCheck.Of(Options("single", "eth77", "out", 0));
        Assert.That(check.Faults.Concat(check.Notes), Is.Empty);
    });

    private static ApplianceOptions Options(string primary, string secondary, string output, params int[] queues) => new()
    {
        PrimaryIn = new PortSpec(PortKind.Xdp, primary),
        SecondaryIn = new PortSpec(PortKind.Xdp, secondary),
        OutDevice = new PortSpec(PortKind.Xdp, output),
        XdpQueues = queues,
    };
}
