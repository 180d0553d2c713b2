// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using ColoWire.Wire.Tests.Ports;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>An interface of a running program is removed, renamed or moved, and comes back: whichever port it is of.</summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[TestFixture(LivePorts.XdpGeneric)]
[Category("Wire")]
internal sealed class ReturnTests(LivePorts ports)
{
    private const int Frames = 20;
    private const int Flows = 2;
    private const string OtherName = "other0";
    private const string NamedAgain = "the interface has its name again";

    /// <summary>Only the secondary's word lets a frame go: the timeout is far.</summary>
    private static readonly string[] Patient = ["--compare-timeout", "60000"];

    private static readonly string[] Interfaces = [BridgeHost.PrimaryPort(0), BridgeHost.SecondaryPort(0), BridgeHost.OutPort(0)];

    private BridgeHost host = null!;

    [SetUp]
    public void SetUp()
    {
        host = new BridgeHost(ports);
        host.Outside.Inside($"ethtool -K {BridgeHost.Wire(0)} gro on");
    }

    [TearDown]
    public void TearDown() => host?.Dispose();

    [Test]
    public void Each_that_is_removed_and_made_again_is_taken_back()
    {
        using BridgeRun run = new(host, "run", Patient);
        run.AssertLeaves(Send(run, 0));
        foreach ((int before, string port) in Interfaces.Index())
        {
            RemoveAndLayAgain(run, port);
            AssertWhole(run, before + 1, port);
        }

        AssertAllLeft(run);
    }

    [Test]
    public void Each_that_moves_to_another_namespace_is_gone_and_taken_back_when_it_returns()
    {
        using BridgeRun run = new(host, "run", Patient);
        run.AssertLeaves(Send(run, 0));
        foreach ((int before, string port) in Interfaces.Index())
        {
            int known = Lines(run, Back(port));
            host.Host.Inside($"ip link set {port} netns {host.Outside.Name} name {OtherName}");
            AwaitLines(run, Gone(port), 1);
            host.Outside.Inside($"ip link set {OtherName} netns {host.Host.Name} name {port}");
            host.Host.Inside($"ip link set {port} arp off up");
            AwaitLines(run, Back(port), known + 1);
            AssertWhole(run, before + 1, port);
        }

        AssertAllLeft(run);
    }

    [Test]
    public void Each_that_is_renamed_goes_on_under_its_new_name_and_its_old_one()
    {
        using BridgeRun run = new(host, "run", Patient);
        run.AssertLeaves(Send(run, 0));
        foreach ((int before, string port) in Interfaces.Index())
        {
            host.Host.Inside($"ip link set {port} name {OtherName}");
            run.Program.AwaitLog($"{ports.Prefix()}{port}: the interface is called {OtherName} now");
            run.AssertLeaves(Send(run, before + 1));
            int named = Lines(run, NamedAgain);
            host.Host.Inside($"ip link set {OtherName} name {port}");
            AwaitLines(run, NamedAgain, named + 1);
        }

        Counters last = AssertAllLeft(run);
        Assert.That(last["output", "link_down"], Is.Zero);
        Assert.That(run.Program.Log, Has.None.Contains("the interface is gone").And.None.Contains("degraded"));
    }

    [Test]
    public void What_finds_no_out_interface_is_counted_and_the_slots_come_home()
    {
        using BridgeRun run = new(host, "run", Patient);
        run.AssertLeaves(Send(run, 0));
        host.RemoveCable(BridgeHost.OutPort(0));
        AwaitLines(run, Gone(BridgeHost.OutPort(0)), 1);
        Send(run, 1);
        run.Program.AwaitCounters(counters => counters["output", "link_down"] == Frames, "the lost frames are counted");
        host.LayCableAgain(0, BridgeHost.OutPort(0));
        AwaitLines(run, Back(BridgeHost.OutPort(0)), 1);
        AssertWhole(run, 2, BridgeHost.OutPort(0));

        Counters last = run.Program.Stop();
        Assert.That((last["output", "frames"], last["output", "link_down"], last["output", "failed"]), Is.EqualTo((2 * Frames, Frames, 0)));
    }

    /// <summary>After a death the primary's frames leave by the interface that is there then.</summary>
    [Test]
    public void The_wire_stays_through_the_interfaces_that_came_back()
    {
        using BridgeRun run = new(host, "run", Patient);
        Array.ForEach(Interfaces, port => RemoveAndLayAgain(run, port));
        host.Outside.Inside($"ethtool -K {BridgeHost.Wire(0)} gro on");
        AssertWhole(run, 0, Interfaces);
        run.Program.Stop();
        byte[][] past = Datagrams.ManyOfPrimary(Frames, Flows, Frames);
        Array.ForEach(past, run.SendPrimary);
        run.AssertLeaves(past);
    }

    private void RemoveAndLayAgain(BridgeRun run, string port)
    {
        int known = Lines(run, Back(port));
        host.RemoveCable(port);
        AwaitLines(run, Gone(port), 1);
        host.LayCableAgain(0, port);
        AwaitLines(run, Back(port), known + 1);
    }

    /// <summary>What was sent before the first interface went, and after each was back.</summary>
    private static Counters AssertAllLeft(BridgeRun run)
    {
        int sent = (Interfaces.Length + 1) * Frames;
        Counters last = run.Program.Stop();
        Assert.That((last.Verified, last["output", "frames"], last.KernelDrops), Is.EqualTo((sent, sent, 0)));
        return last;
    }

    private string Gone(string port) => $"{ports.Prefix()}{port}: the interface is gone";

    private string Back(string port) => $"{ports.Prefix()}{port}: the link is up";

    private static int Lines(BridgeRun run, string text) => run.Program.Log.Count(line => line.Contains(text, StringComparison.Ordinal));

    private static void AwaitLines(BridgeRun run, string text, int count) =>
        run.Program.AwaitCounters(_ => Lines(run, text) >= count, $"{count} lines: {text}");

    /// <summary>Nothing leaves that the secondary has not said, and all that it has.</summary>
    private void AssertWhole(BridgeRun run, int round, params string[] returned)
    {
        host.Host.Inside(() => WireNamespace.WaitUntil(
            () => Array.TrueForAll(returned, port => InterfaceFacts.Read(port)!.IsRunning), "the kernel tells of the link"));
        Array.ForEach(returned, AwaitProgram);
        // What was counted before now may be of before, and an absence has settled when another second is over.
        int told = run.Program.Output.Count;
        run.Program.AwaitCounters(
            counters => run.Program.Output.Count > told + 1 && counters.Json.GetProperty("protection").GetString() == "in_step", "it protects");
        run.Reopen();
        byte[][] held = Datagrams.ManyOfPrimary(Frames, Flows, round * Frames);
        Array.ForEach(held, run.SendPrimary);
        Assert.That(run.ReceiveNow(), Is.Empty, "what the secondary has not said");
        Array.ForEach(Datagrams.ManyOfSecondary(Frames, Flows, round * Frames), run.SendSecondary);
        run.AssertLeaves(held);
    }

    private void AwaitProgram(string port)
    {
        if (port == BridgeHost.OutPort(0) || (ports == LivePorts.Pcap && port == BridgeHost.SecondaryPort(0)))
            return;
        host.Host.Inside(() => WireNamespace.WaitUntil(
            () => RouteNetlink.Attached(InterfaceIndex.Of(port)) is not null, "the program is on the interface"));
    }

    private static byte[][] Send(BridgeRun run, int round)
    {
        byte[][] sent = Datagrams.ManyOfPrimary(Frames, Flows, round * Frames);
        Array.ForEach(sent, run.SendPrimary);
        Array.ForEach(Datagrams.ManyOfSecondary(Frames, Flows, round * Frames), run.SendSecondary);
        return sent;
    }
}
