// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.NetworkInformation;

namespace ColoWire.Ports.Linux;

/// <summary>The properties of a network interface that decide whether it can be a port, and how well.</summary>
public sealed record InterfaceFacts
{
    /// <summary>The ARPHRD_* number of Ethernet (linux/if_arp.h).</summary>
    internal const int EthernetHardwareType = 1;

    private const uint FlagPromiscuous = 0x100;

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it is administratively up (IFF_UP).</summary>
    public required bool IsUp { get; init; }

    /// <summary>Whether it is up and has carrier (IFF_RUNNING).</summary>
    public required bool IsRunning { get; init; }

    /// <summary>The longest packet in bytes, without the Ethernet header.</summary>
    public required int Mtu { get; init; }

    /// <summary>The ARPHRD_* number of its kind; 1 is Ethernet.</summary>
    public required int HardwareType { get; init; }

    /// <summary>Whether its frames are Ethernet frames.</summary>
    public bool IsEthernet => HardwareType == EthernetHardwareType;

    /// <summary>The host's addresses on it, with prefix lengths.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }

    /// <summary>Whether it has the default route.</summary>
    public bool HasDefaultRoute { get; init; }

    /// <summary>The bridge, bond or team that it belongs to; null for none.</summary>
    public required string? Master { get; init; }

    /// <summary>Whether it receives frames for any address, as it does while a port is open on it.</summary>
    public required bool IsPromiscuous { get; init; }

    /// <summary>The kernel driver; null where there is none.</summary>
    public required string? Driver { get; init; }

    /// <summary>Its offloads.</summary>
    public required InterfaceOffloads Offloads { get; init; }

    /// <summary>Its rings; null where its driver does not say.</summary>
    public required InterfaceRings? Rings { get; init; }

    /// <summary>Its receive queues; null where sysfs does not show them.</summary>
    public int? ReceiveQueues { get; init; }

    /// <summary>What its driver supports of XDP (NETDEV_XDP_ACT_*, linux/netdev.h); null where the kernel does not say.</summary>
    public ulong? XdpFeatures { get; init; }

    /// <summary>All interfaces of this thread's network namespace, by name.</summary>
    public static IReadOnlyList<InterfaceFacts> ReadAll()
    {
        int socket = InterfaceControl.OpenSocket();
        try
        {
            return NetworkInterface.GetAllNetworkInterfaces()
                .Select(i => Read(socket, i.Name, i.GetIPProperties()))
                .OfType<InterfaceFacts>()
                .OrderBy(f => f.Name, StringComparer.Ordinal)
                .ToArray();
        }
        finally
        {
            _ = Libc.Close(socket);
        }
    }

    /// <summary>One interface; null when there is none of this name.</summary>
    public static InterfaceFacts? Read(string name) => ReadAll().FirstOrDefault(f => f.Name == name);

    private static InterfaceFacts? Read(int socket, string name, IPInterfaceProperties ip)
    {
        // The interface may be removed between these requests.
        if (!InterfaceControl.TryGetFlags(socket, name, out uint flags)
            || !InterfaceControl.TryGetMtu(socket, name, out int mtu)
            || !InterfaceControl.TryGetHardwareType(socket, name, out int hardwareType))
        {
            return null;
        }

        return new InterfaceFacts
        {
            Name = name,
            IsUp = (flags & InterfaceControl.FlagUp) != 0,
            IsRunning = (flags & InterfaceControl.FlagRunning) != 0,
            Mtu = mtu,
            HardwareType = hardwareType,
            Addresses = AddressesOf(ip),
            HasDefaultRoute = ip.GatewayAddresses.Count != 0,
            Master = MasterOf(name),
            IsPromiscuous = IsPromiscuousInSysfs(name),
            Driver = EthtoolFacts.Driver(socket, name),
            Offloads = EthtoolFacts.Offloads(socket, name),
            Rings = EthtoolFacts.Rings(socket, name),
            ReceiveQueues = InterfaceQueues.CountReceive(name) is > 0 and int count ? count : null,
            XdpFeatures = XdpFeaturesOf(name),
        };
    }

    private static ulong? XdpFeaturesOf(string name)
    {
        try
        {
            return InterfaceIndex.Find(name) is { } index ? NetdevNetlink.XdpFeatures(index) : null;
        }
        catch (PortException)
        {
            return null;
        }
    }

    private static string[] AddressesOf(IPInterfaceProperties ip) =>
        ip.UnicastAddresses
            .Select(a => string.Create(CultureInfo.InvariantCulture, $"{WithoutScope(a.Address.ToString())}/{a.PrefixLength}"))
            .ToArray();

    private static string WithoutScope(string address) => address.Split('%')[0];

    private static string? MasterOf(string name)
    {
        try
        {
            return Path.GetFileName(File.ResolveLinkTarget(SysfsPath(name, "master"), returnFinalTarget: false)?.FullName);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The flags in sysfs say whether it is promiscuous for any reason; the ioctl says only whether an operator made it
    /// so.</summary>
    private static bool IsPromiscuousInSysfs(string name)
    {
        try
        {
            string text = File.ReadAllText(SysfsPath(name, "flags")).Trim();
            return text.StartsWith("0x", StringComparison.Ordinal)
                && uint.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint flags)
                && (flags & FlagPromiscuous) != 0;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static string SysfsPath(string name, string entry) => $"/sys/class/net/{name}/{entry}";
}

/// <summary>The offloads of an interface; null where its driver does not say.</summary>
/// <param name="Tso">The device segments TCP on transmission.</param>
/// <param name="Gso">The kernel segments just before transmission.</param>
/// <param name="Gro">The kernel merges received segments.</param>
/// <param name="Lro">The device merges received segments.</param>
/// <param name="TxChecksum">The device completes checksums on transmission.</param>
/// <param name="RxChecksum">The device verifies received checksums.</param>
/// <param name="TxVlan">The device inserts VLAN tags.</param>
/// <param name="RxVlan">The device removes VLAN tags (libpcap puts them back).</param>
public sealed record InterfaceOffloads(
    bool? Tso, bool? Gso, bool? Gro, bool? Lro, bool? TxChecksum, bool? RxChecksum, bool? TxVlan, bool? RxVlan);

/// <summary>The rings of an interface, in frames.</summary>
/// <param name="Rx">Entries of the receive ring.</param>
/// <param name="RxMaximum">The most that it can have.</param>
/// <param name="Tx">Entries of the transmit ring.</param>
/// <param name="TxMaximum">The most that it can have.</param>
public sealed record InterfaceRings(long Rx, long RxMaximum, long Tx, long TxMaximum);
