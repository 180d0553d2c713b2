// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;

namespace ColoWire.Reports;

/// <summary>The interfaces of this machine, and what keeps each of them from being a port.</summary>
/// <param name="Problems">Permissions that this process lacks.</param>
/// <param name="Interfaces">The interfaces.</param>
internal sealed record InterfacesReport(IReadOnlyList<InterfaceProblem> Problems, IReadOnlyList<InterfaceReport> Interfaces)
{
    /// <summary>Checks interfaces.</summary>
    /// <param name="interfaces">The facts of each.</param>
    /// <param name="permissions">The permissions that this process lacks.</param>
    public static InterfacesReport Of(IReadOnlyList<InterfaceFacts> interfaces, PortPermissions permissions) =>
        new(permissions.Problems, [.. interfaces.Select(facts => InterfaceReport.Of(facts, permissions))]);
}

/// <summary>One interface.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Driver">Its driver; null where the kernel names none.</param>
/// <param name="State"><c>up</c>, <c>no link</c> or <c>down</c>.</param>
/// <param name="Mtu">Its MTU, in bytes.</param>
/// <param name="Addresses">The host's addresses on it, with prefix lengths; a port needs none.</param>
/// <param name="Master">The bridge, bond or team that it belongs to; null for none, as a port needs it.</param>
/// <param name="Usable">Whether it can be opened as a port.</param>
/// <param name="Xdp">How well it does as an <c>xdp:</c> port.</param>
/// <param name="Problems">What is wrong with it, each with the command that corrects it.</param>
internal sealed record InterfaceReport(
    string Name,
    string? Driver,
    string State,
    int Mtu,
    IReadOnlyList<string> Addresses,
    string? Master,
    bool Usable,
    XdpReport Xdp,
    IReadOnlyList<InterfaceProblem> Problems)
{
    /// <summary>Checks an interface.</summary>
    public static InterfaceReport Of(InterfaceFacts facts, PortPermissions permissions) => new(
        facts.Name,
        facts.Driver,
        facts.IsRunning ? "up" : facts.IsUp ? "no link" : "down",
        facts.Mtu,
        facts.Addresses,
        facts.Master,
        facts is { IsEthernet: true, IsUp: true, HasDefaultRoute: false } && permissions.Ports == null,
        XdpReport.Of(facts),
        InterfaceProblems.Of(facts));
}

/// <summary>How well an interface does as an <c>xdp:</c> port.</summary>
/// <param name="Support">The name of the <see cref="XdpSupport"/>.</param>
/// <param name="Why">Why it is not better; null for nothing.</param>
/// <param name="ReceiveQueues">How many receive queues it has; null when that is not known.</param>
internal sealed record XdpReport(string Support, string? Why, int? ReceiveQueues)
{
    /// <summary>Checks an interface.</summary>
    public static XdpReport Of(InterfaceFacts facts)
    {
        (XdpSupport support, string? why) = XdpFitness.Of(facts);
        return new XdpReport(CounterNames.Of(support), why, facts.ReceiveQueues);
    }
}
