// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Ports.Linux;
using ColoWire.Wire.Tests.Ports;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>A link goes down and comes up again under a running program: the out link, or the secondary's.</summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[Category("Wire")]
internal sealed class LinkTests(LivePorts ports)
{
    private const int Frames = 20;
    private const int Flows = 2;

    private BridgeHost host = null!;

    [SetUp]
    public void SetUp() => host = new BridgeHost(ports);

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
        AwaitLink(BridgeHost.OutPort(0), false);
        run.Program.AwaitLog("the link is down");
        Send(run, 1);
        run.Program.AwaitCounters(counters => counters["output", "link_down"] == Frames, "the lost frames are counted");
        run.Program.AwaitLog("frames lost: they found the link down");

        space.Inside($"ip link set {device} up");
        AwaitLink(BridgeHost.OutPort(0), true);
        run.Program.AwaitLog("the link is up");
        run.AssertLeaves(Send(run, 2));
        Counters last = run.Program.Stop();
        Assert.That((last["output", "frames"], last["output", "link_down"]), Is.EqualTo((2 * Frames, Frames)));
        Assert.That((last.Verified, last.Unverified, last.Divergences), Is.EqualTo((3 * Frames, 0, 0)));
    }

    [TestCase(false, Description = "the interface of the bridge host itself is switched off")]
    [TestCase(true, Description = "the cable has no carrier any more")]
    public void Scenario_85_without_the_secondary_frames_leave_unverified_until_its_link_is_back(bool farEnd)
    {
        NetworkNamespace space = farEnd ? host.SecondaryGuest : host.Host;
        string device = farEnd ? BridgeHost.Wire(0) : BridgeHost.SecondaryPort(0);
        // Only the loss of the link can let frames go that the secondary has not sent: the timeout is far.
        using BridgeRun run = new(host, "run", "--compare-timeout", "60000");
        run.AssertLeaves(Send(run, 0));
        Assert.That(AwaitProtection(run, "in_step")["checkpoints"], Is.Zero);
        byte[][] held = SendPrimary(run, 1);
        run.Program.AwaitCounters(counters => counters.Held == Frames, "they wait for the secondary");

        space.Inside($"ip link set {device} down");
        run.Program.AwaitLog("degraded: the secondary is out of step, the primary's frames leave unverified");
        run.AssertLeaves(held);
        run.AssertLeaves(SendPrimary(run, 2));
        Counters lost = run.Program.AwaitCounters(
            counters => counters["unverified", "secondary_lost"] == 2 * Frames, "they are counted");
        Assert.That(Protection(lost), Is.EqualTo("degraded_no_secondary"));
        Assert.That((lost["checkpoints"], lost["divergences_total"]), Is.EqualTo((1, 0)));
        Assert.That(run.Program.Log, Has.One.Contain("secondary_link"));

        space.Inside($"ip link set {device} up");
        AwaitLink(BridgeHost.SecondaryPort(0), true);
        run.Program.AwaitLog("protected again: both are in step");
        AwaitProtection(run, "in_step");
        run.ReopenSecondary();
        held = SendPrimary(run, 3);
        run.Program.AwaitCounters(counters => counters.Held == Frames, "they wait for the secondary again");
        Assert.That(run.ReceiveNow(), Is.Empty);
        SendSecondary(run, 3);
        run.AssertLeaves(held);
        Counters last = run.Program.Stop();
        Assert.That((last.Verified, last.Unverified, last["unverified", "secondary_lost"]),
            Is.EqualTo((2 * Frames, 2 * Frames, 2 * Frames)));
        Assert.That((last["checkpoints"], last.Divergences), Is.EqualTo((1, 0)));
    }

    [Test]
    public void Frames_that_the_MTU_of_the_out_link_forbids_are_counted_and_the_others_leave()
    {
        const int shortMtu = 68;
        using BridgeRun run = new(host, "run");
        byte[][] fitting = Send(run, 0);
        run.AssertLeaves(fitting);
        int longest = fitting.Max(frame => frame.Length);

        host.Host.Inside($"ip link set {BridgeHost.OutPort(0)} mtu {shortMtu}");
        byte[][] padded = [.. fitting.Select(frame => frame.Concat(new byte[shortMtu]).ToArray())];
        // A port reads its MTU at intervals: until then it sends long frames, which the kernel drops or not.
        int before = 0;
        run.Program.AwaitCounters(
            counters =>
            {
                if (counters["output", "too_long"] != 0)
                {
                    return true;
                }

                run.SendPrimary(padded[0]);
                run.SendSecondary(padded[0]);
                before++;
                return false;
            },
            "the port has read the MTU");
        Array.ForEach(padded, run.SendPrimary);
        Array.ForEach(padded, run.SendSecondary);
        int sent = Frames + before + Frames;
        run.Program.AwaitCounters(
            counters => counters["output", "frames"] + counters["output", "too_long"] == sent,
            "all frames are sent or counted as too long");
        _ = run.ReceiveNow();
        run.AssertLeaves(Send(run, 1));
        run.Program.AwaitLog("frames lost: they are longer than the interface's MTU allows");
        Assert.That(longest, Is.LessThanOrEqualTo(shortMtu + 18));
        Counters last = run.Program.Stop();
        Assert.That(last["output", "too_long"], Is.InRange(Frames + 1, Frames + before));
        Assert.That((last["output", "frames"] + last["output", "too_long"], last.Divergences), Is.EqualTo((sent + Frames, 0)));
    }

    [Test]
    public void A_new_process_right_after_a_kill_gets_the_ports()
    {
        using (BridgeRun killed = new(host, "run"))
        {
            killed.AssertLeaves(Send(killed, 0));
            killed.Program.Kill();
        }

        using BridgeRun run = new(host, "run");
        run.AssertLeaves(Send(run, 1));
        Assert.That(run.Program.Stop().Verified, Is.EqualTo(Frames));
    }

    [Test]
    public void An_out_interface_that_is_removed_is_told_of_once_and_the_program_lives_and_says_so_with_its_exit_code()
    {
        using BridgeRun run = new(host, "run");
        run.AssertLeaves(Send(run, 0));
        host.Host.Inside($"ip link del {BridgeHost.OutPort(0)}");
        run.Program.AwaitLog("the interface is gone");
        Send(run, 1);
        run.Program.AwaitCounters(counters => counters["output", "link_down"] == Frames, "the lost frames are counted");
        Counters last = run.Program.Stop(exitCode: 1);
        Assert.That(last.Verified, Is.EqualTo(2 * Frames));
        Assert.That(run.Program.Log.Where(line => line.Contains("the interface is gone", StringComparison.Ordinal)),
            Has.Exactly(1).Items);
    }

    /// <summary>The ring has room all the time: it is the slot that is too short.</summary>
    [Test]
    public void A_frame_that_no_slot_holds_after_the_MTU_was_raised_is_counted_as_too_long()
    {
        if (ports == LivePorts.Pcap)
            Assert.Ignore("its frames are as long as snaplen allows");
        const int raisedMtu = 3000;
        using BridgeRun run = new(host, "run");
        run.AssertLeaves(Send(run, 0));
        host.Host.Inside($"ip link set {BridgeHost.PrimaryPort(0)} mtu {raisedMtu}");
        host.PrimaryGuest.Inside($"ip link set {BridgeHost.Wire(0)} mtu {raisedMtu}");
        run.SendPrimary([.. Datagrams.ManyOfPrimary(1, 1, 0)[0], .. new byte[raisedMtu - 100]]);
        Counters counted = run.Program.AwaitCounters(counters => counters["primary", "oversize"] == 1, "it is counted");
        run.Program.AwaitLog("1 frames lost: they are longer than the 1792 bytes of a slot: the MTU was raised");
        Assert.That(counted["primary", "kernel_dropped"], Is.Zero);
        run.AssertLeaves(Send(run, 1));
        run.Program.Stop();
    }

    [TestCase("lan-a")]
    [TestCase("an-alternative-name-that-is-longer-than-fifteen-characters")]
    public void An_interface_can_be_named_by_an_alternative_name(string name)
    {
        host.Host.Inside($"ip link property add dev {BridgeHost.OutPort(0)} altname {name}");
        using (ColoWireProcess program = new(host, ["run", .. Words(BridgeHost.OutPort(0), name), "--json", "--failwire-timeout-ms", "10000"]))
        {
            program.AwaitReady();
            program.AwaitLog($"outdev: '{name}' is another name of interface '{BridgeHost.OutPort(0)}'");
            using FarEnd outside = host.Outside.Open(BridgeHost.Wire(0));
            using FarEnd primary = host.PrimaryGuest.Open(BridgeHost.Wire(0));
            using FarEnd secondary = host.SecondaryGuest.Open(BridgeHost.Wire(0));
            Array.ForEach(Datagrams.ManyOfPrimary(Frames, 1, 0), primary.Send);
            Array.ForEach(Datagrams.ManyOfSecondary(Frames, 1, 0), secondary.Send);
            Assert.That(outside.Receive(Frames, ColoWireProcess.Patience), Has.Count.EqualTo(Frames));
            Assert.That(program.Stop().Verified, Is.EqualTo(Frames));
        }

        using ColoWireProcess same = new(host, ["run", .. Words(BridgeHost.PrimaryPort(0), name)]);
        Assert.That(same.WaitForExit(), Is.EqualTo(2));
        Assert.That(same.Log, Has.Some.EqualTo(
            $"colowire: outdev: '{ports.Prefix()}{BridgeHost.OutPort(0)}' is primary_in already: three "
            + "different ports are needed"));
    }

    private static byte[][] Send(BridgeRun run, int round)
    {
        byte[][] sent = SendPrimary(run, round);
        SendSecondary(run, round);
        return sent;
    }

    /// <summary>The ports with another name for one of the interfaces.</summary>
    private string[] Words(string port, string name) =>
        [.. ports.Words(0).Select(word => word == ports.Prefix() + port ? ports.Prefix() + name : word)];

    private static byte[][] SendPrimary(BridgeRun run, int round)
    {
        byte[][] sent = Datagrams.ManyOfPrimary(Frames, Flows, round * Frames);
        Array.ForEach(sent, run.SendPrimary);
        return sent;
    }

    private static void SendSecondary(BridgeRun run, int round) =>
        Array.ForEach(Datagrams.ManyOfSecondary(Frames, Flows, round * Frames), run.SendSecondary);

    private static Counters AwaitProtection(BridgeRun run, string expected) =>
        run.Program.AwaitCounters(counters => Protection(counters) == expected, $"protection: {expected}");

    private static string? Protection(Counters counters) => counters.Json.GetProperty("protection").GetString();

    /// <summary>The kernel tells of a carrier up to a second late, and drops in silence until then.</summary>
    private void AwaitLink(string port, bool isRunning) => host.Host.Inside(() => WireNamespace.WaitUntil(
        () => InterfaceFacts.Read(port)!.IsRunning == isRunning, "the kernel tells of the link"));
}
