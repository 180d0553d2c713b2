// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Wire.Tests.Live;

/// <summary>What all three ports of a program are.</summary>
internal enum LivePorts
{
    /// <summary><c>pcap:</c> ports.</summary>
    Pcap,

    /// <summary><c>xdp:</c> ports in native mode.</summary>
    XdpNative,

    /// <summary><c>xdp:</c> ports in generic mode.</summary>
    XdpGeneric,
}

/// <summary>How a command line says so.</summary>
internal static class LivePortsWords
{
    /// <summary>What stands before the names of its interfaces.</summary>
    public static string Prefix(this LivePorts ports) => ports == LivePorts.Pcap ? "pcap:" : "xdp:";

    /// <summary>The options of the ports of one pipeline.</summary>
    public static string[] Words(this LivePorts ports, int pipeline)
    {
        string prefix = ports.Prefix();
        List<string> words =
        [
            "--primary-in", prefix + BridgeHost.PrimaryPort(pipeline), "--secondary-in", prefix + BridgeHost.SecondaryPort(pipeline),
            "--outdev", prefix + BridgeHost.OutPort(pipeline),
        ];
        if (ports == LivePorts.XdpGeneric)
            words.AddRange(["--xdp-mode", "generic"]);
        return [.. words];
    }
}
