// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>Checks at the start whether frames could bypass ColoWire: where they cannot, the kernel drops them without an
/// error.</summary>
public static class WireCheck
{
    /// <summary>What keeps redirected frames of a capture interface from leaving by the out interface; one line each, with the
    /// remedy.</summary>
    public static IReadOnlyList<string> Warnings(string captureName, string outName, XdpMode mode)
    {
        List<string> warnings = [];
        int outIndex = InterfaceIndex.Of(outName);
        int socket = InterfaceControl.OpenSocket();
        bool known = InterfaceControl.TryGetMtu(socket, captureName, out int captureMtu)
            & InterfaceControl.TryGetMtu(socket, outName, out int outMtu);
        bool isVeth = EthtoolFacts.Driver(socket, outName) == "veth";
        _ = Libc.Close(socket);
        if (known && outMtu < captureMtu)
        {
            warnings.Add(
                $"the out interface '{outName}' has an MTU of {outMtu} and '{captureName}' one of {captureMtu}: longer frames "
                + $"cannot bypass ColoWire; mend it with: ip link set dev {outName} mtu {captureMtu}");
        }

        // In generic mode the frame is in an skb by then, which every interface can send.
        if (mode == XdpMode.Native && NetdevNetlink.XdpFeatures(outIndex) is { } features
            && (features & NetdevNetlink.SendsRedirected) == 0)
        {
            string how = isVeth
                ? "at the far end of its cable: ethtool -K PEER gro on; or use xdp_mode generic"
                : "use xdp_mode generic";
            warnings.Add(
                $"the out interface '{outName}' cannot send frames that XDP redirects in native mode, so the kernel would drop "
                + $"all frames that are to bypass ColoWire; {how}");
        }

        return warnings;
    }
}
