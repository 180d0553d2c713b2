// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Engine;

/// <summary>The action for the frames of a flow.</summary>
public enum PolicyAction : byte
{
    /// <summary>The primary's frames are sent after the secondary has sent the same.</summary>
    Compare,

    /// <summary>The primary's frames are sent at once, the secondary's are dropped.</summary>
    Pass,

    /// <summary>All frames are dropped.</summary>
    Drop,

    /// <summary>
    /// The flow has made a duty fail: as <see cref="Pass"/>, but counted as unverified. Never the action of a rule.
    /// </summary>
    Quarantine,
}

/// <summary>
/// A rule that applies an action to the flows that match all of its conditions. Of several rules the first that matches counts.
/// </summary>
/// <param name="Action">The action.</param>
public sealed record PolicyRule(PolicyAction Action)
{
    /// <summary>IANA protocol number, or null for any.</summary>
    public byte? Protocol { get; init; }

    /// <summary>The TCP or UDP ports that the source or the destination port must be in, or null for any.</summary>
    public PortRange? Ports { get; init; }

    /// <summary>The network that the source or the destination address must be in, or null for any.</summary>
    public AddressPrefix? Network { get; init; }

    /// <summary>The identifier of the outer or the inner VLAN; null for any, tagged or not.</summary>
    public int? Vlan { get; init; }

    /// <summary>The reason under which the frames that match the rule are counted.</summary>
    internal NotComparedReason Reason { get; init; } = NotComparedReason.Policy;
}

/// <summary>A range of ports, both ends included.</summary>
/// <param name="First">The smallest port, at least 1.</param>
/// <param name="Last">The greatest port.</param>
public readonly record struct PortRange(ushort First, ushort Last)
{
    /// <summary>Whether a port is in the range.</summary>
    public bool Contains(ushort port) => port >= First && port <= Last;
}

/// <summary>A network: all addresses that begin with the same bits (RFC 4632, RFC 4291 section 2.3).</summary>
/// <param name="address">The address of the network, 4 or 16 bytes in network byte order.</param>
/// <param name="length">The length of the prefix in bits.</param>
public sealed class AddressPrefix(byte[] address, int length)
{
    /// <summary>Whether an address is in the network.</summary>
    internal bool Contains(ReadOnlySpan<byte> candidate)
    {
        int wholeBytes = length / 8;
        int restBits = length % 8;
        return candidate.Length == address.Length
            && candidate[..wholeBytes].SequenceEqual(address.AsSpan(0, wholeBytes))
            && (restBits == 0 || (candidate[wholeBytes] ^ address[wholeBytes]) >> (8 - restBits) == 0);
    }
}
