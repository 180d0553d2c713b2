// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Engine;

/// <summary>What happens to the frames of a flow.</summary>
public enum PolicyAction : byte
{
    /// <summary>The primary's leave when the secondary has said the same.</summary>
    Compare,

    /// <summary>The primary's leave at once, the secondary's are dropped.</summary>
    Pass,

    /// <summary>Nothing of it leaves.</summary>
    Drop,

    /// <summary>It has made a duty fail: as <see cref="Pass"/>, but counted as unverified. Never the action of a rule.</summary>
    Quarantine,
}

/// <summary>Which flows an action is for: those that match all that is said. Of several rules the first that matches counts.</summary>
/// <param name="Action">What happens to them.</param>
public sealed record PolicyRule(PolicyAction Action)
{
    /// <summary>IANA protocol number, or null for any.</summary>
    public byte? Protocol { get; init; }

    /// <summary>Ports of TCP or UDP of which the source or the destination is one, or null for any.</summary>
    public PortRange? Ports { get; init; }

    /// <summary>Addresses of which the source or the destination is one, or null for any.</summary>
    public AddressPrefix? Network { get; init; }

    /// <summary>Identifier of the outer or the inner VLAN, or null for any, tagged or not.</summary>
    public int? Vlan { get; init; }

    /// <summary>Under what the frames are counted that leave by this rule.</summary>
    internal NotComparedReason Reason { get; init; } = NotComparedReason.Policy;
}

/// <summary>A range of ports, both ends included.</summary>
/// <param name="First">The least, at least 1.</param>
/// <param name="Last">The greatest.</param>
public readonly record struct PortRange(ushort First, ushort Last)
{
    /// <summary>Whether a port is one of the range.</summary>
    public bool Contains(ushort port) => port >= First && port <= Last;
}

/// <summary>A network: all addresses that begin with the same bits (RFC 4632, RFC 4291 section 2.3).</summary>
/// <param name="address">The bits, 4 or 16 bytes in the wire's order.</param>
/// <param name="length">How many of them count.</param>
public sealed class AddressPrefix(byte[] address, int length)
{
    /// <summary>Whether an address is one of the network's.</summary>
    internal bool Contains(ReadOnlySpan<byte> candidate)
    {
        int wholeBytes = length / 8;
        int restBits = length % 8;
        return candidate.Length == address.Length
            && candidate[..wholeBytes].SequenceEqual(address.AsSpan(0, wholeBytes))
            && (restBits == 0 || (candidate[wholeBytes] ^ address[wholeBytes]) >> (8 - restBits) == 0);
    }
}
