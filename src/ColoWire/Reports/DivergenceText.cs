// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;

namespace ColoWire.Reports;

/// <summary>A divergence, or another cause of a checkpoint, for people: a headline, the headers of both frames, and the bytes
/// around the difference.</summary>
internal static class DivergenceText
{
    private const long NanosecondsPerMicrosecond = 1_000;
    private const long MicrosecondsPerSecond = 1_000_000;

    /// <summary>Writes one report.</summary>
    /// <param name="writer">Where it is written.</param>
    /// <param name="report">The report.</param>
    /// <param name="originNs">The instant of the engine's clock that is shown as zero.</param>
    public static void Write(TextWriter writer, in CheckpointReport report, long originNs)
    {
        writer.WriteLine(Headline(report, originNs));
        if (FlowText.IsFlow(report.Flow))
        {
            WriteFrame(writer, "primary", report.Divergence.Primary, report.Divergence.Reason);
            WriteFrame(writer, "secondary", report.Divergence.Secondary, report.Divergence.Reason);
        }
    }

    /// <summary>The headline: reason, flow, frames, offset, time. What concerns all flows has neither frames nor
    /// offset.</summary>
    public static string Headline(in CheckpointReport report, long originNs)
    {
        bool isHeader = report is { Cause: CheckpointCause.Divergence, Divergence.Reason: DivergenceReason.Header };
        string what = isHeader ? $"{Cause(in report)} ({CounterNames.Of(report.Divergence.Field)})" : Cause(in report);
        string where = FlowText.IsFlow(report.Flow)
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{FlowText.Line(report.Flow)}, frames "
                + $"{Number(report.Divergence.Primary)}/{Number(report.Divergence.Secondary)}, "
                + $"offset {report.Divergence.Offset}")
            : "all flows";
        string share = report.ExceedsShare
            ? "; it keeps differing and has used up its checkpoint_share: it leaves unverified until the next checkpoint, "
                + "which it asks for after "
                + $"{EngineLimits.CheckpointShareNs / NanosecondsPerMicrosecond / MicrosecondsPerSecond} s"
            : "";
        return $"{what}: {where}, at {Seconds(report.AtNs - originNs)}{share}";
    }

    /// <summary>The name of what has happened: of the reason where the replicas differ, else of the cause.</summary>
    public static string Cause(in CheckpointReport report) => report.Cause == CheckpointCause.Divergence
        ? Reason(report.Divergence.Reason)
        : CounterNames.Of(report.Cause);

    /// <summary>The name of a reason, as in every report.</summary>
    public static string Reason(DivergenceReason reason) => CounterNames.Of(reason);

    private static void WriteFrame(TextWriter writer, string side, in FrameSnapshot frame, DivergenceReason reason)
    {
        if (frame.Number == 0)
        {
            writer.WriteLine($"  {side}: no frame");
            return;
        }

        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  {side} {frame.Number}: {frame.Length} bytes, {HeaderLine.Describe(frame.Head)}"));
        // For other reasons the replicas differ in a header, or one of them sent nothing: no byte of the payload differs.
        bool byteDiffers = reason is DivergenceReason.Payload or DivergenceReason.Retransmit;
        HexDump.Write(writer, frame.Window, frame.WindowOffset, byteDiffers ? frame.DifferenceOffset : HexDump.NoMark);
    }

    private static string Number(in FrameSnapshot frame) =>
        frame.Number == 0 ? "none" : frame.Number.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(long durationNs)
    {
        long microseconds = Math.Abs(durationNs / NanosecondsPerMicrosecond);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{(durationNs < 0 ? '-' : '+')}{microseconds / MicrosecondsPerSecond}.{microseconds % MicrosecondsPerSecond:d6} s");
    }
}
