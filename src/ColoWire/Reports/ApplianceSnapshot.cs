// SPDX-License-Identifier: GPL-2.0-or-later

using System.Text.Json.Serialization;
using ColoWire.Writing;

namespace ColoWire.Reports;

/// <summary>
/// The state of an appliance and what it has counted since its start. <c>run --json</c> and <c>ctl status --json</c> print it as
/// one JSON object with the members in the order of their declaration here. The texts for people are made from it,
/// too.
/// </summary>
/// <remarks>A structure, so that a snapshot each second allocates nothing. The counters by name are the reader's own and change
/// when it reads again.</remarks>
internal readonly record struct ApplianceSnapshot
{
    /// <summary>The version of the program; null in the objects of <c>run</c>, like all members down to
    /// <see cref="Faults"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required string? Version { get; init; }

    /// <summary>Time since the start, in whole seconds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required long? UptimeS { get; init; }

    /// <summary>The name of the mode: <c>lockstep</c> or <c>observe</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required string? Mode { get; init; }

    /// <summary>The number of the current epoch.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required long? Epoch { get; init; }

    /// <summary>Checkpoints that have finished.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required long? CheckpointsCompleted { get; init; }

    /// <summary>The names of the three ports.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required PortNames? Ports { get; init; }

    /// <summary>Permanent faults of the ports, a line each.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required string[]? Faults { get; init; }

    /// <summary>Whether the appliance has stopped.</summary>
    public required bool Final { get; init; }

    /// <summary>Time since the start, in nanoseconds; 0 before the start.</summary>
    public required long ElapsedNs { get; init; }

    /// <summary>The name of the <see cref="Engine.Checkpoint.Protection"/>.</summary>
    public required string Protection { get; init; }

    /// <summary>The counters of the primary's port.</summary>
    public required CaptureCounts Primary { get; init; }

    /// <summary>The counters of the secondary's port.</summary>
    public required CaptureCounts Secondary { get; init; }

    /// <summary>The counters of the out port.</summary>
    public required OutputCounts Output { get; init; }

    /// <summary>What became of the frames of clients; null unless they pass through ColoWire.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public InboundCounts? Inbound { get; init; }

    /// <summary>Frames that the kernel's programs sent past ColoWire.</summary>
    public required BypassCounts FailWire { get; init; }

    /// <summary>Connections that were closed at once, because their hosts are not allowed to connect.</summary>
    public required long ConnectionsRefused { get; init; }

    /// <summary>Primary frames that left.</summary>
    public required ReleasedCounts Released { get; init; }

    /// <summary>Primary frames that wait.</summary>
    public required long Held { get; init; }

    /// <summary>Secondary frames that wait.</summary>
    public required long SecondaryHeld { get; init; }

    /// <summary>Flows that the flow tables hold.</summary>
    public required long Flows { get; init; }

    /// <summary>Idle flows that were removed to make room for new ones.</summary>
    public required long FlowsEvicted { get; init; }

    /// <summary>Checkpoint requests.</summary>
    public required long Checkpoints { get; init; }

    /// <summary>The state of the requester.</summary>
    public required RequesterState Requester { get; init; }

    /// <summary>Divergences of all reasons.</summary>
    public required long DivergencesTotal { get; init; }

    /// <summary>Divergences whose report found no room.</summary>
    public required long ReportsLost { get; init; }

    /// <summary>Duties that have thrown an exception, which is a bug of ColoWire.</summary>
    public required long Failures { get; init; }

    /// <summary>Flows that leave unverified because each of them has made a duty fail.</summary>
    public required long QuarantinedFlows { get; init; }

    /// <summary>How long primary frames were held.</summary>
    public required HoldQuantiles HoldNs { get; init; }

    /// <summary>The garbage collector of the process.</summary>
    public required RuntimeCounts Runtime { get; init; }

    /// <summary>Output of the process that could not be written.</summary>
    public required UnwrittenCounts Unwritten { get; init; }

    /// <summary>Divergences by reason.</summary>
    public required CountsByName DivergenceReasons { get; init; }

    /// <summary>Tolerated differences by field.</summary>
    [JsonPropertyName("soft")]
    public required CountsByName Tolerated { get; init; }

    /// <summary>Frames that were dropped, by reason.</summary>
    public required CountsByName Drops { get; init; }

    /// <summary>Frames whose partial checksum was completed.</summary>
    public required BothSides PartialChecksums { get; init; }

    /// <summary>Datagrams that came in fragments.</summary>
    public required FragmentCounts Fragments { get; init; }

    /// <summary>Primary frames that left at once because they are not comparable, by reason.</summary>
    [JsonPropertyName("passed")]
    public required CountsByName NotCompared { get; init; }

    /// <summary>Primary frames that left at once because they are malformed, by kind.</summary>
    public required CountsByName Malformed { get; init; }

    /// <summary>Primary frames that left unverified, by reason.</summary>
    public required CountsByName Unverified { get; init; }

    /// <summary>Whether no counter of frames, flows, divergences or checkpoints has changed since an earlier snapshot.</summary>
    public bool CountsLike(in ApplianceSnapshot earlier) =>
        Primary == earlier.Primary && Secondary == earlier.Secondary && Output == earlier.Output && Held == earlier.Held
        && DivergencesTotal == earlier.DivergencesTotal && Checkpoints == earlier.Checkpoints && Flows == earlier.Flows;
}
