// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

public sealed unsafe partial class PortProgram
{
    /// <summary>Attaches the program. A program of ColoWire that is attached is replaced in one step, so that each frame meets
    /// one of the two; only one that runs in the other mode is detached first. To let no frame bypass ColoWire, write the
    /// heartbeat before.</summary>
    /// <exception cref="PortException">A program that is not ColoWire's is attached, or the kernel refuses this one.</exception>
    public void TakeOver()
    {
        using EarlierProgram? earlier = EarlierProgram.Find(interfaceName, interfaceIndex);
        if (earlier is null)
        {
            Attach(RouteNetlink.NoProgram);
        }
        else if (earlier.Mode == options.Mode)
        {
            Attach(earlier.Descriptor);
        }
        else
        {
            earlier.Detach(interfaceIndex);
            Attach(RouteNetlink.NoProgram);
        }

        // After the replacement, so that its last frames are counted.
        Before = earlier?.Bypass(Heartbeat.NowNs);
    }

    /// <summary>Detaches the program that an earlier ColoWire has left on an interface that needs none now: it would redirect the
    /// primary's frames, and drop the secondary's. A program that is not ColoWire's stays.</summary>
    /// <exception cref="PortException">It cannot be detached, or this process has no permission to read whose it is.</exception>
    internal static void RemoveEarlier(string interfaceName)
    {
        RemoveEarlier(interfaceName, InterfaceIndex.Of(interfaceName));
    }

    /// <summary>The same by the index of the interface.</summary>
    internal static void RemoveEarlier(string interfaceName, int interfaceIndex)
    {
        using EarlierProgram? earlier = EarlierProgram.Find(interfaceName, interfaceIndex, mayBeForeign: true);
        earlier?.Detach(interfaceIndex);
    }

    /// <summary>Attaches the program again to an interface that it was detached from.</summary>
    /// <exception cref="PortException">Another program is attached by now, or the kernel refuses this one.</exception>
    internal void AttachAgain() => Attach(RouteNetlink.NoProgram);

    private void Attach(int expected)
    {
        NetlinkAnswer answer = RouteNetlink.Attach(interfaceIndex, options.Mode, objects.Program, expected);
        if (answer.Error == 0)
        {
            return;
        }

        string what = $"cannot attach the XDP program to interface '{interfaceName}'";
        throw new PortException(answer.Error switch
        {
            Libc.NotPermitted => $"{what}: no permission; root or CAP_NET_ADMIN and CAP_BPF are needed",
            Libc.Busy or Libc.Exists => $"{what}: {answer.Reason}; see what is there: ip link show dev {interfaceName}",
            _ when options.Mode == XdpMode.Generic => $"{what} in generic mode: {answer.Reason}",
            _ when answer.Reason.Contains("MTU", StringComparison.OrdinalIgnoreCase) =>
                $"{what} in native mode: {answer.Reason}; use xdp_mode generic, or at both ends of the cable: "
                + $"ip link set dev {interfaceName} mtu 1500",
            _ => $"{what} in native mode: {answer.Reason}; use xdp_mode generic",
        });
    }
}
