// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports;
using ColoWire.Ports.Files;
using ColoWire.Ports.Xdp;

namespace ColoWire.Hosting;

/// <summary>The ports of an appliance: three for each pipeline.</summary>
/// <param name="Pipelines">One or more. The pipelines of one appliance are the queues of the same three interfaces.</param>
/// <remarks>Most members are read several times a second: reading them allocates nothing.</remarks>
public sealed record AppliancePorts(IReadOnlyList<PipelinePorts> Pipelines) : IDisposable
{
    private readonly IFaultReporter[] faultReporters = [.. All(Pipelines).Select(named => named.Port).OfType<IFaultReporter>()];
    private PortUpkeep? upkeep;

    /// <summary>The kernel's programs that send frames past the appliance when it does not take them; null without live
    /// ports.</summary>
    public FailWire? FailWire { get; init; }

    /// <summary>The number of the queue of each pipeline.</summary>
    public IReadOnlyList<int> Queues { get; init; } = [0];

    /// <summary>Notes for the operator from opening the ports, a line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Warnings for the operator from the checks before the ports were opened, a line each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The name of the primary's port.</summary>
    public string PrimaryName { get; } = Pipelines[0].Primary.Name;

    /// <summary>The name of the secondary's port.</summary>
    public string SecondaryName { get; } = Pipelines[0].Secondary.Name;

    /// <summary>The name of the out port.</summary>
    public string OutputName { get; } = Pipelines[0].Output.Name;

    /// <summary>The counters of the primary's port, over all pipelines.</summary>
    public CaptureStatistics PrimaryStatistics => Sum(pipeline => pipeline.Primary);

    /// <summary>The counters of the secondary's port, over all pipelines.</summary>
    public CaptureStatistics SecondaryStatistics => Sum(pipeline => pipeline.Secondary);

    /// <summary>The counters of the out port, over all pipelines.</summary>
    public InjectStatistics OutputStatistics => Sum(pipeline => pipeline.Output);

    /// <summary>The counters of the port that captures the frames of clients, over all pipelines; all 0 without such
    /// ports.</summary>
    public CaptureStatistics ClientStatistics => Sum(pipeline => pipeline.Inbound?.World);

    /// <summary>The counters of the port that sends the frames of clients to the primary; see
    /// <see cref="ClientStatistics"/>.</summary>
    public InjectStatistics ToPrimaryStatistics => Sum(pipeline => pipeline.Inbound?.ToPrimary);

    /// <summary>The counters of the port that sends the frames of clients to the secondary; see
    /// <see cref="ClientStatistics"/>.</summary>
    public InjectStatistics ToSecondaryStatistics => Sum(pipeline => pipeline.Inbound?.ToSecondary);

    /// <summary>Whether no frame can come any more: both sides are capture files, and both were read to their end.</summary>
    public bool Ended
    {
        get
        {
            bool ended = true;
            for (int i = 0; i < Pipelines.Count; i++)
            {
                ended &= Pipelines[i] is { Primary: FileCapturePort { Ended: true }, Secondary: FileCapturePort { Ended: true } };
            }

            return ended;
        }
    }

    /// <summary>Permanent faults of the ports, a line each.</summary>
    public IEnumerable<string> Faults => faultReporters.Select(port => port.Fault).OfType<string>().Distinct();

    /// <summary>Whether there is a permanent fault.</summary>
    public bool HasFaults => Array.Exists(faultReporters, port => port.Fault != null);

    /// <summary>The ports that can have a permanent fault.</summary>
    public IReadOnlyList<IFaultReporter> FaultReporters => faultReporters;

    /// <summary>Faults of the interfaces that can end by themselves, a line each.</summary>
    public IReadOnlyList<string> Troubles => FailWire?.Troubles ?? [];

    /// <summary>Whether an interface is missing, or the program on it is not this process's.</summary>
    public bool IsImpaired => Troubles.Count != 0 || Linked.Any(linked => linked.Port.Link == LinkState.Gone);

    /// <summary>The ports that have a link, one for each interface: the queues of an interface share its link.</summary>
    public IReadOnlyList<(string Name, ILinkReporter Port)> Linked { get; } =
    [
        .. All(Pipelines).Where(named => named.Port is ILinkReporter).DistinctBy(named => named.Name)
            .Select(named => (named.Name, (ILinkReporter)named.Port)),
    ];

    /// <summary>Makes frames come to the capture ports, and watches all interfaces from now on.</summary>
    /// <exception cref="PortException">Frames cannot be captured: another owner's program is on an interface.</exception>
    public void TakeOver()
    {
        FailWire?.TakeOver();
        upkeep = new PortUpkeep(Pipelines, FailWire);
        upkeep.Start();
    }

    /// <summary>Makes frames go past the appliance, where the ports can do that.</summary>
    public void HandOver()
    {
        upkeep?.End();
        FailWire?.HandOver();
    }

    /// <summary>Closes the ports. No thread may use them any more.</summary>
    public void Dispose()
    {
        upkeep?.Dispose();
        Close(Pipelines);
        FailWire?.Dispose();
    }

    /// <summary>Closes the ports of pipelines.</summary>
    internal static void Close(IReadOnlyList<PipelinePorts> pipelines)
    {
        foreach (PipelinePorts pipeline in pipelines)
        {
            pipeline.Primary.Dispose();
            pipeline.Secondary.Dispose();
            pipeline.Output.Dispose();
            pipeline.Inbound?.World.Dispose();
            pipeline.Inbound?.ToPrimary.Dispose();
            pipeline.Inbound?.ToSecondary.Dispose();
        }
    }

    private CaptureStatistics Sum(Func<PipelinePorts, ICapturePort?> port)
    {
        CaptureStatistics sum = default;
        for (int i = 0; i < Pipelines.Count; i++)
        {
            sum += port(Pipelines[i])?.Statistics ?? default;
        }

        return sum;
    }

    private InjectStatistics Sum(Func<PipelinePorts, IInjectPort?> port)
    {
        InjectStatistics sum = default;
        for (int i = 0; i < Pipelines.Count; i++)
        {
            sum += port(Pipelines[i])?.Statistics ?? default;
        }

        return sum;
    }

    private static IEnumerable<(string Name, object Port)> All(IReadOnlyList<PipelinePorts> pipelines) => pipelines.SelectMany(
        pipeline => (IEnumerable<(string, object)>)
        [
            (pipeline.Primary.Name, pipeline.Primary),
            (pipeline.Secondary.Name, pipeline.Secondary),
            (pipeline.Output.Name, pipeline.Output),
        ]);
}
