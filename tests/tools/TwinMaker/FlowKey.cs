// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.Linq;
using System.Text.Json.Nodes;

namespace ColoWire.TwinMaker;

/// <summary>A connection as the guest sends it, with its VLAN ids joined by dots, the outermost first. A frame without IP has
/// only its EtherType, in <see cref="Protocol"/>.</summary>
internal sealed record FlowKey(
    string Vlans, string Protocol, string Source, int SourcePort, string Destination, int DestinationPort)
{
    private bool HasPorts => Protocol is "tcp" or "udp";

    /// <summary>The flow as <c>colowire compare --json</c> names it.</summary>
    public JsonObject ToJson() => new()
    {
        ["proto"] = Protocol,
        ["src"] = Source,
        ["sport"] = HasPorts ? SourcePort : null,
        ["dst"] = Destination,
        ["dport"] = HasPorts ? DestinationPort : null,
        ["vlan"] = VlansToJson(),
    };

    private JsonNode? VlansToJson()
    {
        int[] ids = [.. Vlans.Split('.', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture))];
        return ids.Length switch
        {
            0 => null,
            1 => ids[0],
            _ => new JsonArray([.. ids.Select(id => JsonValue.Create(id))]),
        };
    }
}
