// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Engine.Compare;
using ColoWire.Hosting;
using ColoWire.Reports;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>
/// Takes the divergence reports from the gate and logs them: a line each, with <c>trace</c> the bytes around the difference too. A
/// storm of them is counted and cut, so that the log cannot fill a disk.
/// </summary>
internal sealed class DivergenceLog(Appliance appliance, ILogger<DivergenceLog> log, TimeProvider time) : BackgroundService
{
    /// <summary>Reports shown in a second: what a person can still follow.</summary>
    public const int MaxPerSecond = 10;

    /// <summary>How often the gate is asked; its ring holds the reports of a storm for as long.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private long secondStart = time.GetTimestamp();
    private int shown;
    private long omitted;

    /// <summary>Logs what the gate has; called by one thread at a time.</summary>
    internal void Drain()
    {
        if (time.GetElapsedTime(secondStart) >= Second)
        {
            TellOmitted();
            secondStart = time.GetTimestamp();
            shown = 0;
        }

        while (appliance.Path.Gate.TryReadReport(out DivergenceReport report))
        {
            if (shown == MaxPerSecond)
            {
                omitted++;
                continue;
            }

            shown++;
            log.LogDivergence(Text(report));
        }
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => new Cadence(time).RunAsync(Interval, Drain, DrainLast, stoppingToken);

    /// <summary>The appliance stopped before this service: what it reported last is logged now.</summary>
    private void DrainLast()
    {
        Drain();
        TellOmitted();
    }

    private string Text(in DivergenceReport report)
    {
        if (!appliance.Options.Trace)
        {
            return DivergenceText.Headline(report, appliance.StartedAtNs);
        }

        using StringWriter text = new();
        DivergenceText.Write(text, report, appliance.StartedAtNs);
        return text.ToString().TrimEnd();
    }

    private void TellOmitted()
    {
        if (omitted != 0)
        {
            log.LogDivergencesOmitted(omitted, MaxPerSecond);
            omitted = 0;
        }
    }
}
