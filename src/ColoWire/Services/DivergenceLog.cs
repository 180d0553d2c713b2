// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Engine.Checkpoint;
using ColoWire.Hosting;
using ColoWire.Reports;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>Logs the gate's reports of causes of checkpoints: a line each, with <c>trace</c> also the bytes around the
/// difference. Beyond a number of reports a second they are only counted, so that the log cannot fill a disk.</summary>
internal sealed class DivergenceLog(Appliance appliance, ILogger<DivergenceLog> log, TimeProvider time) : BackgroundService
{
    /// <summary>Reports logged in a second, at most.</summary>
    public const int MaxPerSecond = 10;

    /// <summary>How often reports are fetched. The gate's ring holds the reports of so long a time.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private long secondStart = time.GetTimestamp();
    private int shown;
    private long omitted;

    /// <summary>Logs the reports that the gate holds. One thread at a time may call it.</summary>
    internal void Drain()
    {
        if (time.GetElapsedTime(secondStart) >= Second)
        {
            LogOmitted();
            secondStart = time.GetTimestamp();
            shown = 0;
        }

        while (appliance.Path.Gate.TryReadReport(out CheckpointReport report))
        {
            if (shown == MaxPerSecond)
            {
                omitted++;
                continue;
            }

            shown++;
            if (report.Cause == CheckpointCause.Divergence)
            {
                log.LogDivergence(Text(report));
            }
            else
            {
                log.LogCheckpointCause(Text(report));
            }
        }
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new Cadence(time).RunAsync(Interval, Drain, DrainLast, stoppingToken);

    /// <summary>The appliance has stopped before this service: its last reports are logged now.</summary>
    private void DrainLast()
    {
        Drain();
        LogOmitted();
    }

    private string Text(in CheckpointReport report)
    {
        if (!appliance.Options.Trace)
        {
            return DivergenceText.Headline(report, appliance.StartedAtNs);
        }

        using StringWriter text = new();
        DivergenceText.Write(text, report, appliance.StartedAtNs);
        return text.ToString().TrimEnd();
    }

    private void LogOmitted()
    {
        if (omitted != 0)
        {
            log.LogDivergencesOmitted(omitted, MaxPerSecond);
            omitted = 0;
        }
    }
}
