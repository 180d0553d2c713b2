// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Streams;
using ColoWire.Ports.Xdp;

namespace ColoWire.Reports;

/// <summary>Log lines about lost frames. No primary frame is lost without a line in the log (R4), and a lost secondary frame
/// explains a divergence.</summary>
internal static class LossText
{
    /// <summary>A line for each cause of frames that a capture port has lost since an earlier look.</summary>
    public static IReadOnlyList<string> Of(string port, CaptureStatistics now, CaptureStatistics earlier)
    {
        if (Lost(now) == Lost(earlier))
        {
            // The usual case; it allocates nothing.
            return [];
        }

        bool isStream = IsStream(port);
        bool isXdp = port.StartsWith("xdp:", StringComparison.Ordinal);
        string buffer = isXdp ? "ring was full (--xdp-ring)" : "buffer was full (--capture-buffer)";
        (long Count, string Cause)[] losses =
        [
            (now.KernelDropped - earlier.KernelDropped, $"came when the kernel's {buffer}"),
            (now.InterfaceDropped - earlier.InterfaceDropped, "were dropped by the interface itself (ring sizes: ethtool -g)"),
            (now.Truncated - earlier.Truncated, isStream
                ? "were cut off when the connection ended" : "are longer than --snaplen (segmentation "
                    + "offloads: colowire interfaces)"),
            (now.BadLengths - earlier.BadLengths,
                "were announced with a length that no frame can have, and the connection was closed: "
                    + "is vnet_hdr_support the same at both ends?"),
            (now.Oversize - now.BadLengths - (earlier.Oversize - earlier.BadLengths), isXdp
                ? $"are longer than the {XdpCapturePort.MaxFrameBytes} bytes of a slot: the MTU was raised while ColoWire runs "
                    + "(ip link set IF mtu, or pcap:)"
                : isStream ? $"are longer than {EngineLimits.MaxFrameBytes} bytes, or than a slot (--large-slots 0)"
                : $"are longer than {EngineLimits.MaxFrameBytes} bytes"),
        ];
        return Lines(port, losses);
    }

    /// <summary>A line for each cause of frames that the out port has lost since an earlier look.</summary>
    public static IReadOnlyList<string> Of(string port, InjectStatistics now, InjectStatistics earlier)
    {
        if (now.Lost == earlier.Lost)
        {
            return [];
        }

        (long Count, string Cause)[] losses =
        [
            (now.TooLong - earlier.TooLong, "are longer than the interface's MTU allows"),
            (now.LinkDown - earlier.LinkDown, IsStream(port) ? "found no peer connected" : "found the link down"),
            (now.Failed - earlier.Failed, IsStream(port)
                ? "found no room: the other end does not read (--send-retry-ms)" : "could not be sent"),
        ];
        return Lines(port, losses);
    }

    /// <summary>A line when frames have gone past the appliance since an earlier look, else null.</summary>
    public static string? Of(FailWireCounts now, FailWireCounts earlier) => now.Bypasses == earlier.Bypasses
        ? null
        : $"ColoWire is back after {DurationText.Of(now.AwayNs - earlier.AwayNs)}: meanwhile "
            + $"{now.ToWire - earlier.ToWire} frames "
            + $"of the primary went to the wire uncompared, {ToPrimary(now.ToPrimary - earlier.ToPrimary)}"
            + $"{now.Dropped - earlier.Dropped} frames were dropped; a new epoch begins";

    private static string ToPrimary(long count) => count == 0 ? "" : $"{count} frames of clients to the primary alone, ";

    private static bool IsStream(string port) => port.StartsWith(StreamCapturePort.NamePrefix, StringComparison.Ordinal);

    private static long Lost(in CaptureStatistics port) =>
        port.KernelDropped + port.InterfaceDropped + port.Oversize + port.Truncated;

    private static List<string> Lines(string port, (long Count, string Cause)[] losses)
    {
        List<string> lines = [];
        foreach ((long count, string cause) in losses)
        {
            if (count > 0)
            {
                lines.Add($"{port}: {count} frames lost: they {cause}");
            }
        }

        return lines;
    }
}
