// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;

namespace ColoWire.TwinMaker.Harms;

/// <summary>What was harmed.</summary>
/// <param name="Kind">The name of the harm.</param>
/// <param name="Flow">The flow that must be found to differ.</param>
/// <param name="PrimaryFrames">The frames of the primary's capture that find no equal twin, counted from 1; of an added datagram the one
/// that it follows.</param>
/// <param name="Reasons">What a comparer may rightly call it.</param>
internal sealed record HarmReport(string Kind, FlowKey Flow, IReadOnlyList<int> PrimaryFrames, IReadOnlyList<string> Reasons)
{
    /// <summary>One line for programs.</summary>
    public string ToJson() => new JsonObject
    {
        ["kind"] = Kind,
        ["flow"] = Flow.ToJson(),
        ["primary_frames"] = new JsonArray([.. PrimaryFrames.Select(number => JsonValue.Create(number))]),
        ["reasons"] = new JsonArray([.. Reasons.Select(reason => JsonValue.Create(reason))]),
    }.ToJsonString();
}
