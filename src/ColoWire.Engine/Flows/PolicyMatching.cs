// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>Finds the flows that a <see cref="PolicyRule"/> is for.</summary>
public static class PolicyMatching
{
    /// <summary>The rules behind those of the operator: protocols whose output differs between any two hosts by nature leave at once.</summary>
    public static IReadOnlyList<PolicyRule> Defaults { get; } =
    [
        new(PolicyAction.Pass) { Protocol = Protocol.Igmp, Reason = NotComparedReason.Igmp },
        new(PolicyAction.Pass) { Protocol = Protocol.Sctp, Reason = NotComparedReason.Sctp },
        new(PolicyAction.Pass) { Protocol = Protocol.Esp, Reason = NotComparedReason.Ipsec },
        new(PolicyAction.Pass) { Protocol = Protocol.Ah, Reason = NotComparedReason.Ipsec },
    ];

    /// <summary>Whether a rule is for a flow. Asked once for each flow, not for each frame.</summary>
    internal static bool Matches(this PolicyRule rule, in FlowKey key) =>
        // A protocol without ports has 0 in their place, and 0 is no port that a rule can name.
        (rule.Ports is not { } ports || ports.Contains(key.SourcePort) || ports.Contains(key.DestinationPort))
        && rule.MatchesProtocol(in key) && rule.MatchesPlace(in key);

    /// <summary>Whether a rule is for a flow of which the ports, and perhaps the protocol, are not known.</summary>
    internal static PolicyMatch MatchUnknown(this PolicyRule rule, in FlowKey key, bool isProtocolKnown)
    {
        if (!rule.MatchesPlace(in key) || (isProtocolKnown && !rule.MatchesProtocol(in key)))
        {
            return PolicyMatch.Never;
        }

        return rule.Ports is null && (isProtocolKnown || rule.Protocol is null) ? PolicyMatch.Always : PolicyMatch.Perhaps;
    }

    private static bool MatchesProtocol(this PolicyRule rule, in FlowKey key) => rule.Protocol is not { } protocol || key.Protocol == protocol;

    private static bool MatchesPlace(this PolicyRule rule, in FlowKey key) =>
        (rule.Vlan is not { } vlan || key.OuterVlan == vlan || key.InnerVlan == vlan)
        && (rule.Network is not { } network || network.Contains(key.SourceBytes) || network.Contains(key.DestinationBytes));
}

/// <summary>Whether a rule is for a flow of which not all is known.</summary>
internal enum PolicyMatch : byte
{
    /// <summary>It is not, whatever the rest of the flow is.</summary>
    Never,

    /// <summary>That depends on what is not known.</summary>
    Perhaps,

    /// <summary>It is, whatever the rest of the flow is.</summary>
    Always,
}
