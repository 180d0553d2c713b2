// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ColoWire.Engine;

namespace ColoWire.Options;

/// <summary>Reads one rule of <c>policies</c>, a sentence like <c>pass tcp net 10.0.0.0/8 port 5000-5100</c>.</summary>
internal sealed class PolicyReader(string text)
{
    /// <summary>The grammar of a rule.</summary>
    public const string Grammar = "ACTION [PROTOCOL] [net CIDR] [port N[-M]] [vlan N]";

    private const string ActionsAllowed = "compare, pass or drop";
    private const string NetworksAllowed = "an address and its prefix length, for example 10.0.0.0/8 or 2001:db8::/32";
    private const string PortsAllowed = "1 to 65535, or a range from the lower to the higher, for example 5000-5100";
    private const string VlansAllowed = "0 to 4095";
    private const int MaxVlan = 4095;
    private const byte Tcp = 6;
    private const byte Udp = 17;

    // IANA, "Assigned Internet Protocol Numbers".
    private static readonly Dictionary<string, byte> Protocols = new()
    {
        ["tcp"] = Tcp,
        ["udp"] = Udp,
        ["icmp"] = 1,
        ["icmpv6"] = 58,
        ["sctp"] = 132,
        ["esp"] = 50,
        ["ah"] = 51,
        ["igmp"] = 2,
        ["gre"] = 47,
    };

    private readonly Queue<string> words = new(text.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    private readonly HashSet<string> conditions = [];

    /// <summary>The rule, when the sentence is valid.</summary>
    public PolicyRule Rule { get; private set; } = new(PolicyAction.Compare);

    /// <summary>The network of the rule; null when it names none.</summary>
    public IPNetwork? Network { get; private set; }

    private static string ProtocolsAllowed => $"a protocol ({string.Join(", ", Protocols.Keys)}, or its number, 0 to 255)";

    /// <summary>Reads the sentence.</summary>
    /// <returns>The fault, or null.</returns>
    public string? Read()
    {
        string? fault = ReadAction() ?? ReadProtocol();
        while (fault == null && words.TryDequeue(out string? word))
        {
            fault = ReadCondition(word);
        }

        bool hasPorts = Rule.Protocol is null or Tcp or Udp;
        return fault ?? (Rule.Ports == null || hasPorts ? null : "port goes with tcp, udp or no protocol only");
    }

    private string? ReadAction()
    {
        string action = words.TryDequeue(out string? word) ? word : string.Empty;
        PolicyAction? known = action switch
        {
            "compare" => PolicyAction.Compare,
            "pass" => PolicyAction.Pass,
            "drop" => PolicyAction.Drop,
            _ => null,
        };
        if (known == null)
        {
            return action.Length == 0 ? $"a rule is missing here: {Grammar}" : $"'{action}' is no action: {ActionsAllowed}";
        }

        Rule = new PolicyRule(known.Value);
        return null;
    }

    private string? ReadProtocol()
    {
        if (!words.TryPeek(out string? word) || word is "net" or "port" or "vlan")
        {
            return null;
        }

        if (!Protocols.TryGetValue(word, out byte protocol)
            && !byte.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out protocol))
        {
            return $"'{word}' is unknown: {ProtocolsAllowed}, or net, port or vlan";
        }

        words.Dequeue();
        Rule = Rule with { Protocol = protocol };
        return null;
    }

    private string? ReadCondition(string word)
    {
        (Func<string, string?>? read, string allowed) = word switch
        {
            "net" => (ReadNetwork, NetworksAllowed),
            "port" => (ReadPorts, PortsAllowed),
            "vlan" => (ReadVlan, VlansAllowed),
            _ => ((Func<string, string?>?)null, string.Empty),
        };
        if (read == null)
        {
            return $"'{word}' is unknown here: net, port or vlan";
        }

        if (!conditions.Add(word))
        {
            return $"{word} is given twice; once is allowed";
        }

        return words.TryDequeue(out string? value) ? read(value) : $"the value of {word} is missing: {allowed}";
    }

    private string? ReadNetwork(string value)
    {
        // IPAddress also parses short, octal and scoped forms; in a rule these are faults.
        string addressText = value.Split('/')[0];
        if (value.Contains('%', StringComparison.Ordinal)
            || !IPNetwork.TryParse(value, out IPNetwork network)
            || !IPAddress.TryParse(addressText, out IPAddress? address))
        {
            return $"'{value}' is no network: {NetworksAllowed}";
        }

        bool isPlain = address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == addressText;
        if (!isPlain || !address.Equals(network.BaseAddress))
        {
            return $"'{value}' is no network, its network would be {network}: {NetworksAllowed}";
        }

        Network = network;
        Rule = Rule with { Network = new AddressPrefix(network.BaseAddress.GetAddressBytes(), network.PrefixLength) };
        return null;
    }

    private string? ReadPorts(string value)
    {
        string[] ends = value.Split('-', 2);
        if (!TryReadPort(ends[0], out ushort first) || !TryReadPort(ends[^1], out ushort last) || last < first)
        {
            return $"'{value}' is no port: {PortsAllowed}";
        }

        Rule = Rule with { Ports = new PortRange(first, last) };
        return null;
    }

    private string? ReadVlan(string value)
    {
        if (!ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ushort vlan) || vlan > MaxVlan)
        {
            return $"'{value}' is no VLAN: {VlansAllowed}";
        }

        Rule = Rule with { Vlan = vlan };
        return null;
    }

    private static bool TryReadPort(string text, out ushort port) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port != 0;
}

/// <summary>A rule, and how the operator has written it.</summary>
/// <param name="Number">Its number in the list, from 1.</param>
/// <param name="Text">The sentence.</param>
/// <param name="Rule">The rule.</param>
/// <param name="Network">The network that it names, or null.</param>
internal sealed record PolicySentence(int Number, string Text, PolicyRule Rule, IPNetwork? Network)
{
    /// <summary>Whether every connection that a later rule matches is matched by this one.</summary>
    public bool Covers(PolicySentence later) =>
        (Rule.Protocol == null || Rule.Protocol == later.Rule.Protocol)
        && (Rule.Vlan == null || Rule.Vlan == later.Rule.Vlan)
        && (Rule.Ports is not { } ports
            || (later.Rule.Ports is { } inner && ports.Contains(inner.First) && ports.Contains(inner.Last)))
        && (Network is not { } network
            || (later.Network is { } part && network.PrefixLength <= part.PrefixLength && network.Contains(part.BaseAddress)));
}
