// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Reports;

/// <summary>The result of comparing two captures. <c>compare --json</c> prints it as one JSON object with the
/// members in the order of their declaration here, without those that only the text for people shows.</summary>
internal sealed record CompareResult
{
    /// <summary>Divergences that are listed; beyond these only their number is counted. At some 200 bytes each, 20 MB of
    /// JSON.</summary>
    public const int MaxListedDivergences = 100_000;

    /// <summary>What the primary's capture delivered.</summary>
    public required SideTotals Primary { get; init; }

    /// <summary>What the secondary's capture delivered.</summary>
    public required SideTotals Secondary { get; init; }

    /// <summary>What the clients' capture delivered; null when there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SideTotals? World { get; init; }

    /// <summary>What became of the clients' frames; null when there is no capture of them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public InboundCounts? Inbound { get; init; }

    /// <summary>Primary frames that left.</summary>
    public ReleasedCounts Released => new(Verified, NotComparedFrames, UnverifiedFrames);

    /// <summary>Frames of both sides that should be compared and cannot be: a capture holds them only in part or damaged, or they
    /// are too long.</summary>
    [JsonPropertyName("not_compared")]
    public long UnreadableFrames => Primary.Refused + Secondary.Refused + Malformed.Total + SecondaryMalformed;

    /// <summary>Primary frames that were still held at the end.</summary>
    public required long HeldAtEnd { get; init; }

    /// <summary>Checkpoints that a live appliance would have requested.</summary>
    public required long Checkpoints { get; init; }

    /// <summary>The divergences in the order in which they were found, at most <see cref="MaxListedDivergences"/>.</summary>
    public required IReadOnlyList<DivergenceSummary> Divergences { get; init; }

    /// <summary>Divergences, listed or not.</summary>
    public required long DivergencesTotal { get; init; }

    /// <summary>Tolerated differences by field.</summary>
    [JsonPropertyName("soft")]
    public required CountsByName Tolerated { get; init; }

    /// <summary>Frames that were dropped, by reason.</summary>
    public required CountsByName Drops { get; init; }

    /// <summary>Datagrams that came in fragments.</summary>
    public required FragmentCounts Fragments { get; init; }

    /// <summary>Primary frames that are not comparable, by reason.</summary>
    [JsonPropertyName("passed")]
    public required CountsByName NotCompared { get; init; }

    /// <summary>Primary frames that are malformed, by kind.</summary>
    public required CountsByName Malformed { get; init; }

    /// <summary>Primary frames that left unverified, by reason.</summary>
    public required CountsByName Unverified { get; init; }

    /// <summary>Primary frames that the secondary agreed with.</summary>
    [JsonIgnore]
    public required long Verified { get; init; }

    /// <summary>Frames of the secondary that are malformed.</summary>
    [JsonIgnore]
    public long SecondaryMalformed { get; init; }

    /// <summary>Flows that were seen.</summary>
    [JsonIgnore]
    public required long Flows { get; init; }

    /// <summary>The first divergences with the bytes of their frames.</summary>
    [JsonIgnore]
    public required IReadOnlyList<CheckpointReport> Shown { get; init; }

    /// <summary>The median of how long a primary frame was held, in nanoseconds.</summary>
    [JsonIgnore]
    public required long HoldMedianNs { get; init; }

    /// <summary>The time that 99 of 100 primary frames were not held longer than, in nanoseconds.</summary>
    [JsonIgnore]
    public required long HoldP99Ns { get; init; }

    /// <summary>Primary frames that left at once because they cannot be compared.</summary>
    [JsonIgnore]
    public long NotComparedFrames => NotCompared.Total + Malformed.Total;

    /// <summary>Primary frames that left unverified.</summary>
    [JsonIgnore]
    public long UnverifiedFrames => Unverified.Total;

    /// <summary>Whether any frame was compared.</summary>
    [JsonIgnore]
    public bool IsAnythingCompared => Verified + UnverifiedFrames + HeldAtEnd + DivergencesTotal != 0;

    /// <summary>Unverified frames that need no comparison, because the client had reset their connections (R13).</summary>
    [JsonIgnore]
    public long FramesAfterReset { get; init; }

    /// <summary>Whether the replicas do not differ. A frame that was not compared does not count as equal.</summary>
    [JsonIgnore]
    public bool IsEqual =>
        IsAnythingCompared && DivergencesTotal == 0 && UnverifiedFrames == FramesAfterReset && HeldAtEnd == 0
            && UnreadableFrames == 0;

    /// <summary>The instant that people are shown as zero: the start of the primary's capture, or of the secondary's when the
    /// primary's is empty.</summary>
    [JsonIgnore]
    public long OriginNs => Primary.Frames != 0 ? Primary.FirstNs : Secondary.FirstNs;
}

/// <summary>What one capture delivered.</summary>
/// <param name="Frames">Frames handed to the engine.</param>
/// <param name="Bytes">Bytes of those.</param>
internal readonly record struct SideTotals(long Frames, long Bytes)
{
    /// <summary>Frames that could not be handed on whole.</summary>
    [JsonIgnore]
    public long Refused { get; init; }

    /// <summary>Time of the first frame in nanoseconds since 1970, after shifting; 0 without frames.</summary>
    [JsonIgnore]
    public long FirstNs { get; init; }

    /// <summary>Number of the first frame after the capture's clock was set back; 0 when it never was.</summary>
    [JsonIgnore]
    public long ClockStepFrame { get; init; }

    /// <summary>Takes the counters of a port.</summary>
    /// <param name="statistics">The counters.</param>
    /// <param name="firstNs">Time of the first frame.</param>
    public static SideTotals Of(CaptureStatistics statistics, long firstNs) => new(statistics.Frames, statistics.Bytes)
    {
        Refused = statistics.Oversize + statistics.Truncated,
        FirstNs = statistics.Frames == 0 ? 0 : firstNs,
    };
}

/// <summary>A divergence without the bytes of its frames.</summary>
internal readonly record struct DivergenceSummary
{
    /// <summary>In what the replicas differ.</summary>
    [JsonIgnore]
    public required DivergenceReason Kind { get; init; }

    /// <summary>The field of a header that differs; null for other reasons.</summary>
    [JsonIgnore]
    public required ToleratedField? HeaderField { get; init; }

    /// <summary>The key of the flow.</summary>
    [JsonIgnore]
    public required FlowKey Key { get; init; }

    /// <summary>The name of the reason.</summary>
    public string Reason => CounterNames.Of(Kind);

    /// <summary>The name of the field of a header that differs; null for other reasons.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Field => HeaderField is { } header ? CounterNames.Of(header) : null;

    /// <summary>The flow; null when the divergence concerns all flows.</summary>
    public FlowReport? Flow => FlowText.IsFlow(Key) ? FlowReport.Of(Key) : null;

    /// <summary>Where they differ, in bytes from the first compared byte of the primary's frame.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of the primary's frame; null for none.</summary>
    public required uint? PrimaryFrame { get; init; }

    /// <summary>Number of the secondary's frame; null for none.</summary>
    public required uint? SecondaryFrame { get; init; }

    /// <summary>When it was found, in nanoseconds since 1970 of the captures' clock.</summary>
    public required long AtNs { get; init; }

    /// <summary>Takes a report without its bytes. Captures are compared without a requester, so that each report is of a
    /// divergence.</summary>
    public static DivergenceSummary Of(in CheckpointReport report) => new()
    {
        Kind = report.Divergence.Reason,
        HeaderField = report.Divergence.Reason == DivergenceReason.Header ? report.Divergence.Field : null,
        Key = report.Flow,
        Offset = report.Divergence.Offset,
        PrimaryFrame = NumberOf(report.Divergence.Primary),
        SecondaryFrame = NumberOf(report.Divergence.Secondary),
        AtNs = report.AtNs,
    };

    private static uint? NumberOf(in FrameSnapshot frame) => frame.Number == 0 ? null : frame.Number;
}

/// <summary>A flow as JSON names it.</summary>
/// <param name="Proto">The name of the protocol, or its number.</param>
/// <param name="Src">The source address.</param>
/// <param name="Sport">The source port; null where the protocol has none.</param>
/// <param name="Dst">The destination address.</param>
/// <param name="Dport">The destination port; null where the protocol has none.</param>
/// <param name="Vlan">Null without a tag, a number with one, an array of the outer and the inner number with two.</param>
internal sealed record FlowReport(string Proto, string Src, ushort? Sport, string Dst, ushort? Dport, JsonNode? Vlan)
{
    /// <summary>Takes the key of a flow.</summary>
    public static FlowReport Of(in FlowKey flow)
    {
        bool hasPorts = FlowText.HasPorts(flow);
        return new FlowReport(
            FlowText.Protocol(flow),
            FlowText.Source(flow),
            hasPorts ? flow.SourcePort : null,
            FlowText.Destination(flow),
            hasPorts ? flow.DestinationPort : null,
            VlanOf(flow.OuterVlan, flow.InnerVlan));
    }

    private static JsonNode? VlanOf(int outer, int inner) => (outer, inner) switch
    {
        ( < 0, < 0) => null,
        ( >= 0, >= 0) => new JsonArray(outer, inner),
        _ => Math.Max(outer, inner),
    };
}
