// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports.Xdp;

namespace ColoWire.Ports.Linux;

/// <summary>How well an interface does as an <c>xdp:</c> port; the worst first.</summary>
public enum XdpSupport
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>In generic mode only: its driver runs no XDP programs.</summary>
    Generic,

    /// <summary>At least in generic mode; the kernel does not tell what its driver can do.</summary>
    Unknown,

    /// <summary>In native mode, where the kernel copies each frame.</summary>
    Native,

    /// <summary>In native mode, and without a copy.</summary>
    ZeroCopy,
}

/// <summary>Whether an interface can be an <c>xdp:</c> port.</summary>
/// <param name="Support">How well.</param>
/// <param name="Why">What keeps it from more; null for nothing.</param>
public readonly record struct XdpFitness(XdpSupport Support, string? Why)
{
    private const int MostMtu = Umem.MaxFrameBytes - PortLimits.LinkHeaderBytes;

    /// <summary>Judges an interface by what is known of it.</summary>
    public static XdpFitness Of(InterfaceFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return facts switch
        {
            { IsEthernet: false } => new(XdpSupport.None, "not Ethernet"),
            { Mtu: > MostMtu } => new(XdpSupport.None, $"MTU above {MostMtu}"),
            { XdpFeatures: null } => new(XdpSupport.Unknown, "Linux tells from 6.3 on"),
            { XdpFeatures: { } features } when !Has(features, NetdevNetlink.RunsAndRedirects) =>
                new(XdpSupport.Generic, "not in its driver"),
            { XdpFeatures: { } features } when !Has(features, NetdevNetlink.SharesMemory) => new(XdpSupport.Native, "with a copy"),
            _ => new(XdpSupport.ZeroCopy, null),
        };
    }

    private static bool Has(ulong features, ulong wanted) => (features & wanted) == wanted;
}
