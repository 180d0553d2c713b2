// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

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
    /// <summary>
    /// What holds where the operator says nothing: protocols whose output differs between any two hosts by nature leave at once.
    /// </summary>
    public static IReadOnlyList<PolicyRule> Defaults { get; } =
    [
        new(PolicyAction.Pass) { Protocol = Wire.Protocol.Igmp, Reason = NotComparedReason.Igmp },
        new(PolicyAction.Pass) { Protocol = Wire.Protocol.Sctp, Reason = NotComparedReason.Sctp },
        new(PolicyAction.Pass) { Protocol = Wire.Protocol.Esp, Reason = NotComparedReason.Ipsec },
        new(PolicyAction.Pass) { Protocol = Wire.Protocol.Ah, Reason = NotComparedReason.Ipsec },
    ];

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

    /// <summary>Whether a flow is one of those that the rule is for. Asked once for each flow, not for each frame.</summary>
    internal bool Matches(in FlowKey key) =>
        // A protocol without ports has 0 in their place, and 0 is no port that a rule can name.
        (Ports is not { } ports || ports.Contains(key.SourcePort) || ports.Contains(key.DestinationPort))
        && MatchesProtocol(in key) && MatchesPlace(in key);

    /// <summary>Whether the rule is for a flow of which the ports, and perhaps the protocol, are not known.</summary>
    internal PolicyMatch MatchUnknown(in FlowKey key, bool isProtocolKnown)
    {
        if (!MatchesPlace(in key) || (isProtocolKnown && !MatchesProtocol(in key)))
        {
            return PolicyMatch.Never;
        }

        return Ports is null && (isProtocolKnown || Protocol is null) ? PolicyMatch.Always : PolicyMatch.Perhaps;
    }

    private bool MatchesProtocol(in FlowKey key) => Protocol is not { } protocol || key.Protocol == protocol;

    private bool MatchesPlace(in FlowKey key) =>
        (Vlan is not { } vlan || key.OuterVlan == vlan || key.InnerVlan == vlan)
        && (Network is not { } network || network.Contains(key.SourceBytes) || network.Contains(key.DestinationBytes));
}

/// <summary>Whether a rule is for a flow of which not all is known.</summary>
internal enum PolicyMatch : byte
{
    /// <summary>Whatever is not known, it is not.</summary>
    Never,

    /// <summary>That depends on what is not known.</summary>
    Perhaps,

    /// <summary>Whatever is not known, it is.</summary>
    Always,
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
