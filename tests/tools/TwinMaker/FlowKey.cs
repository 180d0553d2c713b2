// SPDX-License-Identifier: GPL-2.0-or-later

using System.Globalization;
using System.Linq;
using System.Text.Json.Nodes;

namespace ColoWire.TwinMaker;

/// <summary>A connection as the guest sends it. What is not IP has only its EtherType, in <see cref="Protocol"/>.</summary>
internal sealed record FlowKey(
    string Vlans, string Protocol, string Source, int SourcePort, string Destination, int DestinationPort)
{
    /// <summary>The flow in the shape of ColoWire's own reports; <c>vlan</c> lists the VLAN ids, the outermost first.</summary>
    public JsonObject ToJson() => new()
    {
        ["proto"] = Protocol,
        ["src"] = Source,
        ["sport"] = SourcePort,
        ["dst"] = Destination,
        ["dport"] = DestinationPort,
        ["vlan"] = new JsonArray([.. Vlans.Split('.', System.StringSplitOptions.RemoveEmptyEntries)
            .Select(id => JsonValue.Create(int.Parse(id, CultureInfo.InvariantCulture)))]),
    };
}
