// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;

namespace ColoWire.Ports.Linux;

/// <summary>The checks of an interface before a live port opens it, and their error messages.</summary>
internal static class LiveInterface
{
    /// <summary>Checks that an interface exists and is up.</summary>
    /// <exception cref="PortException">It does not, or is not.</exception>
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

    /// <summary>Checks that an interface carries Ethernet frames.</summary>
    /// <exception cref="PortException">It does not.</exception>
    public static void CheckEthernet(string interfaceName)
    {
        int socket = InterfaceControl.OpenSocket();
        bool known = InterfaceControl.TryGetHardwareType(socket, interfaceName, out int type);
        _ = Libc.Close(socket);
        if (known && type != InterfaceFacts.EthernetHardwareType)
        {
            throw new PortException(
                $"cannot use interface '{interfaceName}': its type is {type}; "
                + $"Ethernet ({InterfaceFacts.EthernetHardwareType}) is needed");
        }
    }

    /// <summary>The MTU of an interface in this thread's namespace, in bytes.</summary>
    /// <exception cref="PortException">There is no such interface.</exception>
    public static int MtuOf(string interfaceName)
    {
        int socket = InterfaceControl.OpenSocket();
        bool known = InterfaceControl.TryGetMtu(socket, interfaceName, out int mtu);
        _ = Libc.Close(socket);
        return known ? mtu : throw Unknown(interfaceName);
    }

    /// <summary>The error for an interface that is down.</summary>
    public static PortException Down(string interfaceName) =>
        new($"cannot open interface '{interfaceName}': it is down; mend it with: ip link set {interfaceName} up");

    /// <summary>The error for a name that no interface has.</summary>
    public static PortException Unknown(string interfaceName)
    {
        string known = string.Join(", ", InterfaceFacts.ReadAll().Select(f => f.Name));
        return new PortException($"there is no interface '{interfaceName}'; known are {known}");
    }
}
