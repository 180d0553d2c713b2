// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using System.Threading.Tasks;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>Two programs in one bridge host, on six interfaces and the same core.</summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[Category("Wire")]
internal sealed class InstancesTests(LivePorts ports)
{
    private const int Frames = 3;

    [Test]
    public void Two_of_them_do_not_disturb_each_other()
    {
        string primary = BridgeHost.Fixture("mixed.pcap");
        string otherPrimary = BridgeHost.Fixture("http4.pcap");
        using BridgeHost host = new(ports, pipelines: 2);
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

    /// <summary>The second one's ports are <c>pcap:</c>, which any number of processes can open.</summary>
    [TestCase("run")]
    [TestCase("observe")]
    public void A_second_one_on_the_same_interfaces_is_refused_in_one_line_and_the_first_goes_on(string verb)
    {
        using BridgeHost host = new(ports);
        using BridgeRun first = new(host, "run");
        using (ColoWireProcess second = new(host, [verb, .. LivePorts.Pcap.Words(0)]))
        {
            Assert.That(second.WaitForExit(), Is.EqualTo(2), string.Join('\n', second.Log));
            Assert.That(second.Log.Single(line => line.StartsWith("colowire: ", StringComparison.Ordinal)), Does.Match(
                $"^colowire: interface 'primary0' is in use by another ColoWire \\(process {first.Program.Id}, 'dotnet'\\) "
                + "since .*; end that one first "
                + $"\\(kill {first.Program.Id}\\), name another interface, or take this one away from it with --take-over$"));
        }

        AssertCompared(first, 0);
        Counters last = first.Program.Stop();
        Assert.That((Protection(last), last["fail_wire", "absences"]), Is.EqualTo(("in_step", 0)));
    }

    /// <summary>The kernel gives a queue to one process only, so the option is neither obeyed nor recommended.</summary>
    [TestCase(false)]
    [TestCase(true)]
    public void Queues_of_AF_XDP_cannot_be_taken_from_one_that_runs(bool takesOver)
    {
        Assume.That(ports, Is.EqualTo(LivePorts.XdpNative));
        using BridgeHost host = new(ports);
        using BridgeRun first = new(host, "run");
        string[] option = takesOver ? ["--take-over"] : [];
        using (ColoWireProcess second = new(host, ["run", .. ports.Words(0), .. option]))
        {
            Assert.That(second.WaitForExit(), Is.EqualTo(2), string.Join('\n', second.Log));
            Assert.That(second.Log.Single(line => line.StartsWith("colowire: ", StringComparison.Ordinal)), Does.Match(
                $"^colowire: interface 'primary0' is in use by another ColoWire \\(process {first.Program.Id}, 'dotnet'\\) since "
                + $".*; end that one first \\(kill {first.Program.Id}\\), or name another interface; "
                + "--take-over cannot take it, "));
        }

        AssertCompared(first, 0);
        Counters last = first.Program.Stop();
        Assert.That((Protection(last), last["fail_wire", "absences"]), Is.EqualTo(("in_step", 0)));
    }

    [Test]
    public void The_first_notices_that_it_was_replaced_and_takes_the_interface_back_when_the_other_one_has_ended()
    {
        using BridgeHost host = new(ports);
        using BridgeRun first = new(host, "run");
        using ColoWireProcess second = new(host, ["observe", .. LivePorts.Pcap.Words(0), "--take-over"]);
        second.AwaitReady();
        first.Program.AwaitLog($"another ColoWire (process {second.Id}, 'dotnet') since ");
        Counters replaced = first.Program.AwaitCounters(
            counters => Protection(counters) == "bypassed", "it claims no protection");
        Assert.That(replaced.Json.GetProperty("fail_wire").GetProperty("trouble").GetString(),
            Does.Contain("has taken interface 'primary0' over"));

        second.Send(ColoWireProcess.TerminateSignal);
        // An xdp: secondary has a program too, and the first one took that back at once: the second one says with its exit code
        // that it went without.
        Assert.That(second.WaitForExit(), Is.EqualTo(ports == LivePorts.Pcap ? 0 : 1));
        first.Program.AwaitCounters(counters => Protection(counters) == "in_step", "it protects again");
        first.Program.AwaitLog("resolved, no longer the case: another ColoWire ");
        AssertCompared(first, 1);
        Assert.That(first.Program.Stop()["fail_wire", "absences"], Is.EqualTo(1));
    }

    [Test]
    public void A_program_that_somebody_takes_off_is_attached_again()
    {
        using BridgeHost host = new(ports);
        using BridgeRun run = new(host, "run");
        string hook = ports == LivePorts.Pcap ? "xdpgeneric" : "xdpdrv";
        host.Host.Inside($"ip link set dev {BridgeHost.PrimaryPort(0)} {hook} off");
        run.Program.AwaitLog("ColoWire's XDP program was detached from interface 'primary0' by another process");
        run.Program.AwaitLog("resolved, no longer the case: ColoWire's XDP program was detached");
        AssertCompared(run, 0);
        run.Program.Stop();
    }

    private static void AssertCompared(BridgeRun run, int round)
    {
        // What was counted before now may be of before, and an absence has settled when another second is over.
        int told = run.Program.Output.Count;
        run.Program.AwaitCounters(
            counters => run.Program.Output.Count > told + 1 && Protection(counters) == "in_step", "it protects");
        byte[][] held = Datagrams.ManyOfPrimary(Frames, 1, round * Frames);
        Array.ForEach(held, run.SendPrimary);
        Assert.That(run.ReceiveNow(), Is.Empty, "what the secondary has not said");
        Array.ForEach(Datagrams.ManyOfSecondary(Frames, 1, round * Frames), run.SendSecondary);
        run.AssertLeaves(held);
    }

    private static string? Protection(Counters counters) => counters.Json.GetProperty("protection").GetString();
}
