// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;

namespace ColoWire.Ports.Linux;

/// <summary>What every live port asks of its interface before it opens it, and the line when the answer is no.</summary>
internal static class LiveInterface
{
    /// <summary>Makes sure that an interface is there and switched on.</summary>
    /// <exception cref="PortException">It is not.</exception>
    public static void CheckUsable(string interfaceName)
    {
        int socket = InterfaceControl.OpenSocket();
        bool known = InterfaceControl.TryGetFlags(socket, interfaceName, out uint flags);
        _ = Libc.Close(socket);
        if (!known)
        {
            throw Unknown(interfaceName);
        }

        if ((flags & InterfaceControl.FlagUp) == 0)
        {
            throw Down(interfaceName);
        }
    }

    /// <summary>Makes sure that an interface carries Ethernet frames; libpcap sees to that by itself.</summary>
    /// <exception cref="PortException">It does not.</exception>
    public static void CheckEthernet(string interfaceName)
    {
        int socket = InterfaceControl.OpenSocket();
        bool known = InterfaceControl.TryGetHardwareType(socket, interfaceName, out int type);
        _ = Libc.Close(socket);
        if (known && type != InterfaceFacts.EthernetHardwareType)
        {
            throw new PortException($"cannot use interface '{interfaceName}': its type is {type}; Ethernet ({InterfaceFacts.EthernetHardwareType}) is needed");
        }
    }

    /// <summary>The MTU of an interface in this thread's namespace.</summary>
    public static int MtuOf(string interfaceName)
    {
        int socket = InterfaceControl.OpenSocket();
        bool known = InterfaceControl.TryGetMtu(socket, interfaceName, out int mtu);
        _ = Libc.Close(socket);
        return known ? mtu : throw Unknown(interfaceName);
    }

    /// <summary>What is said of an interface that is switched off.</summary>
    public static PortException Down(string interfaceName) =>
        new($"cannot open interface '{interfaceName}': it is down; mend it with: ip link set {interfaceName} up");

    private static PortException Unknown(string interfaceName) =>
        new($"there is no interface '{interfaceName}'; known are {string.Join(", ", InterfaceFacts.ReadAll().Select(f => f.Name))}");
}
