// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Files;
using ColoWire.Ports.Xdp;

namespace ColoWire.Hosting;

/// <summary>The ports of an appliance: three for each pipeline.</summary>
/// <param name="Pipelines">One or more. The pipelines of one appliance are the queues of the same three interfaces.</param>
public sealed record AppliancePorts(IReadOnlyList<PipelinePorts> Pipelines) : IDisposable
{
    private PortUpkeep? upkeep;

    /// <summary>What sends frames past the appliance when it does not take them; null where no port is live.</summary>
    public FailWire? FailWire { get; init; }

    /// <summary>The queue of each pipeline.</summary>
    public IReadOnlyList<int> Queues { get; init; } = [0];

    /// <summary>What an operator should know of how they were opened, a line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The name of the primary's port. Ports make theirs anew each time, and these are asked for many times a second.</summary>
    public string PrimaryName { get; } = Pipelines[0].Primary.Name;

    /// <summary>The name of the secondary's port.</summary>
    public string SecondaryName { get; } = Pipelines[0].Secondary.Name;

    /// <summary>The name of the out port.</summary>
    public string OutputName { get; } = Pipelines[0].Output.Name;

    /// <summary>What the primary's port has counted, all pipelines together.</summary>
    public CaptureStatistics PrimaryStatistics
    {
        get
        {
            // Asked each second, as those below: no enumerator.
            CaptureStatistics sum = default;
            for (int i = 0; i < Pipelines.Count; i++)
            {
                sum += Pipelines[i].Primary.Statistics;
            }

            return sum;
        }
    }

    /// <summary>What the secondary's port has counted, all pipelines together.</summary>
    public CaptureStatistics SecondaryStatistics
    {
        get
        {
            CaptureStatistics sum = default;
            for (int i = 0; i < Pipelines.Count; i++)
            {
                sum += Pipelines[i].Secondary.Statistics;
            }

            return sum;
        }
    }

    /// <summary>What the out port has counted, all pipelines together.</summary>
    public InjectStatistics OutputStatistics
    {
        get
        {
            InjectStatistics sum = default;
            for (int i = 0; i < Pipelines.Count; i++)
            {
                sum += Pipelines[i].Output.Statistics;
            }

            return sum;
        }
    }

    /// <summary>Whether nothing more can come in: both sides are captures, and both were read to their end.</summary>
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

    /// <summary>What has gone wrong for good on the ports, a line each.</summary>
    public IEnumerable<string> Faults => FaultReporters.Select(port => port.Fault).OfType<string>().Distinct();

    /// <summary>Whether there is one of those.</summary>
    public bool HasFaults
    {
        get
        {
            bool has = false;
            for (int i = 0; i < FaultReporters.Count; i++)
            {
                has |= FaultReporters[i].Fault != null;
            }

            return has;
        }
    }

    /// <summary>Those on which something can go wrong for good.</summary>
    public IReadOnlyList<IFaultReporter> FaultReporters { get; } = [.. All(Pipelines).Select(named => named.Port).OfType<IFaultReporter>()];

    /// <summary>What is wrong on the interfaces now and may come right again, a line each.</summary>
    public IReadOnlyList<string> Troubles => FailWire?.Troubles ?? [];

    /// <summary>Whether an interface is missing, or the program on it is not this process's.</summary>
    public bool IsImpaired => Troubles.Count != 0 || Linked.Any(linked => linked.Port.Link == LinkState.Gone);

    /// <summary>Those that have a link. The queues of an interface have one link.</summary>
    public IReadOnlyList<(string Name, ILinkReporter Port)> Linked { get; } =
        [.. All(Pipelines).Where(named => named.Port is ILinkReporter).DistinctBy(named => named.Name).Select(named => (named.Name, (ILinkReporter)named.Port))];

    /// <summary>Opens the ports that the options name.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="arenas">The memory of each pipeline; it stays the caller's when this fails.</param>
    /// <param name="time">The source of the time.</param>
    /// <exception cref="OptionException">One or more cannot be opened; it says of each why.</exception>
    public static AppliancePorts Open(ApplianceOptions options, IReadOnlyList<FrameArena> arenas, TimeProvider time)
    {
        options = WithKernelsNames(options, out IReadOnlyList<string> names);
        RefuseIfInUse(options);
        QueueCheck queues = QueueCheck.Of(options);
        if (queues.Faults.Count != 0)
        {
            throw new OptionException(queues.Faults);
        }

        PortOptions settings = new()
        {
            BufferMiB = options.CaptureBufferMiB,
            SendRetryMs = options.SendRetryMs,
            HasVnetHeaders = options.HasVnetHeaders,
            Xdp = new XdpOptions(options.XdpMode, options.XdpCopy, options.XdpRingFrames),
            SnapLength = options.SnapLengthBytes == OptionTable.SnapLengthOfMtu ? null : options.SnapLengthBytes,
            FileTimeShiftNs = new MonotonicClock(time).UnixOffsetNs,
        };
        List<PipelinePorts> pipelines = [];
        try
        {
            foreach ((FrameArena arena, int queue) in arenas.Zip(options.XdpQueues))
            {
                pipelines.Add(OpenPipeline(options, settings, new PipelinePlace(arena, queue, IsFirst: pipelines.Count == 0)));
            }

            FailWire failWire = FailWire.Load(
                Required(options.PrimaryIn),
                Required(options.SecondaryIn),
                Required(options.OutDevice),
                pipelines,
                options.XdpQueues,
                new FailWireOptions(settings.Xdp, options.OnDeath == DeathPolicy.Wire, options.FailwireTimeoutMs, options.TakesOver));
            return new AppliancePorts(pipelines) { FailWire = failWire, Queues = options.XdpQueues, Notes = [.. names, .. queues.Notes, .. failWire.Notes] };
        }
        catch (Exception exception) when (exception is OptionException or PortException)
        {
            Close(pipelines);
            throw exception as OptionException ?? new OptionException([exception.Message]);
        }
    }

    /// <summary>Takes the frames of the capture interfaces, and looks after all interfaces from now on.</summary>
    /// <exception cref="PortException">Frames cannot be had: another program of somebody else's has come to an interface.</exception>
    public void TakeOver()
    {
        FailWire?.TakeOver();
        upkeep = new PortUpkeep(Pipelines, FailWire);
        upkeep.Start();
    }

    /// <summary>Has frames go past, where they can.</summary>
    public void HandOver()
    {
        upkeep?.End();
        FailWire?.HandOver();
    }

    /// <summary>Closes them. No thread may use them any more.</summary>
    public void Dispose()
    {
        upkeep?.Dispose();
        Close(Pipelines);
        FailWire?.Dispose();
    }

    /// <summary>The ports by the names that the kernel calls their interfaces.</summary>
    /// <exception cref="OptionException">Two of them are the same interface.</exception>
    private static ApplianceOptions WithKernelsNames(ApplianceOptions options, out IReadOnlyList<string> notes)
    {
        (string Option, PortSpec Written)[] ports =
            [("primary_in", Required(options.PrimaryIn)), ("secondary_in", Required(options.SecondaryIn)), ("outdev", Required(options.OutDevice))];
        PortSpec[] meant = [.. ports.Select(port => port.Written.WithKernelsName())];
        string[] faults =
        [
            .. from later in Enumerable.Range(1, meant.Length - 1)
               from earlier in Enumerable.Range(0, later)
               where meant[earlier].IsSameAs(meant[later])
               select $"{ports[later].Option}: '{ports[later].Written}' is {ports[earlier].Option} already: three different ports are needed",
        ];
        notes = [.. ports.Zip(meant).Where(pair => pair.First.Written != pair.Second)
            .Select(pair => $"{pair.First.Option}: '{pair.First.Written.Target}' is another name of interface '{pair.Second.Target}'")];
        return faults.Length != 0
            ? throw new OptionException(faults)
            : options with { PrimaryIn = meant[0], SecondaryIn = meant[1], OutDevice = meant[2] };
    }

    /// <summary>Before a port is opened: whatever is done to an interface, the other instance would feel it.</summary>
    private static void RefuseIfInUse(ApplianceOptions options)
    {
        try
        {
            if (!options.TakesOver)
            {
                FailWire.RefuseIfInUse(Required(options.PrimaryIn), Required(options.SecondaryIn));
            }
        }
        catch (PortException exception)
        {
            throw new OptionException([exception.Message]);
        }
    }

    private static PipelinePorts OpenPipeline(ApplianceOptions options, PortOptions settings, PipelinePlace place)
    {
        List<string> faults = [];
        ICapturePort? primary = Try("primary_in", () => PortFactory.OpenCapture(Required(options.PrimaryIn), settings, place));
        ICapturePort? secondary = Try("secondary_in", () => PortFactory.OpenCapture(Required(options.SecondaryIn), settings, place));
        // A file that is written to is emptied: not before the others are known to be good.
        bool mayOpen = faults.Count == 0 || options.OutDevice is not { Kind: PortKind.File };
        IInjectPort? output = mayOpen ? Try("outdev", () => PortFactory.OpenInject(Required(options.OutDevice), settings, place)) : null;
        if (primary != null && secondary != null && output != null)
        {
            return new PipelinePorts(place.Arena, primary, secondary, output);
        }

        primary?.Dispose();
        secondary?.Dispose();
        output?.Dispose();
        throw new OptionException(faults);

        T? Try<T>(string option, Func<T> open)
            where T : class
        {
            try
            {
                return open();
            }
            catch (PortException exception)
            {
                faults.Add($"{option}: {exception.Message}");
                return null;
            }
        }
    }

    private static PortSpec Required(PortSpec? spec) => spec ?? throw new ArgumentException("validated options have all ports");

    private static IEnumerable<(string Name, object Port)> All(IReadOnlyList<PipelinePorts> pipelines) => pipelines.SelectMany(pipeline => ((string, object)[])
        [(pipeline.Primary.Name, pipeline.Primary), (pipeline.Secondary.Name, pipeline.Secondary), (pipeline.Output.Name, pipeline.Output)]);

    private static void Close(IReadOnlyList<PipelinePorts> pipelines)
    {
        foreach (PipelinePorts pipeline in pipelines)
        {
            pipeline.Primary.Dispose();
            pipeline.Secondary.Dispose();
            pipeline.Output.Dispose();
        }
    }
}
