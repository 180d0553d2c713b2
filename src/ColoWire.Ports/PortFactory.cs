// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Files;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Pcap;
using ColoWire.Ports.Streams;
using ColoWire.Ports.Xdp;

namespace ColoWire.Ports;

/// <summary>The options of the operator with which ports are opened.</summary>
public sealed record PortOptions
{
    /// <summary>The kernel's buffer of a <c>pcap:</c> capture, in MiB; see <see cref="PortLimits.BufferMiB"/>.</summary>
    public int BufferMiB { get; init; } = PortLimits.BufferMiB.Default;

    /// <summary>Bytes captured of a frame, see <see cref="PortLimits.SnapLength"/>; null for what the interface's MTU
    /// needs.</summary>
    public int? SnapLength { get; init; }

    /// <summary>How long a frame waits for room in a full send queue, in ms; see <see cref="PortLimits.SendRetryMs"/>.</summary>
    public int SendRetryMs { get; init; } = PortLimits.SendRetryMs.Default;

    /// <summary>How <c>xdp:</c> ports are opened.</summary>
    public XdpOptions Xdp { get; init; }

    /// <summary>Whether frames of <c>stream:</c> ports have virtio-net headers (<c>vnet_hdr_support</c>).</summary>
    public bool HasVnetHeaders { get; init; }

    /// <summary>Added to the engine's clock for the timestamps of a written capture, which count from 1970; in
    /// nanoseconds.</summary>
    public long FileTimeShiftNs { get; init; }
}

/// <summary>The pipeline that a port belongs to; only <c>xdp:</c> ports use it.</summary>
/// <param name="Arena">The memory of the pipeline's frames.</param>
/// <param name="Queue">The queue of the interface that the pipeline serves.</param>
/// <param name="IsFirst">Whether it is the first pipeline: its ports report what is counted for the whole interface.</param>
/// <param name="IsBothWays">Whether frames pass each interface in both directions: its capture port and its inject port then
/// share a socket.</param>
public sealed record PipelinePlace(FrameArena Arena, int Queue, bool IsFirst, bool IsBothWays = false)
{
    private readonly Dictionary<string, XdpSocketSource> sources = [];

    /// <summary>The arena as a UMEM, which the sockets of the pipeline share.</summary>
    private readonly Umem umem = new(Arena);

    /// <summary>The socket of an interface.</summary>
    /// <param name="interfaceName">The interface.</param>
    /// <param name="options">How it is opened.</param>
    /// <param name="direction">The direction of the port that needs the socket.</param>
    internal XdpSocketSource SourceOf(string interfaceName, XdpOptions options, XdpDirections direction)
    {
        if (!sources.TryGetValue(interfaceName, out XdpSocketSource? source))
        {
            XdpDirections directions = IsBothWays ? XdpDirections.Receive | XdpDirections.Transmit : direction;
            bool countsInterface = IsFirst && directions.HasFlag(XdpDirections.Receive);
            source = sources[interfaceName] = new(interfaceName, Queue, umem, options, directions, countsInterface);
        }

        return source;
    }
}

/// <summary>Opens the ports of a running appliance.</summary>
public static class PortFactory
{
    /// <summary>Opens a port for frames that arrive. A capture is replayed from the first poll on, at its own pace.</summary>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public static ICapturePort OpenCapture(PortSpec spec, PortOptions options, PipelinePlace place)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(place);
        return spec.Kind switch
        {
            PortKind.File => FileCapturePort.OpenAsLive(spec.Target),
            PortKind.Xdp => new XdpCapturePort(place.SourceOf(spec.Target, options.Xdp, XdpDirections.Receive)),
            PortKind.Stream => new StreamCapturePort(spec.Endpoint, options.HasVnetHeaders),
            _ => new PcapCapturePort(Ethernet(spec.Target), options.BufferMiB, options.SnapLength),
        };
    }

    /// <summary>Opens a port for frames that leave.</summary>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public static IInjectPort OpenInject(PortSpec spec, PortOptions options, PipelinePlace place)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(place);
        return spec.Kind switch
        {
            PortKind.File => new FileInjectPort(spec.Target, nanoseconds: true, options.FileTimeShiftNs),
            PortKind.Xdp => new XdpInjectPort(
                place.SourceOf(spec.Target, options.Xdp, XdpDirections.Transmit), options.SendRetryMs),
            PortKind.Stream => new StreamInjectPort(spec.Endpoint, options.HasVnetHeaders, options.SendRetryMs),
            _ => new PcapInjectPort(Ethernet(spec.Target), options.SendRetryMs),
        };
    }

    /// <summary>libpcap refuses interfaces of other link types itself, except the loopback interface, whose frames have an
    /// Ethernet header of zeros.</summary>
    private static string Ethernet(string interfaceName)
    {
        LiveInterface.CheckEthernet(interfaceName);
        return interfaceName;
    }
}
