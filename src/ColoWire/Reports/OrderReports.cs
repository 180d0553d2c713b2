// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Reports;

/// <summary>The answer to an order that was carried out.</summary>
internal interface IOrderReport
{
    /// <summary>What was done, in a sentence.</summary>
    string Message { get; }
}

/// <summary>A checkpoint has finished.</summary>
/// <param name="Message">What was done, in a sentence.</param>
/// <param name="Epoch">The number of the epoch that it began.</param>
/// <param name="TookNs">From the order to the end of the checkpoint, in nanoseconds.</param>
internal sealed record FinishedCheckpointReport(string Message, long Epoch, long TookNs) : IOrderReport;

/// <summary>One side speaks alone.</summary>
/// <param name="Message">What was done, in a sentence.</param>
/// <param name="Protection">The name of the <see cref="Engine.Checkpoint.Protection"/>.</param>
/// <param name="Changed">False when this side spoke alone already.</param>
/// <param name="Released">Primary frames that left unverified.</param>
/// <param name="Dropped">Primary frames that were dropped.</param>
/// <param name="SecondaryReleased">Secondary frames that left.</param>
internal sealed record FailoverReport(
    string Message, string Protection, bool Changed, long Released, long Dropped, long SecondaryReleased) : IOrderReport;

/// <summary>The mode is set.</summary>
/// <param name="Message">What was done, in a sentence.</param>
/// <param name="Mode">The name of the mode from now on.</param>
/// <param name="Earlier">The name of the mode before.</param>
/// <param name="Released">Primary frames that left unverified.</param>
internal sealed record ModeReport(string Message, string Mode, string Earlier, long Released) : IOrderReport;

/// <summary>Held frames were let out.</summary>
/// <param name="Message">What was done, in a sentence.</param>
/// <param name="Released">Primary frames that left unverified.</param>
internal sealed record FlushReport(string Message, long Released) : IOrderReport;

/// <summary>An order was refused, or has failed.</summary>
/// <param name="Error">The reason, in one line.</param>
internal sealed record RefusalReport(string Error);
