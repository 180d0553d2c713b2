// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary><c>ColoWire.Rig xdp</c>: ColoWire on xdp ports, in turn with a bare AF_XDP forwarder (xdp-forwarder.c).</summary>
internal sealed class XdpCommand : IDisposable
{
    /// <summary>The group of all rows.</summary>
    public const string Group = "kernel bypass";

    private const string Ports = "xdp ports";
    private const int Ring = 2048;
    private const int GarbageBytes = 64;

    // Rings that hold a burst, so that the moment in which all wake up and fall asleep again is shared by many pairs.
    private const int BurstRing = 8192;

    private static readonly string[] Strategies = ["spin", "adaptive", "spin_then_poll", "block"];

    private static readonly ContestShape Shape = new()
    {
        Traffic = [Traffic.Udp(Traffic.LeastBytes), Traffic.Udp(Traffic.MostBytes)],
        BurstPairs = 4000,
        Bursts = 8,
        TrialMs = 150,
        SearchSteps = 7,
        Attempts = 2,
        HighestRate = 3_600_000,
        WarmUps = 2,
        WarmUpPairs = 50_000,
        WarmUpPause = TimeSpan.FromMilliseconds(200),
    };

    private readonly LiveOptions options;
    private readonly string native;
    private readonly Contest contest;
    private readonly Appliance appliance;
    private readonly Prober prober;
    private readonly CostSteps costs;

    private XdpCommand(LiveOptions options, string native)
    {
        this.options = options;
        this.native = native;
        contest = new Contest(
            new XdpFeeder(options.ToolPath("xdp-feeder")), Shape, Appliance.Name, CostSteps.Bare, CostSteps.Reading);
        contest.AddBareCable(LatencyStep.Direct);
        appliance = new Appliance(contest, options.Program);
        prober = new Prober(contest, options.ToolPath("prober"));
        costs = new CostSteps(contest, Group, Ports, "bare AF_XDP forwarder");
    }

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Option<string> native = new("--colowire-aot")
        {
            Description = "The same, published as native code.",
            HelpName = "FILE",
            Required = true,
        };
        return LiveOptions.CreateCommand(
            "xdp",
            "Measures ColoWire on xdp ports: CPU time per pair, the rate without loss, latency and CPU of each way "
            + "to idle, what is lost when "
            + "it is ended under load, garbage, start-up. Needs root and two CPUs.",
            (options, parse) =>
            {
                using XdpCommand command = new(options, LiveOptions.ExistingFile(native.Name, parse.GetRequiredValue(native)));
                command.Run();
            },
            native);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        appliance.Dispose();
        contest.Dispose();
    }

    private void Run()
    {
        Step[] steps = options.Choose(
        [
            new Step(new PlannedStep("cpu", 8), Cpu),
            new Step(new PlannedStep("rate", 16), Rate),
            .. Strategies.SelectMany(idle => ((string[])["xdp", "pcap"]).Select(ports => new Step(
                new PlannedStep($"latency, {ports} ports, idle {idle}", ports == "xdp" ? 3.5 : 2.5),
                rounds => Latency(ports, idle, rounds)))),
            new Step(new PlannedStep("death", 6),
                rounds => options.Tell(new DeathStep(contest, appliance, prober, Ring).Measure(rounds))),
            new Step(new PlannedStep("garbage", 8), Garbage),
            new Step(new PlannedStep("start", 2), Start),
        ]);
        TimePlan plan = new("xdp", steps.Select(step => step.Plan), options.Rounds, options.Limit);
        foreach (Step step in steps)
        {
            step.Run(plan.Rounds(step.Plan.Name));
        }
    }

    /// <summary>With <c>idle: spin</c> the time of waiting would count, too.</summary>
    private void Cpu(IEnumerable<int> rounds)
    {
        StartAll("spin_then_poll", BurstRing);
        options.Tell(
            costs.Cpu(rounds, $"the threads that move frames; bursts of {Shape.BurstPairs} pairs, rings of {BurstRing}"));
        EndAll();
    }

    /// <summary>No thread sleeps: a virtual CPU that sleeps may be woken milliseconds late by its host.</summary>
    private void Rate(IEnumerable<int> rounds)
    {
        StartAll("spin", Ring);
        options.Tell(costs.Rate(
            rounds, new Bar(BarSubject.Ratio, Least: 0.8),
            $"trials of {Shape.TrialMs} ms, loss at most 0.01 %, rings of {Ring}, all spin"));
        EndAll();
    }

    private void Latency(string ports, string idle, IEnumerable<int> rounds)
    {
        appliance.StartIsolated(Appliance.Options(ports, idle, failWireMs: 0, Ring));
        _ = prober.Send(Appliance.Name, LatencyStep.FastPairs, LatencyStep.FastRate);
        if (ports == "xdp")
        {
            // The forwarder has no adaptive wait; it is compared with the one that always looks on before it sleeps.
            StartForwarder(CostSteps.Bare, idle == "adaptive" ? "spin_then_poll" : idle, Ring);
            contest.Process(CostSteps.Bare).Pause();
        }

        options.Tell(new LatencyStep(contest, prober, ports, idle).Measure(rounds));
        contest.End(Appliance.Name);
        if (ports == "xdp")
        {
            contest.End(CostSteps.Bare);
        }
    }

    private void Garbage(IEnumerable<int> rounds)
    {
        appliance.StartIsolated(Appliance.Options("xdp", "spin_then_poll", failWireMs: 0, Ring));
        contest.WarmUpAndPause(Appliance.Name);
        contest.Process(Appliance.Name).Resume();
        options.Tell(
            new GarbageStep(contest, appliance, Group, Ports, Traffic.Udp(GarbageBytes)).Measure(rounds, options.Rounds));
        contest.End(Appliance.Name);
    }

    private void Start(IEnumerable<int> rounds) => options.Tell(
        new StartStep(contest, prober, Appliance.Options("xdp", "spin", failWireMs: 0, Ring))
            .Measure(rounds, options.Program, native));

    /// <summary>What is measured and its two anchors, warm and paused.</summary>
    private void StartAll(string idle, int ring)
    {
        StartForwarder(CostSteps.Bare, idle, ring);
        StartForwarder(CostSteps.Reading, idle, ring, "read");
        appliance.StartIsolated(Appliance.Options("xdp", idle, failWireMs: 0, ring));
        foreach (string name in (string[])[Appliance.Name, CostSteps.Bare, CostSteps.Reading])
        {
            contest.WarmUpAndPause(name);
        }
    }

    private void EndAll()
    {
        foreach (string name in (string[])[Appliance.Name, CostSteps.Bare, CostSteps.Reading])
        {
            contest.End(name);
        }
    }

    private void StartForwarder(string name, string idle, int ring, params string[] more) => contest.Start(
        name, "ready",
        [options.ToolPath("xdp-forwarder"), "p0", "s0", "out0", $"{Contest.MeasuredCpu}", $"{ring}", $"{2 * ring}", idle,
            .. more]);
}
