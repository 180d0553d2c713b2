// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Ports.Linux;
using PacketDotNet;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Pcap;

/// <summary>Opens interfaces and turns what can be wrong with them into one line.</summary>
internal static class LiveDevice
{
    /// <summary>How live ports are named.</summary>
    public const string NamePrefix = "pcap:";

    /// <summary>Opens an interface, non-blocking.</summary>
    /// <exception cref="PortException">There is no such interface, it is down or no Ethernet, or permission is lacking.</exception>
    public static LibPcapLiveDevice Open(string interfaceName, DeviceConfiguration configuration, string? filter = null)
    {
        CheckUsable(interfaceName);
        LibPcapLiveDevice? device = null;
        try
        {
            device = Find(interfaceName);
            device.Open(configuration);
            if (device.LinkType != LinkLayers.Ethernet)
            {
                string linkType = $"{device.LinkType} ({(int)device.LinkType})";
                throw new PortException($"cannot use interface '{interfaceName}': its link type is {linkType}; Ethernet is needed");
            }

            if (filter is not null)
            {
                device.Filter = filter;
            }

            device.NonBlockingMode = true;
            return device;
        }
        catch (PcapException exception)
        {
            device?.Dispose();
            throw new PortException(Reason(interfaceName, exception), exception);
        }
        catch (PortException)
        {
            device?.Dispose();
            throw;
        }
        catch (Exception exception) when (LibpcapMissing.Is(exception))
        {
            throw LibpcapMissing.Exception(exception);
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

    private static void CheckUsable(string interfaceName)
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

    private static LibPcapLiveDevice Find(string interfaceName) =>
        LibPcapLiveDeviceList.New().FirstOrDefault(d => d.Name == interfaceName)
        ?? throw new PortException($"cannot open interface '{interfaceName}': libpcap does not list it; Ethernet is needed");

    private static PortException Unknown(string interfaceName) =>
        new($"there is no interface '{interfaceName}'; known are {string.Join(", ", InterfaceFacts.ReadAll().Select(f => f.Name))}");

    private static PortException Down(string interfaceName) =>
        new($"cannot open interface '{interfaceName}': it is down; mend it with: ip link set {interfaceName} up");

    private static string Reason(string interfaceName, PcapException exception) => exception.Error switch
    {
        PcapError.PermissionDenied or PcapError.PromiscuousPermissionDenied =>
            $"no permission to open interface '{interfaceName}'; root or CAP_NET_RAW is needed",
        PcapError.InterfaceNotUp => Down(interfaceName).Message,
        _ => $"cannot open interface '{interfaceName}': {exception.Message.ReplaceLineEndings(" ")}",
    };
}
