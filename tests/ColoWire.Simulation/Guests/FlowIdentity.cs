// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;

namespace ColoWire.Simulation.Guests;

/// <summary>What a flow carries.</summary>
internal enum FlowSort
{
    Tcp,
    Udp,
    Echo,

    /// <summary>Frames that belong to no flow: ARP and the like, and malformed frames.</summary>
    Noise,
}

/// <summary>A connection between the guest and one client with an address of its own, so that a report identifies the
/// flow.</summary>
internal sealed record FlowIdentity(int Number, FlowSort Sort, bool IsIpv6, ushort[] Vlans)
{
    public byte[] Server { get; } = IsIpv6 ? [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] : [10, 0, 0, 1];

    public byte[] Client { get; } = IsIpv6
        ? [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, (byte)(Number >> 8), (byte)Number]
        : [10, 1, (byte)(Number >> 8), (byte)Number];

    /// <summary>The number of the flow of an engine's key.</summary>
    public static int NumberOf(in FlowKey key)
    {
        byte[] client = key.DestinationAddress();
        return (client[^2] << 8) | client[^1];
    }
}
