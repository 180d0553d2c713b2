// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>One queue of each port on each of two cores, on cables with two queues.</summary>
[TestFixture]
[Category("Wire")]
internal sealed class PipelineTests
{
    private const int FramesPerSecond = 4000;
    private const int Flows = 64;
    private const int Queues = 2;

    private BridgeHost host = null!;

    [OneTimeSetUp]
    public void OneTimeSetUp()
    {
        if (Environment.ProcessorCount < Queues)
        {
            Assert.Ignore("needs two processors");
        }

        host = new BridgeHost(LivePorts.XdpNative, queues: Queues);
    }

    [OneTimeTearDown]
    public void OneTimeTearDown() => host?.Dispose();

    [TearDown]
    public void TearDown() => host.RemovePrograms(0);

    [Test]
    public void Flows_of_both_queues_are_verified_and_a_stop_drains_both()
    {
        using ColoWireProcess program = Start();
        using SteadyTraffic traffic = new(host, FramesPerSecond, Flows);
        traffic.AwaitSent(FramesPerSecond);
        Assert.That(traffic.Finish(), Is.Zero, "lost");

        Counters last = program.Stop();
        Assert.That((last["primary", "frames"], last["secondary", "frames"], last["output", "frames"]), Is.EqualTo((traffic.Sent, traffic.Sent, traffic.Sent)));
        Assert.That((last.Verified, last.Unverified, last.Divergences, last.Held, last["flows"]), Is.EqualTo((traffic.Sent, 0, 0, 0, Flows)));
        Assert.That(program.Log, Has.One.Contains("core 0: queue 0 from end to end").And.One.Contains("core 1: queue 1 from end to end"));
        Assert.That(FramesOf("rx", 0), Is.Positive, "queue 0 has flows");
        Assert.That(FramesOf("rx", 1), Is.Positive, "queue 1 has flows");
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public void A_difference_in_one_flow_is_told_and_the_others_are_verified(int different)
    {
        using ColoWireProcess program = Start("--grace-ms", "100");
        using SteadyTraffic traffic = new(host, FramesPerSecond, Flows, different);
        traffic.AwaitSent(FramesPerSecond / 4);
        program.AwaitLog("divergence: ");
        Assert.That(traffic.Finish(), Is.Zero, "lost");

        Counters last = program.Stop();
        int ofFlow = Enumerable.Range(0, traffic.Sent).Count(number => number % Flows == different);
        Assert.That((last.Divergences, last.Unverified, last.Verified), Is.EqualTo((1, ofFlow, traffic.Sent - ofFlow)));
        Assert.That(
            program.Log.Single(line => line.Contains("divergence: ", StringComparison.Ordinal)),
            Does.Contain($"payload: udp 10.77.0.2:{40_000 + different} > "));
    }

    [Test]
    public void A_queue_that_nobody_serves_is_refused()
    {
        using ColoWireProcess program = new(host, ["run", .. host.Ports.Words(0), "--cores", "1"]);
        Assert.That(program.WaitForExit(), Is.EqualTo(2));
        Assert.That(program.Log, Has.Count.EqualTo(2));
        Assert.That(program.Log[0], Does.StartWith("colowire: primary_in: interface 'primary0' receives on 2 queues, and 1 is to be served: "));
        Assert.That(program.Log[1], Does.StartWith("colowire: secondary_in: interface 'secondary0' receives on 2 queues, and 1 is to be served: "));
        Assert.That(program.Output, Is.Empty);
    }

    private ColoWireProcess Start(params string[] options)
    {
        string[] words = ["run", .. host.Ports.Words(0), "--json", "--cores", "0,1", "--compare-timeout", "15000", .. BridgeRun.NotBypassed, .. options];
        ColoWireProcess program = new(host, words);
        program.AwaitReady();
        return program;
    }

    /// <summary>What the driver has counted on one queue of the primary's interface.</summary>
    private long FramesOf(string direction, int queue)
    {
        string label = $"{direction}_queue_{queue}_xdp_packets:";
        string statistics = Shell.Run(host.Host.Words("ethtool", "-S", BridgeHost.PrimaryPort(0)));
        string line = statistics.Split('\n').Single(text => text.Trim().StartsWith(label, StringComparison.Ordinal));
        return long.Parse(line.Trim()[label.Length..], null);
    }
}
