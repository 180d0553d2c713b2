// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Hosting;
using ColoWire.Reports;
using ColoWire.Writing;

namespace ColoWire.Control;

/// <summary>
/// The answers to <c>status</c>. Monitors ask each second, for months, so the memory of an answer is used again.
/// </summary>
/// <param name="appliance">The appliance.</param>
/// <param name="outputs">The outputs of the process, which count what they could not write.</param>
internal sealed class StatusReports(Appliance appliance, StandardOutputs outputs)
{
    private Report? spare;

    /// <summary>Writes a report. The caller gives it back after use.</summary>
    public Report Take()
    {
        Report report = Interlocked.Exchange(ref spare, null) ?? new Report(appliance);
        report.Write(outputs.Unwritten);
        return report;
    }

    /// <summary>Gives a report back.</summary>
    public void GiveBack(Report report)
    {
        if (Interlocked.CompareExchange(ref spare, report, null) != null)
        {
            // Two clients asked at the same time: one report is kept.
            report.Dispose();
        }
    }

    /// <summary>One report.</summary>
    internal sealed class Report(Appliance appliance) : IDisposable
    {
        private readonly SnapshotReader reader = new(appliance);
        private readonly JsonLine line = new(ControlAnswer.Form);

        /// <summary>The report: one JSON object.</summary>
        public ReadOnlyMemory<byte> Bytes => line.Bytes;

        /// <summary>Writes it.</summary>
        public void Write(UnwrittenCounts unwritten) =>
            line.Write(reader.ReadStatus(unwritten), ReportJson.Default.ApplianceSnapshot);

        /// <inheritdoc/>
        public void Dispose() => line.Dispose();
    }
}
