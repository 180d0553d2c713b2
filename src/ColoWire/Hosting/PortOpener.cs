// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Files;
using ColoWire.Ports.Xdp;

namespace ColoWire.Hosting;

/// <summary>Opens the ports of an appliance.</summary>
public static class PortOpener
{
    /// <summary>Opens the ports that the options name.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="arenas">The memory of each pipeline. The caller disposes it when this fails.</param>
    /// <param name="time">The source of the time.</param>
    /// <exception cref="OptionException">One or more ports cannot be opened; it has a line for each.</exception>
    public static AppliancePorts Open(ApplianceOptions options, IReadOnlyList<FrameArena> arenas, TimeProvider time)
    {
        options = WithKernelsNames(options, out IReadOnlyList<string> names);
        PortOptions settings = SettingsOf(options, time);
        List<PipelinePorts> pipelines = [];
        try
        {
            (QueueCheck queues, MirrorCheck mirror) = OpenPipelines(options, settings, arenas, mayWriteFile: true, pipelines);
            FailWire failWire = FailWire.Load(
                Required(options.PrimaryIn),
                Required(options.SecondaryIn),
                Required(options.OutDevice),
                pipelines,
                options.XdpQueues,
                new FailWireOptions(
                    settings.Xdp, options.OnDeath == DeathPolicy.Wire, options.FailwireTimeoutMs, options.TakesOver));
            return new AppliancePorts(pipelines)
            {
                FailWire = failWire,
                Queues = options.XdpQueues,
                Notes = [.. names, .. queues.Notes, .. failWire.Notes],
                Warnings = mirror.Warnings,
            };
        }
        catch (Exception exception) when (exception is OptionException or PortException)
        {
            AppliancePorts.Close(pipelines);
            throw exception as OptionException ?? new OptionException([exception.Message]);
        }
    }

    /// <summary>Finds out why the ports cannot be opened. It opens and closes them, but no file for writing, and leaves XDP
    /// programs as they are.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="arenas">The memory of each pipeline.</param>
    /// <param name="time">The source of the time.</param>
    /// <returns>A line for each fault.</returns>
    public static IReadOnlyList<string> FindFaults(
        ApplianceOptions options, IReadOnlyList<FrameArena> arenas, TimeProvider time)
    {
        List<PipelinePorts> pipelines = [];
        try
        {
            options = WithKernelsNames(options, out _);
            OpenPipelines(options, SettingsOf(options, time), arenas, mayWriteFile: false, pipelines);
            return [];
        }
        catch (OptionException exception)
        {
            return exception.Faults;
        }
        finally
        {
            AppliancePorts.Close(pipelines);
        }
    }

    /// <summary>Checks the interfaces, and opens the ports of all pipelines.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="settings">How ports are opened.</param>
    /// <param name="arenas">The memory of each pipeline.</param>
    /// <param name="mayWriteFile">Whether a file may be opened for writing, which empties it; else it is only checked.</param>
    /// <param name="pipelines">Receives the ports, which the caller closes.</param>
    /// <exception cref="OptionException">There are faults. Without a line: the only port that is not open is such a
    /// file.</exception>
    private static (QueueCheck Queues, MirrorCheck Mirror) OpenPipelines(
        ApplianceOptions options,
        PortOptions settings,
        IReadOnlyList<FrameArena> arenas,
        bool mayWriteFile,
        List<PipelinePorts> pipelines)
    {
        // Before a port is opened: opening changes the interface, which another instance would notice.
        RefuseIfInUse(options);
        QueueCheck queues = QueueCheck.Of(options);
        MirrorCheck mirror = MirrorCheck.Of(options);
        if (queues.Faults.Count + mirror.Faults.Count != 0)
        {
            throw new OptionException([.. queues.Faults, .. mirror.Faults]);
        }

        foreach ((FrameArena arena, int queue) in arenas.Zip(options.XdpQueues))
        {
            PipelinePlace place = new(
                arena, queue, IsFirst: pipelines.Count == 0, IsBothWays: options.Engine.Inbound == InboundMode.Mirror);
            pipelines.Add(OpenPipeline(options, settings, place, mayWriteFile));
        }

        return (queues, mirror);
    }

    /// <summary>Replaces alternative names of interfaces by the kernel's own names.</summary>
    /// <exception cref="OptionException">Two of the ports are the same interface.</exception>
    private static ApplianceOptions WithKernelsNames(ApplianceOptions options, out IReadOnlyList<string> notes)
    {
        (string Option, PortSpec Written)[] ports =
        [
            ("primary_in", Required(options.PrimaryIn)),
            ("secondary_in", Required(options.SecondaryIn)),
            ("outdev", Required(options.OutDevice)),
        ];
        PortSpec[] meant = [.. ports.Select(port => port.Written.WithKernelsName())];
        string[] faults =
        [
            .. from later in Enumerable.Range(1, meant.Length - 1)
               from earlier in Enumerable.Range(0, later)
               where meant[earlier].IsSameAs(meant[later])
               select $"{ports[later].Option}: '{ports[later].Written}' is {ports[earlier].Option} already: "
                   + "three different ports are needed",
        ];
        notes =
        [
            .. ports.Zip(meant).Where(pair => pair.First.Written != pair.Second).Select(pair =>
                $"{pair.First.Option}: '{pair.First.Written.Target}' is another name of interface '{pair.Second.Target}'"),
        ];
        return faults.Length != 0
            ? throw new OptionException(faults)
            : options with { PrimaryIn = meant[0], SecondaryIn = meant[1], OutDevice = meant[2] };
    }

    private static void RefuseIfInUse(ApplianceOptions options)
    {
        try
        {
            PortSpec? world = options.Engine.Inbound == InboundMode.Mirror ? Required(options.OutDevice) : null;
            FailWire.RefuseIfInUse(Required(options.PrimaryIn), Required(options.SecondaryIn), world, options.TakesOver);
        }
        catch (PortException exception)
        {
            throw new OptionException([exception.Message]);
        }
    }

    private static PortOptions SettingsOf(ApplianceOptions options, TimeProvider time) => new()
    {
        BufferMiB = options.CaptureBufferMiB,
        SendRetryMs = options.SendRetryMs,
        HasVnetHeaders = options.HasVnetHeaders,
        Xdp = new XdpOptions(options.XdpMode, options.XdpCopy, options.XdpRingFrames),
        SnapLength = options.SnapLengthBytes == OptionTable.SnapLengthOfMtu ? null : options.SnapLengthBytes,
        FileTimeShiftNs = new MonotonicClock(time).UnixOffsetNs,
    };

    private static PipelinePorts OpenPipeline(
        ApplianceOptions options, PortOptions settings, PipelinePlace place, bool mayWriteFile)
    {
        List<string> faults = [];
        ICapturePort? primary = Try("primary_in", () => PortFactory.OpenCapture(Required(options.PrimaryIn), settings, place));
        ICapturePort? secondary = Try(
            "secondary_in", () => PortFactory.OpenCapture(Required(options.SecondaryIn), settings, place));
        // Opening a file for writing empties it: not before the other ports have been opened.
        bool mayOpen = (mayWriteFile && faults.Count == 0) || options.OutDevice is not { Kind: PortKind.File };
        IInjectPort? output = mayOpen
            ? Try("outdev", () => PortFactory.OpenInject(Required(options.OutDevice), settings, place))
            : null;
        if (!mayOpen && FileInjectPort.FindFault(Required(options.OutDevice).Target) is string fault)
        {
            faults.Add($"outdev: {fault}");
        }

        List<IDisposable?> inbound = [];
        if (options.Engine.Inbound == InboundMode.Mirror && faults.Count == 0)
        {
            inbound.Add(Try("outdev", () => PortFactory.OpenCapture(Required(options.OutDevice), settings, place)));
            inbound.Add(Try("primary_in", () => PortFactory.OpenInject(Required(options.PrimaryIn), settings, place)));
            inbound.Add(Try("secondary_in", () => PortFactory.OpenInject(Required(options.SecondaryIn), settings, place)));
        }

        if (faults.Count == 0 && output != null)
        {
            InboundPorts? ports = inbound is [ICapturePort world, IInjectPort toPrimary, IInjectPort toSecondary]
                ? new InboundPorts(world, toPrimary, toSecondary) : null;
            return new PipelinePorts(place.Arena, primary!, secondary!, output, ports);
        }

        foreach (IDisposable? opened in (IEnumerable<IDisposable?>)[primary, secondary, output, .. inbound])
        {
            opened?.Dispose();
        }

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
}
