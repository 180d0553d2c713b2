// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading.Tasks;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>Two programs in one bridge host, on six interfaces and the same core.</summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[Category("Wire")]
internal sealed class InstancesTests(LivePorts ports)
{
    [Test]
    public void Two_of_them_do_not_disturb_each_other()
    {
        string primary = BridgeHost.Fixture("mixed.pcap");
        string otherPrimary = BridgeHost.Fixture("http4.pcap");
        using BridgeHost host = new(ports, lanes: 2);
        using BridgeRun differing = new(host, 0, "run", "--compare-timeout", "15000");
        using BridgeRun equal = new(host, 1, "run", "--compare-timeout", "15000");

        Task replay = Task.Run(() => differing.Replay(primary, BridgeHost.Fixture("mixed.flipped.pcap")));
        equal.Replay(otherPrimary, BridgeHost.Fixture("http4.secondary.pcap"));
        equal.AssertLeaves(Captures.Read(otherPrimary));
        Counters ofEqual = equal.Program.Stop();
        replay.GetAwaiter().GetResult();
        differing.AssertLeaves(Captures.Read(primary));
        Counters ofDiffering = differing.Program.Stop();

        Assert.That((ofEqual.Divergences, ofEqual.Unverified, ofEqual.KernelDrops), Is.EqualTo((0, 0, 0)));
        Assert.That((ofDiffering.Divergences, ofDiffering.KernelDrops), Is.EqualTo((1, 0)));
    }
}
