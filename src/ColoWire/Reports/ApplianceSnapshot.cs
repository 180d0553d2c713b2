// SPDX-License-Identifier: GPL-2.0-or-later

using System.Text.Json.Serialization;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Xdp;
using ColoWire.Writing;

namespace ColoWire.Reports;

/// <summary>
/// The state of an appliance and what it has counted since its start. <c>run --json</c> and <c>ctl status --json</c> print it as one JSON
/// object; the members stand there in the order in which they are declared here. The texts for people are made from it, too.
/// </summary>
/// <remarks>
/// A structure, so that a snapshot each second allocates nothing. The counters by name are the reader's own and change when it reads again.
/// </remarks>
internal readonly record struct ApplianceSnapshot
{
    /// <summary>The version of the program; null in the objects of <c>run</c>, like all members down to <see cref="Faults"/>.</summary>
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

    /// <summary>The name of the <see cref="Engine.Protection"/>.</summary>
    public required string Protection { get; init; }

    /// <summary>The counters of the primary's port.</summary>
    public required CaptureCounts Primary { get; init; }

    /// <summary>The counters of the secondary's port.</summary>
    public required CaptureCounts Secondary { get; init; }

    /// <summary>The counters of the out port.</summary>
    public required OutputCounts Output { get; init; }

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

/// <summary>The names of the three ports, as the operator has written them.</summary>
internal sealed record PortNames(string PrimaryIn, string SecondaryIn, string Outdev);

/// <summary>The counters of a capture port; see <see cref="CaptureStatistics"/>.</summary>
internal readonly record struct CaptureCounts
{
    /// <summary>Frames handed to the engine.</summary>
    public required long Frames { get; init; }

    /// <summary>Bytes of those.</summary>
    public required long Bytes { get; init; }

    /// <summary>Frames that arrived when the kernel had no room for them.</summary>
    public required long KernelDropped { get; init; }

    /// <summary>Frames that the interface itself lost.</summary>
    public required long InterfaceDropped { get; init; }

    /// <summary>Frames that are too long.</summary>
    public required long Oversize { get; init; }

    /// <summary>Frames of which only a part was captured.</summary>
    public required long Truncated { get; init; }

    /// <summary>Frames that arrived and never reached the engine.</summary>
    [JsonIgnore]
    public long NotCaptured => KernelDropped + InterfaceDropped + Oversize + Truncated;

    /// <summary>Takes the counters of a port.</summary>
    public static CaptureCounts Of(in CaptureStatistics port) => new()
    {
        Frames = port.Frames,
        Bytes = port.Bytes,
        KernelDropped = port.KernelDropped,
        InterfaceDropped = port.InterfaceDropped,
        Oversize = port.Oversize,
        Truncated = port.Truncated,
    };
}

/// <summary>The counters of the out port; see <see cref="InjectStatistics"/>.</summary>
internal readonly record struct OutputCounts
{
    /// <summary>Frames sent.</summary>
    public required long Frames { get; init; }

    /// <summary>Bytes of those.</summary>
    public required long Bytes { get; init; }

    /// <summary>How often a full queue made a frame wait.</summary>
    public required long Retries { get; init; }

    /// <summary>Frames lost because they exceed the interface's MTU.</summary>
    public required long TooLong { get; init; }

    /// <summary>Frames lost because the link was down.</summary>
    public required long LinkDown { get; init; }

    /// <summary>Frames lost for any other reason.</summary>
    public required long Failed { get; init; }

    /// <summary>Frames lost for any reason.</summary>
    [JsonIgnore]
    public long Lost => TooLong + LinkDown + Failed;

    /// <summary>Takes the counters of a port.</summary>
    public static OutputCounts Of(in InjectStatistics port) => new()
    {
        Frames = port.Frames,
        Bytes = port.Bytes,
        Retries = port.Retries,
        TooLong = port.TooLong,
        LinkDown = port.LinkDown,
        Failed = port.Failed,
    };
}

/// <summary>Frames that the kernel's programs sent past ColoWire, and why they do so now.</summary>
internal readonly record struct BypassCounts
{
    /// <summary>How often frames went past ColoWire.</summary>
    [JsonPropertyName("absences")]
    public required long Bypasses { get; init; }

    /// <summary>For how long in all, in nanoseconds.</summary>
    public required long AwayNs { get; init; }

    /// <summary>Frames of the primary that went straight to the out port.</summary>
    public required long ToWire { get; init; }

    /// <summary>Frames that were dropped meanwhile.</summary>
    public required long Dropped { get; init; }

    /// <summary>Why frames do not come to ColoWire, or would not go past it; null when nothing is wrong.</summary>
    public required string? Trouble { get; init; }

    /// <summary>Takes the counters of the kernel's programs.</summary>
    public static BypassCounts Of(in FailWireCounts counts, string? trouble) => new()
    {
        Bypasses = counts.Bypasses,
        AwayNs = counts.AwayNs,
        ToWire = counts.ToWire,
        Dropped = counts.Dropped,
        Trouble = trouble,
    };
}

/// <summary>Primary frames that left.</summary>
internal readonly record struct ReleasedCounts
{
    /// <summary>Frames that the secondary agreed with.</summary>
    public required long Verified { get; init; }

    /// <summary>Frames that left at once because they cannot be compared.</summary>
    [JsonPropertyName("passed")]
    public required long NotCompared { get; init; }

    /// <summary>Frames that left unverified.</summary>
    public required long Unverified { get; init; }
}

/// <summary>The state of the checkpoint requester.</summary>
internal readonly record struct RequesterState
{
    private const double NanosecondsPerMs = 1e6;

    /// <summary>The requester as the operator has written it.</summary>
    public required string Name { get; init; }

    /// <summary>Whether a checkpoint can be requested now.</summary>
    public required bool Ready { get; init; }

    /// <summary>Why none can be requested, or why the last request failed; else null.</summary>
    public required string? Trouble { get; init; }

    /// <summary>Requests sent, repeated ones included.</summary>
    public required long Requests { get; init; }

    /// <summary>Checkpoints that have finished, requested or not.</summary>
    public required long Completed { get; init; }

    /// <summary>Requests that failed.</summary>
    public required long Failed { get; init; }

    /// <summary>Messages that the requester ignored.</summary>
    public required long Ignored { get; init; }

    /// <summary>From the last answered request to the end of its checkpoint, in milliseconds.</summary>
    public required double LastMs { get; init; }

    /// <summary>The longest such time, in milliseconds.</summary>
    public required double LongestMs { get; init; }

    /// <summary>How long both guests were stopped for the last checkpoint, in milliseconds.</summary>
    public required double LastStopMs { get; init; }

    /// <summary>The longest such time, in milliseconds.</summary>
    public required double LongestStopMs { get; init; }

    /// <summary>Takes what is known of a requester.</summary>
    public static RequesterState Of(string name, bool isReady, string? trouble, in RequesterCounts counts) => new()
    {
        Name = name,
        Ready = isReady,
        Trouble = trouble,
        Requests = counts.Requests,
        Completed = counts.Completed,
        Failed = counts.Failed,
        Ignored = counts.Ignored,
        LastMs = counts.LastNs / NanosecondsPerMs,
        LongestMs = counts.LongestNs / NanosecondsPerMs,
        LastStopMs = counts.LastStopNs / NanosecondsPerMs,
        LongestStopMs = counts.LongestStopNs / NanosecondsPerMs,
    };
}

/// <summary>Quantiles of how long primary frames were held, in nanoseconds.</summary>
internal readonly record struct HoldQuantiles
{
    /// <summary>The median.</summary>
    public required long P50 { get; init; }

    /// <summary>The time that 99 of 100 frames were not held longer than.</summary>
    public required long P99 { get; init; }
}

/// <summary>What the runtime has counted for the process.</summary>
internal readonly record struct RuntimeCounts
{
    /// <summary>Garbage collections; none is expected after the start, because each of them stops every thread.</summary>
    public required long GarbageCollections { get; init; }

    /// <summary>Bytes allocated, in steps of some kilobytes. Frames allocate nothing.</summary>
    public required long AllocatedBytes { get; init; }
}

/// <summary>One number for each side.</summary>
internal readonly record struct BothSides
{
    /// <summary>The primary's.</summary>
    public required long Primary { get; init; }

    /// <summary>The secondary's.</summary>
    public required long Secondary { get; init; }
}

/// <summary>Datagrams that came in fragments.</summary>
internal readonly record struct FragmentCounts
{
    /// <summary>Frames of both sides whose datagrams are incomplete; null where nothing can wait any more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required long? Waiting { get; init; }

    /// <summary>The primary's datagrams by outcome.</summary>
    public required CountsByName Primary { get; init; }

    /// <summary>The secondary's datagrams by outcome.</summary>
    public required CountsByName Secondary { get; init; }
}
