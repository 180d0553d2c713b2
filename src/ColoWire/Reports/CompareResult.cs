// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Reports;

/// <summary>What came of comparing two captures: everything that the reports show.</summary>
internal sealed record CompareResult
{
    /// <summary>What the primary's capture delivered.</summary>
    public required SideTotals Primary { get; init; }

    /// <summary>What the secondary's capture delivered.</summary>
    public required SideTotals Secondary { get; init; }

    /// <summary>Primary frames that the secondary agreed with.</summary>
    public required long Verified { get; init; }

    /// <summary>Primary frames that are not comparable, by reason.</summary>
    public required CountsByName NotCompared { get; init; }

    /// <summary>Primary frames that are malformed, by kind.</summary>
    public required CountsByName Malformed { get; init; }

    /// <summary>Frames of the secondary that are malformed.</summary>
    public long SecondaryMalformed { get; init; }

    /// <summary>Primary frames that left unverified, by reason.</summary>
    public required CountsByName Unverified { get; init; }

    /// <summary>Primary frames that were never released.</summary>
    public required long HeldAtEnd { get; init; }

    /// <summary>Checkpoints that would have been asked for.</summary>
    public required long Checkpoints { get; init; }

    /// <summary>Flows that were seen.</summary>
    public required long Flows { get; init; }

    /// <summary>Divergences, listed or not.</summary>
    public required long DivergencesTotal { get; init; }

    /// <summary>The divergences in the order in which they were found, bounded.</summary>
    public required IReadOnlyList<DivergenceSummary> Divergences { get; init; }

    /// <summary>The first divergences with the bytes of their frames.</summary>
    public required IReadOnlyList<CheckpointReport> Shown { get; init; }

    /// <summary>Differences that count for nothing, by field.</summary>
    public required CountsByName Tolerated { get; init; }

    /// <summary>Frames that went nowhere, by reason.</summary>
    public required CountsByName Drops { get; init; }

    /// <summary>Datagrams of the primary that came in fragments, by what became of them.</summary>
    public required CountsByName PrimaryFragments { get; init; }

    /// <summary>Datagrams of the secondary that came in fragments, by what became of them.</summary>
    public required CountsByName SecondaryFragments { get; init; }

    /// <summary>The median of how long a primary frame waited, in nanoseconds.</summary>
    public required long HoldMedianNs { get; init; }

    /// <summary>What 99 of 100 primary frames did not wait longer than, in nanoseconds.</summary>
    public required long HoldP99Ns { get; init; }

    /// <summary>Primary frames that left at once because they cannot be compared.</summary>
    public long NotComparedFrames => NotCompared.Total + Malformed.Total;

    /// <summary>Primary frames that left unverified.</summary>
    public long UnverifiedFrames => Unverified.Total;

    /// <summary>Frames of both that ought to be compared and could not be: a capture holds them only in part or damaged, or they are too
    /// long.</summary>
    public long UnreadableFrames => Primary.Refused + Secondary.Refused + Malformed.Total + SecondaryMalformed;

    /// <summary>Whether a frame of either side was judged.</summary>
    public bool IsAnythingCompared => Verified + UnverifiedFrames + HeldAtEnd + DivergencesTotal != 0;

    /// <summary>Whether nothing was found that the replicas differ in, and every frame had its say. What is not compared is not equal.</summary>
    public bool IsEqual => IsAnythingCompared && DivergencesTotal == 0 && UnverifiedFrames == 0 && HeldAtEnd == 0 && UnreadableFrames == 0;

    /// <summary>The instant that people are shown as zero: the start of the primary's capture, if it has one.</summary>
    public long OriginNs => Primary.Frames != 0 ? Primary.FirstNs : Secondary.FirstNs;
}

/// <summary>What one capture delivered.</summary>
/// <param name="Frames">Frames that the engine got.</param>
/// <param name="Bytes">Bytes of those.</param>
/// <param name="Refused">Frames that could not be handed on whole.</param>
/// <param name="FirstNs">Time of the first frame in nanoseconds since 1970, after shifting; 0 without frames.</param>
internal readonly record struct SideTotals(long Frames, long Bytes, long Refused, long FirstNs)
{
    /// <summary>Number of the first frame after the capture's clock was set back; 0 when it never was.</summary>
    public long ClockStepFrame { get; init; }

    /// <summary>What a port has delivered.</summary>
    public static SideTotals Of(CaptureStatistics statistics, long firstNs) =>
        new(
            statistics.Frames,
            statistics.Bytes,
            statistics.Oversize + statistics.Truncated,
            statistics.Frames == 0 ? 0 : firstNs);
}

/// <summary>What a list keeps of a divergence, without the bytes of the frames.</summary>
/// <param name="Reason">In what the replicas differ.</param>
/// <param name="Field">The field of the header; null for other reasons.</param>
/// <param name="Flow">The connection.</param>
/// <param name="Offset">Where they differ, in bytes from the first compared byte of the primary's frame.</param>
/// <param name="PrimaryFrame">Number of the primary's frame, 0 for none.</param>
/// <param name="SecondaryFrame">Number of the secondary's frame, 0 for none.</param>
/// <param name="AtNs">When it was found, in nanoseconds since 1970 of the captures' clock.</param>
internal readonly record struct DivergenceSummary(
    DivergenceReason Reason, ToleratedField? Field, FlowKey Flow, int Offset, uint PrimaryFrame, uint SecondaryFrame, long AtNs)
{
    /// <summary>Leaves the bytes out of a report. Captures are compared without a requester, so that each report is of a divergence.</summary>
    public static DivergenceSummary Of(in CheckpointReport report) => new(
        report.Divergence.Reason,
        report.Divergence.Reason == DivergenceReason.Header ? report.Divergence.Field : null,
        report.Flow,
        report.Divergence.Offset,
        report.Divergence.Primary.Number,
        report.Divergence.Secondary.Number,
        report.AtNs);
}
