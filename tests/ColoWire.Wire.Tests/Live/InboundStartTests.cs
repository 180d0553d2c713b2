// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>What ColoWire says of interfaces that do not suit <c>inbound: mirror</c>, and of a bridge that forwards beside
/// it.</summary>
[Category("Wire")]
internal sealed class InboundStartTests
{
    private static readonly string[] Mirror =
        ["run", "--primary-in", "pcap:primary0", "--secondary-in", "pcap:secondary0", "--outdev", "pcap:out0", "--inbound",
            "mirror"];

    private BridgeHost host = null!;

    [SetUp]
    public void SetUp() => host = new BridgeHost();

    [TearDown]
    public void TearDown() => host?.Dispose();

    [Test]
    public void Addresses_and_a_bridge_are_refused_with_the_command_that_mends_each()
    {
        host.Host.Inside("ip addr add 10.9.0.50/24 dev out0");
        host.Host.Inside("ip link add br7 type bridge");
        host.Host.Inside("ip link set secondary0 master br7");
        using ColoWireProcess program = new(host, Mirror);
        Assert.That(program.WaitForExit(), Is.EqualTo(2));
        Assert.That(program.Log, Is.EqualTo(new[]
        {
            "colowire: secondary_in: interface 'secondary0' belongs to br7: frames would bypass the comparison; inbound mirror "
                + "refuses that; mend it with: ip link set secondary0 nomaster",
            "colowire: outdev: interface 'out0' has 10.9.0.50/24: as a port it needs no address, the host would answer on it; "
                + "inbound mirror refuses that; mend it with: ip addr flush dev out0",
        }));

        // Both commands are enough, and without mirror neither was needed.
        host.Host.Inside("ip link set secondary0 nomaster");
        host.Host.Inside("ip addr flush dev out0");
        using ColoWireProcess mended = new(host, Mirror);
        mended.AwaitReady();
    }

    [Test]
    public void MTUs_that_differ_are_one_warning_at_the_start()
    {
        host.Host.Inside("ip link set out0 mtu 9000");
        using ColoWireProcess program = new(host, Mirror);
        program.AwaitReady();
        string[] lines = [.. program.Log.Where(line => line.Contains("warning:", StringComparison.Ordinal))];
        Assert.That(lines, Has.Length.EqualTo(1), string.Join('\n', program.Log));
        Assert.That(lines[0], Does.Contain(
            "warning: the MTUs of the three interfaces differ (primary_in primary0 1500, secondary_in "
            + "secondary0 1500, outdev out0 "
            + "9000): these do not fit and are lost: packets of clients longer than 1500 bytes (from out0 to primary0); "
            + "mend it with: "));
    }

    [Test]
    public void The_guests_own_frames_from_the_outside_are_one_line_of_the_log_however_many_there_are()
    {
        using BridgeRun run = new(host, "run", "--inbound", "mirror");
        byte[] frame = Datagrams.OfPrimary(0, 0);
        run.SendPrimary(frame);
        run.SendSecondary(Datagrams.OfSecondary(0, 0));
        run.AssertLeaves([frame]);
        using FarEnd outside = host.Outside.Open(BridgeHost.Wire(0));
        for (int i = 1; i <= 3; i++)
        {
            outside.Send(frame);
            outside.Send(frame);
            run.Program.AwaitCounters(counters => counters["inbound", "drops", "loop"] == 2 * i, "the loop is counted");
        }

        run.Program.Stop();
        List<string> lines = [.. run.Program.Log.Where(line => line.Contains("came back", StringComparison.Ordinal))];
        Assert.That(lines, Has.Count.EqualTo(1), string.Join('\n', run.Program.Log));
        Assert.That(lines[0], Does.Match(@"warning: pcap:out0: [0-9]+ frames of the guest itself came back from the outside"));
    }
}
