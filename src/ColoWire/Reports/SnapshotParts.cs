// SPDX-License-Identifier: GPL-2.0-or-later

using System.Text.Json.Serialization;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Xdp;

namespace ColoWire.Reports;

/// <summary>The names of the three ports, as the operator has written them.</summary>
internal sealed record PortNames(string PrimaryIn, string SecondaryIn, string Outdev);

/// <summary>The counters of a capture port.</summary>
/// <param name="Frames">Frames handed to the engine.</param>
/// <param name="Bytes">Bytes of those.</param>
/// <param name="KernelDropped">Frames that arrived when the kernel had no room for them.</param>
/// <param name="InterfaceDropped">Frames that the interface itself lost.</param>
/// <param name="Oversize">Frames that are too long.</param>
/// <param name="Truncated">Frames of which only a part was captured.</param>
internal readonly record struct CaptureCounts(
    long Frames, long Bytes, long KernelDropped, long InterfaceDropped, long Oversize, long Truncated)
{
    /// <summary>Frames that arrived and never reached the engine.</summary>
    [JsonIgnore]
    public long NotCaptured => KernelDropped + InterfaceDropped + Oversize + Truncated;

    /// <summary>Takes the counters of a port.</summary>
    public static CaptureCounts Of(in CaptureStatistics port) =>
        new(port.Frames, port.Bytes, port.KernelDropped, port.InterfaceDropped, port.Oversize, port.Truncated);
}

/// <summary>What became of the frames of clients; only with <c>inbound: mirror</c>.</summary>
/// <param name="Frames">By what became of them on the way to the secondary.</param>
/// <param name="PrimaryMissed">Frames that the primary has not received, because its port did not take them in time.</param>
/// <param name="SecondaryMissed">The same for the secondary.</param>
/// <param name="Drops">Frames that concern no guest, by reason.</param>
internal readonly record struct InboundCounts(
    CountsByName Frames, long PrimaryMissed, long SecondaryMissed, CountsByName Drops)
{
    /// <summary>The ports of a running appliance; null for captures.</summary>
    public InboundPortCounts? Ports { get; init; }
}

/// <summary>The counters of the ports that carry the frames of clients.</summary>
/// <param name="Captured">The port that captures them.</param>
/// <param name="ToPrimary">The port that sends them to the primary.</param>
/// <param name="ToSecondary">The port that sends them to the secondary.</param>
internal readonly record struct InboundPortCounts(CaptureCounts Captured, OutputCounts ToPrimary, OutputCounts ToSecondary);

/// <summary>The counters of the out port.</summary>
/// <param name="Frames">Frames sent.</param>
/// <param name="Bytes">Bytes of those.</param>
/// <param name="Retries">How often a full queue made a frame wait.</param>
/// <param name="TooLong">Frames lost because they exceed the interface's MTU.</param>
/// <param name="LinkDown">Frames lost because the link was down.</param>
/// <param name="Failed">Frames lost for any other reason.</param>
internal readonly record struct OutputCounts(long Frames, long Bytes, long Retries, long TooLong, long LinkDown, long Failed)
{
    /// <summary>Frames lost for any reason.</summary>
    [JsonIgnore]
    public long Lost => TooLong + LinkDown + Failed;

    /// <summary>Takes the counters of a port.</summary>
    public static OutputCounts Of(in InjectStatistics port) =>
        new(port.Frames, port.Bytes, port.Retries, port.TooLong, port.LinkDown, port.Failed);
}

/// <summary>Frames that the kernel's programs sent past ColoWire, and why they do so now.</summary>
/// <param name="Bypasses">How often frames went past ColoWire.</param>
/// <param name="AwayNs">For how long in all, in nanoseconds.</param>
/// <param name="ToWire">Frames of the primary that went straight to the out port.</param>
/// <param name="ToPrimary">Frames of clients that went straight to the primary.</param>
/// <param name="Dropped">Frames that were dropped meanwhile.</param>
/// <param name="Trouble">Why frames do not come to ColoWire, or would not go past it; null when nothing is wrong.</param>
internal readonly record struct BypassCounts(
    [property: JsonPropertyName("absences")] long Bypasses, long AwayNs, long ToWire, long ToPrimary, long Dropped,
    string? Trouble)
{
    /// <summary>Takes the counters of the kernel's programs.</summary>
    public static BypassCounts Of(in FailWireCounts counts, string? trouble) =>
        new(counts.Bypasses, counts.AwayNs, counts.ToWire, counts.ToPrimary, counts.Dropped, trouble);
}

/// <summary>Primary frames that left.</summary>
/// <param name="Verified">Frames that the secondary agreed with.</param>
/// <param name="NotCompared">Frames that left at once because they cannot be compared.</param>
/// <param name="Unverified">Frames that left unverified.</param>
internal readonly record struct ReleasedCounts(
    long Verified, [property: JsonPropertyName("passed")] long NotCompared, long Unverified);

/// <summary>The state of the checkpoint requester.</summary>
/// <param name="Name">The requester as the operator has written it.</param>
/// <param name="Ready">Whether a checkpoint can be requested now.</param>
/// <param name="Trouble">Why none can be requested, or why the last request failed; else null.</param>
/// <param name="Requests">Requests sent, repeated ones included.</param>
/// <param name="Completed">Checkpoints that have finished, requested or not.</param>
/// <param name="Failed">Requests that failed.</param>
/// <param name="Ignored">Messages of the peer that were not understood.</param>
/// <param name="LastMs">From the last answered request to the end of its checkpoint, in milliseconds.</param>
/// <param name="LongestMs">The longest such time, in milliseconds.</param>
/// <param name="LastStopMs">How long both guests were stopped for the last checkpoint, in milliseconds.</param>
/// <param name="LongestStopMs">The longest such time, in milliseconds.</param>
internal readonly record struct RequesterState(
    string Name,
    bool Ready,
    string? Trouble,
    long Requests,
    long Completed,
    long Failed,
    long Ignored,
    double LastMs,
    double LongestMs,
    double LastStopMs,
    double LongestStopMs)
{
    private const double NanosecondsPerMs = 1e6;

    /// <summary>Takes the state and the counters of a requester.</summary>
    public static RequesterState Of(string name, bool isReady, string? trouble, in RequesterCounts counts) => new(
        name,
        isReady,
        trouble,
        counts.Requests,
        counts.Completed,
        counts.Failed,
        counts.Ignored,
        counts.LastNs / NanosecondsPerMs,
        counts.LongestNs / NanosecondsPerMs,
        counts.LastStopNs / NanosecondsPerMs,
        counts.LongestStopNs / NanosecondsPerMs);
}

/// <summary>Quantiles of how long primary frames were held, in nanoseconds.</summary>
/// <param name="P50">The median.</param>
/// <param name="P99">The time that 99 of 100 frames were not held longer than.</param>
internal readonly record struct HoldQuantiles(long P50, long P99);

/// <summary>What the runtime has counted for the process.</summary>
/// <param name="GarbageCollections">Garbage collections. None is expected after the start, because each of them stops every
/// thread.</param>
/// <param name="AllocatedBytes">Bytes allocated, in steps of some kilobytes. Frames allocate nothing.</param>
internal readonly record struct RuntimeCounts(long GarbageCollections, long AllocatedBytes);

/// <summary>One number for each side.</summary>
internal readonly record struct BothSides(long Primary, long Secondary);

/// <summary>Datagrams that came in fragments.</summary>
/// <param name="Waiting">Frames of both sides whose datagrams are incomplete; null where none can wait any more.</param>
/// <param name="Primary">The primary's datagrams by outcome.</param>
/// <param name="Secondary">The secondary's datagrams by outcome.</param>
internal readonly record struct FragmentCounts(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Waiting, CountsByName Primary,
    CountsByName Secondary);
