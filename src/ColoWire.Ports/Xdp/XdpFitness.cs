// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>How well an interface works as an <c>xdp:</c> port; the worst first.</summary>
public enum XdpSupport
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>In generic mode only: its driver cannot run XDP programs.</summary>
    Generic,

    /// <summary>At least in generic mode; the kernel does not report what the driver supports.</summary>
    Unknown,

    /// <summary>In native mode; the kernel copies each frame.</summary>
    Native,

    /// <summary>In native mode, zero-copy.</summary>
    ZeroCopy,
}

/// <summary>Whether an interface can be an <c>xdp:</c> port.</summary>
/// <param name="Support">How well.</param>
/// <param name="Why">What keeps it from more; null for nothing.</param>
public readonly record struct XdpFitness(XdpSupport Support, string? Why)
{
    private const int MostMtu = Umem.MaxFrameBytes - PortLimits.LinkHeaderBytes;

    /// <summary>Finds that by the properties of an interface.</summary>
    public static XdpFitness Of(InterfaceFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return facts switch
        {
            { IsEthernet: false } => new(XdpSupport.None, "not Ethernet"),
            { Mtu: > MostMtu } => new(XdpSupport.None, $"MTU above {MostMtu}"),
            { XdpFeatures: null } => new(XdpSupport.Unknown, "reported from Linux 6.3 on"),
            { XdpFeatures: { } features } when !Has(features, NetdevNetlink.RunsAndRedirects) =>
                new(XdpSupport.Generic, "not in its driver"),
            { XdpFeatures: { } features } when !Has(features, NetdevNetlink.SharesMemory) =>
                new(XdpSupport.Native, "with a copy"),
            _ => new(XdpSupport.ZeroCopy, null),
        };
    }

    private static bool Has(ulong features, ulong wanted) => (features & wanted) == wanted;
}
