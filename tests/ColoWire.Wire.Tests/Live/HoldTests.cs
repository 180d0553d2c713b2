// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>When frames of the primary leave, and that none of them is lost, while the secondary is silent.</summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[Category("Wire")]
internal sealed class HoldTests(LivePorts ports)
{
    private const int Frames = 60;
    private const int Flows = 3;

    private BridgeHost host = null!;
    private byte[][] sent = null!;

    [OneTimeSetUp]
    public void OneTimeSetUp()
    {
        host = new BridgeHost(ports);
        sent = Datagrams.ManyOfPrimary(Frames, Flows);
    }

    [OneTimeTearDown]
    public void OneTimeTearDown() => host?.Dispose();

    [Test]
    public void Observe_lets_frames_out_at_once_and_tells_of_the_silence_later()
    {
        const int timeoutMs = 2000;
        using BridgeRun run = new(host, "observe", "--compare-timeout", $"{timeoutMs}", "--expired-scan-cycle", "100");
        DateTime start = DateTime.UtcNow;
        Array.ForEach(sent, run.SendPrimary);

        Assert.That(run.AssertLeaves(sent)[^1], Is.LessThan(start.AddMilliseconds(timeoutMs)));

        Counters told = run.Program.AwaitCounters(counters => counters.Divergences >= Flows, "the timeouts are told");
        Assert.That(told["elapsed_ns"] / 1_000_000, Is.GreaterThan(timeoutMs));
        Counters last = run.Program.Stop();
        Assert.That((last.Divergences, last["divergence_reasons", "timeout"]), Is.EqualTo((Flows, Flows)));
        Assert.That(last["output", "frames"], Is.EqualTo(Frames));
    }

    [Test]
    public void Run_holds_frames_until_the_timeout_and_loses_none()
    {
        const int timeoutMs = 500;
        using BridgeRun run = new(host, "run", "--compare-timeout", $"{timeoutMs}", "--expired-scan-cycle", "50");
        DateTime start = DateTime.UtcNow;
        Array.ForEach(sent, run.SendPrimary);

        Assert.That(run.AssertLeaves(sent)[0], Is.AtLeast(start.AddMilliseconds(timeoutMs)));

        Counters last = run.Program.Stop();
        Assert.That((last.Verified, last.Passed, last.Unverified, last.Held), Is.EqualTo((0, 0, Frames, 0)));
        Assert.That((last.Divergences, last["divergence_reasons", "timeout"]), Is.EqualTo((Flows, Flows)));
    }

    [Test]
    public void Scenario_86_what_is_held_leaves_in_order_when_the_program_is_told_to_stop()
    {
        using BridgeRun run = new(host, "run", "--compare-timeout", "60000");
        Array.ForEach(sent, run.SendPrimary);
        run.Program.AwaitCounters(counters => counters.Held == Frames, "all frames are held");
        Assert.That(run.ReceiveNow(), Is.Empty);

        Counters last = run.Program.Stop();
        run.AssertLeaves(sent);
        Assert.That((last.Unverified, last["unverified", "stop"], last.Held), Is.EqualTo((Frames, Frames, 0)));
        Assert.That(last.Divergences, Is.Zero);
    }

    [Test]
    public void What_the_secondary_says_frees_what_waits_for_it_and_nothing_else()
    {
        using BridgeRun run = new(host, "run", "--compare-timeout", "60000");
        Array.ForEach(sent, run.SendPrimary);
        byte[][] firstHalf = sent[..(Frames / 2)];
        Array.ForEach(Datagrams.ManyOfSecondary(Frames / 2, Flows), run.SendSecondary);

        run.AssertLeaves(firstHalf);
        run.Program.AwaitCounters(
            counters => (counters.Verified, counters.Held) == (Frames / 2, Frames / 2), "the others are held");
        Assert.That(run.ReceiveNow(), Is.Empty);
        Counters last = run.Program.Stop();
        Assert.That((last.Verified, last.Unverified), Is.EqualTo((Frames / 2, Frames / 2)));
        run.AssertLeaves(sent[(Frames / 2)..]);
    }
}
