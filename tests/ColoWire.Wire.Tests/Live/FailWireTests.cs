// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>What becomes of steady traffic when the program stops, dies, hangs or comes back.</summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[TestFixture(LivePorts.XdpGeneric)]
[Category("Wire")]
internal sealed class FailWireTests(LivePorts ports)
{
    private const int FramesPerSecond = 5000;
    private const int TimeoutMs = 200;

    /// <summary>Ten times the timeout, because nothing is timed here: without the program on the interface all are
    /// lost.</summary>
    private const int MostLost = FramesPerSecond * 2;

    /// <summary>A twin that comes late on a busy machine is no difference.</summary>
    private static readonly string[] Patient = ["--compare-timeout", "15000"];

    /// <summary>No timeout helps a stop to hand over, and none passes by a program that waits for its share of a busy
    /// machine.</summary>
    private static readonly string[] NotBypassed = ["--failwire-timeout-ms", "10000"];

    private BridgeHost host = null!;

    [SetUp]
    public void SetUp()
    {
        host = new BridgeHost(ports);
        // Without it a cable takes nothing that XDP sends in native mode.
        host.Outside.Inside($"ethtool -K {BridgeHost.Wire(0)} gro on");
    }

    [TearDown]
    public void TearDown() => host?.Dispose();

    [Test]
    public void A_stop_and_a_restart_lose_no_frame_and_repeat_none()
    {
        using ColoWireProcess first = Start(NotBypassed);
        using SteadyTraffic traffic = new(host, FramesPerSecond);
        traffic.AwaitFlow();
        Counters stopped = first.Stop();
        traffic.AwaitFlow();
        using ColoWireProcess second = Start(NotBypassed);
        traffic.AwaitFlow();
        second.AwaitLog("a new epoch begins");
        traffic.AwaitFlow();

        Assert.That(traffic.Finish(), Is.Zero, "lost");
        Counters last = second.Stop();
        Assert.That((stopped.Divergences, stopped.KernelDrops, stopped["fail_wire", "absences"]), Is.EqualTo((0, 0, 0)));
        Assert.That((last.KernelDrops, last["fail_wire", "absences"]), Is.EqualTo((0, 1)));
        Assert.That(new[] { stopped.Verified, last.Verified, last["fail_wire", "to_wire"] }, Has.All.Positive);
    }

    [Test]
    public void A_kill_loses_no_more_than_the_timeout_and_a_restart_says_for_how_long_it_was_away()
    {
        using ColoWireProcess first = Start("--failwire-timeout-ms", $"{TimeoutMs}");
        using SteadyTraffic traffic = new(host, FramesPerSecond);
        traffic.AwaitFlow();
        first.Kill();
        traffic.AwaitFlow();

        using ColoWireProcess second = Start("--failwire-timeout-ms", $"{TimeoutMs}");
        second.AwaitLog("ColoWire is back after ");
        Counters back = second.AwaitCounters(counters => counters.Verified > 0, "frames are compared again");
        Assert.That(traffic.Finish(), Is.LessThan(MostLost), "lost");
        Assert.That(back["fail_wire", "absences"], Is.EqualTo(1));
        Assert.That(back["fail_wire", "away_ns"] / 1_000_000, Is.GreaterThan(TimeoutMs));
        Assert.That(back["fail_wire", "to_wire"], Is.Positive);
        Assert.That(second.Stop().Held, Is.Zero);
    }

    [Test]
    public void A_program_that_hangs_is_passed_by_and_compares_again_when_it_goes_on()
    {
        using ColoWireProcess program = Start("--failwire-timeout-ms", $"{TimeoutMs}");
        using SteadyTraffic traffic = new(host, FramesPerSecond);
        traffic.AwaitFlow();
        program.Send(ColoWireProcess.PauseSignal);
        // What was on its way may still come out; what is sent after the timeout can only have gone past.
        traffic.AwaitSent(FramesPerSecond / 1000 * TimeoutMs * 2);
        traffic.AwaitFlow();
        program.Send(ColoWireProcess.ContinueSignal);
        program.AwaitLog("ColoWire is back after ");
        Counters back = program.AwaitCounters(counters => counters["fail_wire", "absences"] == 1, "it has noticed");
        program.AwaitCounters(counters => counters.Verified > back.Verified, "frames are compared again");

        Assert.That(traffic.Finish(), Is.LessThan(MostLost), "lost");
        Counters last = program.Stop();
        string line = program.Log.Single(text => text.Contains("ColoWire is back after ", StringComparison.Ordinal));
        Assert.That(
            line,
            Does.Contain("; a new epoch begins")
                .And.Contain($"meanwhile {last["fail_wire", "to_wire"]} frames of the primary went to the wire"));
        Assert.That(last["fail_wire", "absences"], Is.EqualTo(1));
        Assert.That(last["fail_wire", "away_ns"] / 1_000_000, Is.GreaterThan(TimeoutMs));
        Assert.That(last["fail_wire", "to_wire"], Is.Positive);
    }

    [Test]
    public void With_on_death_block_nothing_leaves_after_a_kill_and_a_restart_takes_over()
    {
        using ColoWireProcess first = Start("--on-death", "block");
        using SteadyTraffic traffic = new(host, FramesPerSecond);
        traffic.AwaitFlow();
        first.Kill();
        // What was on its way when it was killed has arrived by then.
        traffic.AwaitSent(FramesPerSecond / 4);
        int arrived = traffic.Arrived;
        traffic.AwaitSent(FramesPerSecond / 2);
        Assert.That(traffic.Arrived, Is.EqualTo(arrived));

        using ColoWireProcess second = Start("--on-death", "block");
        traffic.AwaitFlow();
        Assert.That(traffic.Finish(), Is.AtLeast(FramesPerSecond / 2), "lost");
        second.Stop();
        Assert.That(Attached(BridgeHost.PrimaryPort(0)), Is.Null);
        Assert.That(Attached(BridgeHost.SecondaryPort(0)), Is.Null);
    }

    [Test]
    public void What_on_death_wire_has_left_on_the_interfaces_sends_nothing_past_one_that_wants_block()
    {
        using ColoWireProcess first = Start();
        first.Stop();
        Assert.That(Attached(BridgeHost.PrimaryPort(0)), Is.Not.Null);
        using ColoWireProcess second = Start("--on-death", "block");
        using SteadyTraffic traffic = new(host, FramesPerSecond);
        traffic.AwaitFlow();
        Assert.That(traffic.Finish(), Is.Zero, "lost");
        Counters last = second.Stop();
        Assert.That(last.Verified, Is.EqualTo(traffic.Arrived), "all of them were compared");
    }

    [Test]
    public void A_program_of_somebody_else_is_told_of_in_one_line()
    {
        uint id = 0;
        string Problem() => $"interface 'primary0' has an XDP program that is not ColoWire's ('somebody', id {id}); "
            + "remove it with: ip link set dev primary0 xdpgeneric off";
        host.Host.Inside(() =>
        {
            // r0 = XDP_PASS; exit
            int foreign = Bpf.LoadProgram("somebody", [0x0000_0002_0000_00B7, 0x95]);
            id = Bpf.ProgramInfo(foreign).Id;
            int primary = InterfaceIndex.Of(BridgeHost.PrimaryPort(0));
            Assert.That(RouteNetlink.Attach(primary, XdpMode.Generic, foreign, RouteNetlink.NoProgram).Error, Is.Zero);
            _ = Libc.Close(foreign);
        });

        using ColoWireProcess program = new(host, ["run", .. ports.Words(0), "--json"]);

        if (ports == LivePorts.Pcap)
        {
            // It captures beside that program, which passes frames, but has no way past itself.
            program.AwaitLog($"on_death is block, because {Problem()}");
            program.AwaitReady();
            program.Stop();
            return;
        }

        Assert.That(program.WaitForExit(), Is.EqualTo(2));
        Assert.That(program.Log.Where(line => line.StartsWith("colowire: ", StringComparison.Ordinal)),
            Is.EqualTo(new[] { $"colowire: {Problem()}" }));
        Assert.That(program.Log, Has.None.Contains("Exception").And.None.Contains("ready: ").And.None.Contains("   at "));
        Assert.That(Attached(BridgeHost.PrimaryPort(0))?.Id, Is.EqualTo(id));
    }

    private ColoWireProcess Start(params string[] options)
    {
        ColoWireProcess program = new(host, ["run", .. ports.Words(0), "--json", .. Patient, .. options]);
        try
        {
            program.AwaitReady();
            return program;
        }
        catch
        {
            program.Dispose();
            throw;
        }
    }

    private AttachedProgram? Attached(string port)
    {
        AttachedProgram? attached = null;
        host.Host.Inside(() => attached = RouteNetlink.Attached(InterfaceIndex.Of(port)));
        return attached;
    }
}
