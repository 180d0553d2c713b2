// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;

namespace ColoWire.TwinMaker.Harms;

/// <summary>The harm that was done.</summary>
/// <param name="Kind">The name of the harm.</param>
/// <param name="Flow">The flow that the comparison must report.</param>
/// <param name="PrimaryFrames">The frames of the primary's capture that have no equal twin, counted from 1; for an added datagram
/// the frame before it.</param>
/// <param name="Reasons">The reasons that a comparison may report for it.</param>
internal sealed record HarmReport(string Kind, FlowKey Flow, IReadOnlyList<int> PrimaryFrames, IReadOnlyList<string> Reasons)
{
    /// <summary>The harm as one line for programs.</summary>
    public string ToJson() => new JsonObject
    {
        ["kind"] = Kind,
        ["flow"] = Flow.ToJson(),
        ["primary_frames"] = new JsonArray([.. PrimaryFrames.Select(number => JsonValue.Create(number))]),
        ["reasons"] = new JsonArray([.. Reasons.Select(reason => JsonValue.Create(reason))]),
    }.ToJsonString();
}
