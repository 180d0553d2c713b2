// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports.Xdp;

public sealed unsafe partial class PortProgram
{
    /// <summary>Error numbers (asm-generic/errno-base.h).</summary>
    private const int NoPermission = 1;
    private const int Busy = 16;
    private const int Exists = 17;

    /// <summary>Attaches the program. One of ColoWire's that is on the interface is replaced in one step, so that no frame falls between
    /// them; only where it runs in the other mode it has to go first. Who wants no frame to go past meanwhile has beaten before.</summary>
    /// <exception cref="PortException">A program of somebody else's is attached, or the kernel refuses this one.</exception>
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

        // After it was replaced: what it did until then counts.
        Before = earlier?.Bypass(NowNs);
    }

    /// <summary>Takes what an earlier ColoWire has left off an interface that needs no program now: the primary's frames would go past this
    /// one, and the secondary's nowhere. A program of somebody else's stays.</summary>
    /// <exception cref="PortException">It cannot be taken off, or this process may not see whose it is.</exception>
    internal static void RemoveEarlier(string interfaceName)
    {
        RemoveEarlier(interfaceName, InterfaceIndex.Of(interfaceName));
    }

    /// <summary>The same by the kernel's number of the interface.</summary>
    internal static void RemoveEarlier(string interfaceName, int interfaceIndex)
    {
        using EarlierProgram? earlier = EarlierProgram.Find(interfaceName, interfaceIndex, mayBeForeign: true);
        earlier?.Detach(interfaceIndex);
    }

    /// <summary>Attaches it again to an interface that it was taken off.</summary>
    /// <exception cref="PortException">There is another program by now, or the kernel refuses this one.</exception>
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
            NoPermission => $"{what}: no permission; root or CAP_NET_ADMIN and CAP_BPF are needed",
            Busy or Exists => $"{what}: {answer.Reason}; see what is there: ip link show dev {interfaceName}",
            _ when options.Mode == XdpMode.Generic => $"{what} in generic mode: {answer.Reason}",
            _ when answer.Reason.Contains("MTU", StringComparison.OrdinalIgnoreCase) =>
                $"{what} in native mode: {answer.Reason}; use xdp_mode generic, or at both ends of the cable: "
                + $"ip link set dev {interfaceName} mtu 1500",
            _ => $"{what} in native mode: {answer.Reason}; use xdp_mode generic",
        });
    }
}
