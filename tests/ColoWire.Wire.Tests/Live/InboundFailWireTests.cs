// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>What becomes of clients' steady traffic when the program stops, dies, hangs or comes back.</summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[Category("Wire")]
internal sealed class InboundFailWireTests(LivePorts ports)
{
    private const int FramesPerSecond = 3000;
    private const int TimeoutMs = 200;

    /// <summary>Ten times the timeout, because nothing is timed here: without a program on the out interface all are
    /// lost.</summary>
    private const int MostLost = FramesPerSecond * 2;

    private BridgeHost host = null!;

    [SetUp]
    public void SetUp()
    {
        host = new BridgeHost(ports);
        // Without GRO at the far end a veth receives no frame that XDP redirects in native mode.
        host.PrimaryGuest.Inside($"ethtool -K {BridgeHost.Wire(0)} gro on");
        host.Outside.Inside($"ethtool -K {BridgeHost.Wire(0)} gro on");
    }

    [TearDown]
    public void TearDown() => host?.Dispose();

    [Test]
    public void A_stop_and_a_restart_lose_no_client_frame_and_repeat_none()
    {
        using ColoWireProcess first = Start("--failwire-timeout-ms", "10000");
        using ClientTraffic traffic = new(host, FramesPerSecond);
        traffic.AwaitFlow(traffic.Primary);
        traffic.AwaitFlow(traffic.Secondary);
        Counters stopped = first.Stop();
        traffic.AwaitFlow(traffic.Primary);
        int passed = traffic.Sent;
        traffic.AwaitSent(FramesPerSecond / 10);
        Assert.That(traffic.Secondary.Newest, Is.LessThan(passed), "the secondary receives nothing while ColoWire is away");

        using ColoWireProcess second = Start("--failwire-timeout-ms", "10000");
        traffic.AwaitFlow(traffic.Secondary);
        second.AwaitLog("a new epoch begins");
        traffic.AwaitFlow(traffic.Primary);

        Assert.That(traffic.Finish(), Is.Zero, "lost");
        Counters last = second.Stop();
        Assert.That(stopped["fail_wire", "absences"], Is.Zero);
        Assert.That(last["fail_wire", "absences"], Is.EqualTo(1));
        Assert.That(last["fail_wire", "to_primary"], Is.Positive);
        Assert.That(Gaps(traffic.Secondary), Is.EqualTo(1), "the secondary misses what came while ColoWire was away, no more");
    }

    [Test]
    public void A_kill_loses_no_more_client_frames_than_the_timeout_and_a_restart_mirrors_again()
    {
        using ColoWireProcess first = Start("--failwire-timeout-ms", $"{TimeoutMs}");
        using ClientTraffic traffic = new(host, FramesPerSecond);
        traffic.AwaitFlow(traffic.Secondary);
        first.Kill();
        traffic.AwaitSent(FramesPerSecond / 1000 * TimeoutMs * 2);
        traffic.AwaitFlow(traffic.Primary);

        using ColoWireProcess second = Start("--failwire-timeout-ms", $"{TimeoutMs}");
        second.AwaitLog("frames of clients to the primary alone");
        traffic.AwaitFlow(traffic.Secondary);
        Assert.That(traffic.Finish(), Is.LessThan(MostLost), "lost");
        Assert.That(second.Stop()["fail_wire", "to_primary"], Is.Positive);
    }

    [Test]
    public void A_program_that_hangs_is_passed_by_and_mirrors_again_when_it_goes_on()
    {
        using ColoWireProcess program = Start("--failwire-timeout-ms", $"{TimeoutMs}");
        using ClientTraffic traffic = new(host, FramesPerSecond);
        traffic.AwaitFlow(traffic.Secondary);
        program.Send(ColoWireProcess.PauseSignal);
        traffic.AwaitSent(FramesPerSecond / 1000 * TimeoutMs * 2);
        traffic.AwaitFlow(traffic.Primary);
        program.Send(ColoWireProcess.ContinueSignal);
        program.AwaitLog("frames of clients to the primary alone");
        traffic.AwaitFlow(traffic.Secondary);
        Assert.That(traffic.Finish(inOrder: false), Is.LessThan(MostLost), "lost");
        Assert.That(program.Stop()["fail_wire", "to_primary"], Is.Positive);
    }

    [Test]
    public void Without_inbound_a_start_takes_the_program_of_an_earlier_one_off_the_out_interface()
    {
        using ColoWireProcess first = Start();
        first.Stop();
        using ColoWireProcess second = StartWith([]);
        using ClientTraffic traffic = new(host, FramesPerSecond);
        traffic.AwaitSent(FramesPerSecond / 4);
        Assert.That(traffic.Finish(), Is.EqualTo(traffic.Sent), "no client frame reaches the primary through ColoWire");
        second.Stop();
    }

    /// <summary>The number of gaps in what a replica has received.</summary>
    private static int Gaps(ClientTraffic.Replica replica)
    {
        int[] numbers = [.. replica.Numbers.Order()];
        return numbers.Zip(numbers.Skip(1)).Count(pair => pair.Second != pair.First + 1);
    }

    private ColoWireProcess Start(params string[] options) => StartWith(["--inbound", "mirror", .. options]);

    private ColoWireProcess StartWith(string[] options)
    {
        ColoWireProcess program = new(host, ["run", .. ports.Words(0), "--json", .. options]);
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
}
