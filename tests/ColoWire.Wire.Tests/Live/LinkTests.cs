// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports.Linux;
using ColoWire.Wire.Tests.Ports;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>The out link goes down and comes up again under a running program.</summary>
[TestFixture]
[Category("Wire")]
internal sealed class LinkTests
{
    private const int Frames = 20;
    private const int Flows = 2;

    private BridgeHost host = null!;

    [SetUp]
    public void SetUp() => host = new BridgeHost();

    [TearDown]
    public void TearDown() => host?.Dispose();

    [TestCase(false, Description = "the interface of the bridge host itself is switched off")]
    [TestCase(true, Description = "the cable has no carrier any more")]
    public void Frames_are_lost_and_counted_while_it_is_down_and_leave_again_when_it_is_up(bool farEnd)
    {
        NetworkNamespace space = farEnd ? host.Outside : host.Host;
        string device = farEnd ? BridgeHost.Wire(0) : BridgeHost.OutPort(0);
        using BridgeRun run = new(host, "run");
        run.AssertLeaves(Send(run, 0));

        space.Inside($"ip link set {device} down");
        AwaitLink(false);
        run.Program.AwaitLog("the link is down");
        Send(run, 1);
        run.Program.AwaitCounters(counters => counters["output", "link_down"] == Frames, "the lost frames are counted");
        run.Program.AwaitLog("frames lost: they found the link down");

        space.Inside($"ip link set {device} up");
        AwaitLink(true);
        run.Program.AwaitLog("the link is up");
        run.AssertLeaves(Send(run, 2));
        Counters last = run.Program.Stop();
        Assert.That((last["output", "frames"], last["output", "link_down"]), Is.EqualTo((2 * Frames, Frames)));
        Assert.That((last.Verified, last.Unverified, last.Divergences), Is.EqualTo((3 * Frames, 0, 0)));
    }

    private static byte[][] Send(BridgeRun run, int round)
    {
        byte[][] sent = Datagrams.ManyOfPrimary(Frames, Flows, round * Frames);
        Array.ForEach(sent, run.SendPrimary);
        Array.ForEach(Datagrams.ManyOfSecondary(Frames, Flows, round * Frames), run.SendSecondary);
        return sent;
    }

    /// <summary>The kernel tells of a carrier up to a second late, and drops in silence until then.</summary>
    private void AwaitLink(bool isRunning) => host.Host.Inside(() => WireNamespace.WaitUntil(
        () => InterfaceFacts.Read(BridgeHost.OutPort(0))!.IsRunning == isRunning, "the kernel tells of the link"));
}
