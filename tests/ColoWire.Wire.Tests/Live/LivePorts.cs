// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Wire.Tests.Live;

/// <summary>The kinds of the three ports of a program.</summary>
internal enum LivePorts
{
    /// <summary><c>pcap:</c> ports.</summary>
    Pcap,

    /// <summary><c>xdp:</c> ports in native mode.</summary>
    XdpNative,

    /// <summary><c>xdp:</c> ports in generic mode.</summary>
    XdpGeneric,

    /// <summary>The primary's and the outside's are <c>xdp:</c> ports, the secondary's is a <c>pcap:</c> port.</summary>
    PcapSecondary,

    /// <summary>The guests' are <c>xdp:</c> ports, the outside's is a <c>pcap:</c> port.</summary>
    PcapOutside,
}

/// <summary>How a command line says so.</summary>
internal static class LivePortsWords
{
    private const string Pcap = "pcap:";
    private const string Xdp = "xdp:";

    /// <summary>What stands before the names of its interfaces.</summary>
    public static string Prefix(this LivePorts ports) => ports == LivePorts.Pcap ? Pcap : Xdp;

    /// <summary>The options of the ports of one pipeline.</summary>
    public static string[] Words(this LivePorts ports, int pipeline)
    {
        string prefix = ports.Prefix();
        List<string> words =
        [
            "--primary-in", prefix + BridgeHost.PrimaryPort(pipeline),
            "--secondary-in",
            (ports == LivePorts.PcapSecondary ? Pcap : prefix) + BridgeHost.SecondaryPort(pipeline),
            "--outdev", (ports == LivePorts.PcapOutside ? Pcap : prefix) + BridgeHost.OutPort(pipeline),
        ];
        if (ports == LivePorts.XdpGeneric)
            words.AddRange(["--xdp-mode", "generic"]);
        return [.. words];
    }
}
