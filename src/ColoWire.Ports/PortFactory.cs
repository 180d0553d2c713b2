// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Files;
using ColoWire.Ports.Pcap;
using ColoWire.Ports.Streams;
using ColoWire.Ports.Xdp;

namespace ColoWire.Ports;

/// <summary>How ports are opened, where an operator may choose.</summary>
public sealed record PortOptions
{
    /// <summary>The kernel's buffer of a live capture; see <see cref="PortLimits.BufferMiB"/>.</summary>
    public int BufferMiB { get; init; } = PortLimits.BufferMiB.Default;

    /// <summary>Bytes captured of a frame, see <see cref="PortLimits.SnapLength"/>; null for what the interface's MTU needs.</summary>
    public int? SnapLength { get; init; }

    /// <summary>How long a frame waits for room in a full send queue; see <see cref="PortLimits.SendRetryMs"/>.</summary>
    public int SendRetryMs { get; init; } = PortLimits.SendRetryMs.Default;

    /// <summary>How <c>xdp:</c> ports are opened.</summary>
    public XdpOptions Xdp { get; init; }

    /// <summary>Whether the frames of <c>stream:</c> ports bear virtio-net headers (<c>vnet_hdr_support</c>).</summary>
    public bool HasVnetHeaders { get; init; }

    /// <summary>What lies between the engine's clock and the time since 1970, for captures that are written.</summary>
    public long FileTimeShiftNs { get; init; }
}

/// <summary>Which pipeline a port belongs to; of no matter to ports that are not <c>xdp:</c>.</summary>
/// <param name="Arena">Where the frames of the pipeline lie.</param>
/// <param name="Queue">The queue of the interface that the pipeline serves.</param>
/// <param name="IsFirst">Whether it is the first pipeline, whose ports tell what is counted of their whole interface.</param>
public sealed record PipelinePlace(FrameArena Arena, int Queue, bool IsFirst)
{
    /// <summary>The arena as AF_XDP knows it; the sockets of a pipeline share it.</summary>
    internal Umem Umem { get; } = new(Arena);
}

/// <summary>Opens the ports of a running appliance.</summary>
public static class PortFactory
{
    /// <summary>Opens a port for frames to come in. A capture is replayed from the first poll on, at its own pace.</summary>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public static ICapturePort OpenCapture(PortSpec spec, PortOptions options, PipelinePlace place)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(place);
        return spec.Kind switch
        {
            PortKind.File => FileCapturePort.OpenAsLive(spec.Target),
            PortKind.Xdp => new XdpCapturePort(spec.Target, place.Queue, place.Umem, options.Xdp, place.IsFirst),
            PortKind.Stream => new StreamCapturePort(spec.Endpoint, options.HasVnetHeaders),
            _ => new PcapCapturePort(spec.Target, options.BufferMiB, options.SnapLength),
        };
    }

    /// <summary>Opens a port for frames to leave.</summary>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public static IInjectPort OpenInject(PortSpec spec, PortOptions options, PipelinePlace place)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(place);
        return spec.Kind switch
        {
            PortKind.File => new FileInjectPort(spec.Target, nanoseconds: true, options.FileTimeShiftNs),
            PortKind.Xdp => new XdpInjectPort(spec.Target, place.Queue, place.Umem, options.Xdp, options.SendRetryMs),
            PortKind.Stream => new StreamInjectPort(spec.Endpoint, options.HasVnetHeaders, options.SendRetryMs),
            _ => new PcapInjectPort(spec.Target, options.SendRetryMs),
        };
    }
}
