// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Ports.Linux;
using PacketDotNet;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Pcap;

/// <summary>Opens interfaces with libpcap, and puts its errors into one line.</summary>
internal static class LiveDevice
{
    /// <summary>The prefix of the names of <c>pcap:</c> ports.</summary>
    public const string NamePrefix = "pcap:";

    /// <summary>Opens an interface, non-blocking.</summary>
    /// <exception cref="PortException">There is no such interface, it is down or no Ethernet interface, or permission is
    /// lacking.</exception>
    public static LibPcapLiveDevice Open(string interfaceName, DeviceConfiguration configuration, string? filter = null)
    {
        LiveInterface.CheckUsable(interfaceName);
        LibPcapLiveDevice? device = null;
        try
        {
            // libpcap does not know alternative names.
            device = Find(InterfaceIndex.NameOf(InterfaceIndex.Of(interfaceName)) ?? interfaceName);
            device.Open(configuration);
            if (device.LinkType != LinkLayers.Ethernet)
            {
                string linkType = $"{device.LinkType} ({(int)device.LinkType})";
                throw new PortException(
                    $"cannot use interface '{interfaceName}': its link type is {linkType}; Ethernet is needed");
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

    private static LibPcapLiveDevice Find(string interfaceName) =>
        LibPcapLiveDeviceList.New().FirstOrDefault(d => d.Name == interfaceName)
        ?? throw new PortException($"cannot open interface '{interfaceName}': libpcap does not list it; Ethernet is needed");

    private static string Reason(string interfaceName, PcapException exception) => exception.Error switch
    {
        PcapError.PermissionDenied or PcapError.PromiscuousPermissionDenied =>
            $"no permission to open interface '{interfaceName}'; root or CAP_NET_RAW is needed",
        PcapError.InterfaceNotUp => LiveInterface.Down(interfaceName).Message,
        _ => $"cannot open interface '{interfaceName}': {exception.Message.ReplaceLineEndings(" ")}",
    };
}
