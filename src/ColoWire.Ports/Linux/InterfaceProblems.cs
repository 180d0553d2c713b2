// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace ColoWire.Ports.Linux;

/// <summary>A property of an interface that keeps it from being a good port.</summary>
/// <param name="What">What is wrong and why it matters, in one line.</param>
/// <param name="Command">The exact command that corrects it; null where no command can.</param>
public sealed record InterfaceProblem(string What, string? Command);

/// <summary>The permissions that a process lacks.</summary>
/// <param name="Ports">For any live port; null for nothing.</param>
/// <param name="Programs">For an XDP program, which <c>xdp:</c> ports and <c>on_death</c> <c>wire</c> need; null for
/// nothing.</param>
public readonly record struct PortPermissions(InterfaceProblem? Ports, InterfaceProblem? Programs)
{
    /// <summary>Both; the gravest first.</summary>
    public IReadOnlyList<InterfaceProblem> Problems => [.. new[] { Ports, Programs }.OfType<InterfaceProblem>()];
}

/// <summary>Finds what is wrong with an interface as a port, by its properties.</summary>
public static class InterfaceProblems
{
    private const string LinkLocalPrefix = "fe80:";

    /// <summary>CAP_NET_RAW (linux/capability.h): packet sockets. It includes their promiscuous mode (PACKET_ADD_MEMBERSHIP,
    /// packet(7)).</summary>
    private const ulong PortCapability = 1UL << 13;

    /// <summary>CAP_NET_ADMIN and CAP_BPF, to load and attach an XDP program; CAP_SYS_ADMIN, to open the one of an earlier
    /// process by its id.</summary>
    private const ulong ProgramCapabilities = (1UL << 12) | (1UL << 39) | (1UL << 21);

    /// <summary>Drivers of virtual interfaces, which complete no checksum that a guest has left to its NIC: tap (with or without
    /// vhost), veth, and macvtap, whose driver reports the name macvlan.</summary>
    private static readonly string[] DriversWithoutChecksums = ["tun", "veth", "macvlan"];

    /// <summary>What is wrong with an interface as a port; the gravest first.</summary>
    public static IReadOnlyList<InterfaceProblem> Of(InterfaceFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        List<InterfaceProblem> problems = [];
        if (!facts.IsEthernet)
        {
            problems.Add(new InterfaceProblem($"not an Ethernet interface (type {facts.HardwareType}): cannot be a port", null));
            return problems;
        }

        if (!facts.IsUp)
        {
            problems.Add(new InterfaceProblem("down: cannot be opened", $"ip link set {facts.Name} up"));
        }
        else if (!facts.IsRunning)
        {
            problems.Add(new InterfaceProblem("no link: the cable or the other end is missing or down", null));
        }

        AddOffloads(problems, facts);
        problems.AddRange(OfHostUse(facts));
        if (facts.Rings is { } rings && rings.Rx < rings.RxMaximum)
        {
            problems.Add(new InterfaceProblem(
                $"receive ring has {rings.Rx} of {rings.RxMaximum} frames: bursts are lost sooner",
                $"ethtool -G {facts.Name} rx {rings.RxMaximum}"));
        }

        if (DriversWithoutChecksums.Contains(facts.Driver))
        {
            problems.Add(new InterfaceProblem(
                $"{facts.Driver}: a guest behind it may leave TCP and UDP checksums incomplete; ColoWire completes them "
                + "(partial_checksums), or the guest does after this command in it, where IF is its interface",
                "ethtool -K IF tx off"));
        }

        return problems;
    }

    /// <summary>The permissions that this process lacks for live ports.</summary>
    /// <param name="programPath">The program that would get the capabilities.</param>
    public static PortPermissions Permissions(string programPath) => Permissions(programPath, EffectiveCapabilities());

    internal static PortPermissions Permissions(string programPath, ulong capabilities) => new(
        (capabilities & PortCapability) != 0
            ? null
            : new InterfaceProblem(
                "no permission to capture and send: root or CAP_NET_RAW is needed",
                $"setcap cap_net_raw+ep {programPath}"),
        (capabilities & ProgramCapabilities) == ProgramCapabilities
            ? null
            : new InterfaceProblem(
                "no permission for xdp: ports and for on_death wire: root or CAP_NET_ADMIN, CAP_BPF and CAP_SYS_ADMIN are needed "
                + "too, and for xdp: ports memory that may be locked (ulimit -l, or CAP_IPC_LOCK)",
                $"setcap cap_net_raw,cap_net_admin,cap_bpf,cap_sys_admin,cap_ipc_lock+ep {programPath}"));

    private static void AddOffloads(List<InterfaceProblem> problems, InterfaceFacts facts)
    {
        InterfaceOffloads offloads = facts.Offloads;
        (bool? On, string Name)[] merging =
            [(offloads.Gro, "gro"), (offloads.Lro, "lro"), (offloads.Gso, "gso"), (offloads.Tso, "tso")];
        string[] on = merging.Where(o => o.On == true).Select(o => o.Name).ToArray();
        if (on.Length != 0)
        {
            problems.Add(new InterfaceProblem(
                $"{string.Join(", ", on)} on: segments are merged into frames that are too long to send on",
                $"ethtool -K {facts.Name} {string.Join(' ', on.Select(o => o + " off"))}"));
        }
    }

    /// <summary>What the host itself has on an interface, so that frames bypass the comparison or are the host's own: a bridge,
    /// a default route, addresses.</summary>
    public static IReadOnlyList<InterfaceProblem> OfHostUse(InterfaceFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        List<InterfaceProblem> problems = [];
        if (facts.Master is not null)
        {
            problems.Add(new InterfaceProblem(
                $"belongs to {facts.Master}: frames would bypass the comparison",
                $"ip link set {facts.Name} nomaster"));
        }

        if (facts.HasDefaultRoute)
        {
            // Without a command: to remove the addresses would cut the operator off.
            problems.Add(new InterfaceProblem("has the default route: the host is reached by it, so it is no port", null));
            return problems;
        }

        string[] linkLocal = facts.Addresses.Where(IsLinkLocal).ToArray();
        string[] others = facts.Addresses.Where(a => !IsLinkLocal(a)).ToArray();
        if (others.Length != 0)
        {
            problems.Add(new InterfaceProblem(
                $"has {string.Join(", ", others)}: as a port it needs no address, the host would answer on it",
                $"ip addr flush dev {facts.Name}"));
        }

        if (linkLocal.Length != 0)
        {
            problems.Add(new InterfaceProblem(
                $"has {string.Join(", ", linkLocal)}: the host sends IPv6 frames of its own on it",
                $"sysctl -w net.ipv6.conf.{facts.Name.Replace('.', '/')}.disable_ipv6=1"));
        }

        return problems;
    }

    private static bool IsLinkLocal(string address) => address.StartsWith(LinkLocalPrefix, StringComparison.OrdinalIgnoreCase);

    private static ulong EffectiveCapabilities()
    {
        const string label = "CapEff:";
        string? line = File.ReadLines("/proc/thread-self/status")
            .FirstOrDefault(l => l.StartsWith(label, StringComparison.Ordinal));
        return ulong.TryParse(line?[label.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : 0;
    }
}
