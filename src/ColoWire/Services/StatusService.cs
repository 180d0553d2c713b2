// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Engine.Pipelines;
using ColoWire.Hosting;
using ColoWire.Reports;
using ColoWire.Writing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>How the counters are shown while an appliance runs.</summary>
internal enum StatusForm
{
    /// <summary>A line in the log every ten seconds, when a counter has changed.</summary>
    Log,

    /// <summary>One line of a terminal, rewritten each second.</summary>
    Terminal,

    /// <summary>A JSON object on the standard output each second.</summary>
    Json,
}

/// <summary>
/// Shows the counters of an appliance, and logs what changes on its ports. It also ends the program when both captures are at
/// their end. In steady state it allocates nothing, because a garbage collection stops the threads that move frames.
/// </summary>
internal sealed class StatusService(
    Appliance appliance,
    StatusForm form,
    StandardOutputs outputs,
    IHostApplicationLifetime lifetime,
    ILogger<StatusService> log,
    TimeProvider time)
    : BackgroundService
{
    /// <summary>Seconds between two lines in the log.</summary>
    public const int LogIntervalSeconds = 10;

    /// <summary>How often the ports are looked at in a second.</summary>
    public const int LooksPerSecond = 20;

    /// <summary>How many looks in a row must find no frame before captures count as done: a frame between two threads is in no
    /// counter of held frames.</summary>
    private const int QuietLooksBeforeEnd = 2;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1) / LooksPerSecond;

    private readonly SnapshotReader reader = new(appliance);
    private readonly PortLog portLog = new(appliance.Ports, log);
    private readonly ProtectionLog protectionLog = new(appliance, log);
    private readonly RequesterLog requesterLog = new(appliance.Requester, log);
    private readonly TrafficLog trafficLog = new(appliance, log);
    private readonly UnwrittenLog unwrittenLog = new(outputs, log);
    private readonly JsonLine json = new();
    private ApplianceSnapshot now;
    private ApplianceSnapshot shown = SnapshotReader.Of(appliance);
    private int looks;
    private int seconds;
    private int quietLooks;

    /// <summary>Looks once; each second it shows the counters, too.</summary>
    internal void Look()
    {
        looks++;
        LookAtStates(isLast: false);
        EndAfterCaptures();
        if (looks % LooksPerSecond == 0)
        {
            LookAtCounters();
            unwrittenLog.Look();
            Show();
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        json.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new Cadence(time).RunAsync(LookInterval, Look, LookLast, stoppingToken);

    /// <summary>The appliance has stopped before this service: its last changes are logged now.</summary>
    private void LookLast()
    {
        LookAtStates(isLast: true);
        LookAtCounters();
        if (form == StatusForm.Terminal)
        {
            Write(TerminalLine.Erase);
        }
    }

    private void LookAtStates(bool isLast)
    {
        trafficLog.LookAtBypasses();
        portLog.Look();
        protectionLog.Look();
        requesterLog.Look(appliance.Clock.NowNs, isLast);
    }

    private void LookAtCounters()
    {
        now = reader.Read(outputs.Unwritten);
        trafficLog.Look(now);
    }

    private void EndAfterCaptures()
    {
        quietLooks = appliance.Ports.Ended && IsQuiet() ? quietLooks + 1 : 0;
        if (quietLooks == QuietLooksBeforeEnd)
        {
            log.LogCapturesEnded();
            lifetime.StopApplication();
        }
    }

    private bool IsQuiet()
    {
        PathCounters counters = PathCounters.Of(appliance.Path);
        return counters.Shards.Held == 0 && counters.Shards.SecondaryHeld == 0 && counters.FragmentsWaiting == 0
            && appliance.Unsent == 0;
    }

    private void Show()
    {
        seconds++;
        switch (form)
        {
            case StatusForm.Json:
                json.Write(now, ReportJson.Default.ApplianceSnapshot);
                outputs.Status.Add(json.Bytes.Span);
                break;
            case StatusForm.Terminal:
                Write(TerminalLine.Rewrite(StatusLine.Text(now, shown)));
                break;
            case StatusForm.Log when seconds % LogIntervalSeconds == 0 && !now.CountsLike(shown):
                string line = StatusLine.Text(now, shown);
                log.LogCounters(line);
                break;
            default:
                return;
        }

        shown = now;
    }

    private void Write(string text) => outputs.Status.Add(StandardOutputs.Encoding.GetBytes(text));
}
