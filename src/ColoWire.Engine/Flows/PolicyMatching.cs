// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>Decides which flows a <see cref="PolicyRule"/> matches.</summary>
public static class PolicyMatching
{
    /// <summary>The rules that apply after those of the operator: frames of protocols whose output always differs between two
    /// hosts are released without comparison.</summary>
    public static IReadOnlyList<PolicyRule> Defaults { get; } =
    [
        new(PolicyAction.Pass) { Protocol = Protocol.Igmp, Reason = NotComparedReason.Igmp },
        new(PolicyAction.Pass) { Protocol = Protocol.Sctp, Reason = NotComparedReason.Sctp },
        new(PolicyAction.Pass) { Protocol = Protocol.Esp, Reason = NotComparedReason.Ipsec },
        new(PolicyAction.Pass) { Protocol = Protocol.Ah, Reason = NotComparedReason.Ipsec },
    ];

    /// <summary>Whether a rule matches a flow. Evaluated once per flow, not per frame.</summary>
    internal static bool Matches(this PolicyRule rule, in FlowKey key) =>
        // The ports of a protocol without ports are 0, and no rule can name port 0.
        (rule.Ports is not { } ports || ports.Contains(key.SourcePort) || ports.Contains(key.DestinationPort))
        && rule.MatchesProtocol(in key) && rule.MatchesPlace(in key);

    /// <summary>Whether a rule matches a flow whose ports, and perhaps protocol, are unknown.</summary>
    internal static PolicyMatch MatchUnknown(this PolicyRule rule, in FlowKey key, bool isProtocolKnown)
    {
        if (!rule.MatchesPlace(in key) || (isProtocolKnown && !rule.MatchesProtocol(in key)))
        {
            return PolicyMatch.Never;
        }

        return rule.Ports is null && (isProtocolKnown || rule.Protocol is null) ? PolicyMatch.Always : PolicyMatch.Perhaps;
    }

    private static bool MatchesProtocol(this PolicyRule rule, in FlowKey key) =>
        rule.Protocol is not { } protocol || key.Protocol == protocol;

    private static bool MatchesPlace(this PolicyRule rule, in FlowKey key) =>
        (rule.Vlan is not { } vlan || key.OuterVlan == vlan || key.InnerVlan == vlan)
        && (rule.Network is not { } network || network.Contains(key.SourceBytes) || network.Contains(key.DestinationBytes));
}

/// <summary>Whether a rule matches a flow of which some fields are unknown.</summary>
internal enum PolicyMatch : byte
{
    /// <summary>The rule does not match, for any values of the unknown fields.</summary>
    Never,

    /// <summary>The result depends on the unknown fields.</summary>
    Perhaps,

    /// <summary>The rule matches, for all values of the unknown fields.</summary>
    Always,
}
