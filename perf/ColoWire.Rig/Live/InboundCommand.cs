// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary><c>ColoWire.Rig inbound</c>: the frames of clients on their way to both replicas.</summary>
internal sealed class InboundCommand : IDisposable
{
    /// <summary>The group of all rows.</summary>
    public const string Group = "inbound";

    private readonly LiveOptions options;
    private InboundRig? rig;

    private InboundCommand(LiveOptions options) => this.options = options;

    /// <summary>Makes the verb.</summary>
    public static Command Create() => LiveOptions.CreateCommand(
        "inbound",
        "Measures ColoWire with inbound mirror, on pcap and on xdp ports: CPU time of a client's frame, the rate without loss, "
        + "latency, garbage. Needs root and two CPUs.",
        (options, _) =>
        {
            using InboundCommand command = new(options);
            command.Run();
        });

    /// <inheritdoc/>
    public void Dispose() => rig?.Dispose();

    private void Run()
    {
        Step[] steps = options.Choose([.. ((string[])[InboundRig.PcapPorts, InboundRig.XdpPorts]).SelectMany(StepsOf)]);
        TimePlan plan = new(Group, steps.Select(step => step.Plan), options.Rounds, options.Limit);
        foreach (Step step in steps)
        {
            step.Run(plan.Rounds(step.Plan.Name));
        }
    }

    private IEnumerable<Step> StepsOf(string ports) =>
    [
        NewStep(ports, "cpu", 14, (on, rounds) => on.Cpu(rounds)),
        NewStep(ports, "rate", 12, (on, rounds) => on.Rate(rounds)),
        NewStep(ports, "latency", 2.5, (on, rounds) => on.Latency(rounds)),
        NewStep(ports, "garbage", 8, (on, rounds) => on.Garbage(rounds)),
    ];

    private Step NewStep(string ports, string name, double seconds, Action<InboundRig, IEnumerable<int>> run) =>
        new(new PlannedStep($"{name}, {ports}", seconds), rounds => run(RigOf(ports), rounds));

    /// <summary>The namespaces of one kind of ports at a time, because they have the same names.</summary>
    private InboundRig RigOf(string ports)
    {
        if (rig?.Ports != ports)
        {
            rig?.Dispose();
            rig = null;
            rig = new InboundRig(options, ports);
        }

        return rig;
    }
}
