// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.Linq;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary><c>ColoWire.Rig wire</c>: ColoWire on pcap ports, in turn with a bare libpcap forwarder (forwarder.c).</summary>
internal static class WireCommand
{
    private const string Group = "wire";
    private const string Ports = "pcap ports";

    private const int GarbageBytes = 64;

    private static readonly ContestShape Shape = new()
    {
        Traffic = [Traffic.Udp(64), Traffic.Udp(Traffic.MostBytes)],
        // What the kernel's buffer of a capture holds: 16 MiB of 2 KiB frames.
        BurstPairs = 6000,
        Bursts = 14,
        TrialMs = 250,
        SearchSteps = 6,
        Attempts = 1,
        HighestRate = 640_000,
        WarmUps = 3,
        WarmUpPairs = 100_000,
        WarmUpPause = TimeSpan.FromMilliseconds(500),
    };

    /// <summary>Makes the verb.</summary>
    public static Command Create() => LiveOptions.CreateCommand(
        "wire",
        "Measures ColoWire on pcap ports: CPU time per pair, the rate without loss, garbage under load. Needs root and two CPUs.",
        (options, _) => Run(options));

    private static void Run(LiveOptions options)
    {
        using Contest contest = new(
            new PacketFeeder(options.ToolPath("feeder")), Shape, Appliance.Name, CostSteps.Bare, CostSteps.Reading);
        using Appliance appliance = new(contest, options.Program);
        CostSteps costs = new(contest, Group, Ports, "bare libpcap forwarder");
        GarbageStep garbage = new(contest, appliance, Group, Ports, Traffic.Udp(GarbageBytes));
        Step[] steps = options.Choose(
        [
            new Step(
                new PlannedStep("cpu", 10),
                rounds => options.Tell(costs.Cpu(rounds, $"the threads that move frames; bursts of {Shape.BurstPairs} pairs"))),
            new Step(
                new PlannedStep("rate", 12),
                rounds => options.Tell(costs.Rate(rounds, bar: null, $"trials of {Shape.TrialMs} ms, loss at most 0.01 %"))),
            new Step(new PlannedStep("garbage", 8), rounds =>
            {
                contest.Process(Appliance.Name).Resume();
                options.Tell(garbage.Measure(rounds, options.Rounds));
            }),
        ]);
        TimePlan plan = new("wire", steps.Select(step => step.Plan), options.Rounds, options.Limit);
        StartAll(options, contest, appliance);
        foreach (Step step in steps)
        {
            step.Run(plan.Rounds(step.Plan.Name));
        }
    }

    private static void StartAll(LiveOptions options, Contest contest, Appliance appliance)
    {
        string forwarder = options.ToolPath("forwarder");
        string[] words = [forwarder, "p0", "s0", "out0", $"{Contest.MeasuredCpu}"];
        contest.Start(CostSteps.Bare, "ready", words);
        contest.Start(CostSteps.Reading, "ready", [.. words, "read"]);
        appliance.Start(Appliance.Options("pcap", idle: null, failWireMs: 0, ring: 0));
        foreach (string name in (string[])[Appliance.Name, CostSteps.Bare, CostSteps.Reading])
        {
            contest.WarmUpAndPause(name);
        }
    }
}
