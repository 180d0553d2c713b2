// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>Notifies the watchdog of systemd while every thread of the appliance makes progress (sd_watchdog_enabled(3),
/// WatchdogSec= in systemd.service(5)). When a thread hangs, systemd restarts the service.</summary>
internal sealed class WatchdogService(
    Appliance appliance, ISystemdNotifier notifier, ILogger<WatchdogService> log, TimeProvider time) : BackgroundService
{
    /// <summary>Notifications in one period of the watchdog, as sd_watchdog_enabled(3) recommends.</summary>
    private const int BeatsPerPeriod = 2;

    private const string PeriodVariable = "WATCHDOG_USEC";
    private const string ProcessVariable = "WATCHDOG_PID";

    private static readonly ServiceState Alive = new("WATCHDOG=1");

    private IReadOnlyList<long> seen = appliance.Rounds();

    /// <summary>The period of the watchdog.</summary>
    /// <returns>Null when systemd expects no notifications of this process.</returns>
    public static TimeSpan? Period()
    {
        string? process = Environment.GetEnvironmentVariable(ProcessVariable);
        bool forUs = string.IsNullOrEmpty(process) || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        bool isNumber = long.TryParse(
            Environment.GetEnvironmentVariable(PeriodVariable), NumberStyles.None, CultureInfo.InvariantCulture,
            out long microseconds);
        return forUs && isNumber && microseconds > 0 ? TimeSpan.FromMicroseconds(microseconds) : null;
    }

    /// <summary>Whether every thread has done a round since the last call.</summary>
    internal bool AllMoved()
    {
        IReadOnlyList<long> now = appliance.Rounds();
        bool moved = true;
        for (int i = 0; i < now.Count; i++)
        {
            moved &= now[i] != seen[i];
        }

        seen = now;
        return moved;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (Period() is not TimeSpan period || !notifier.IsEnabled)
        {
            return;
        }

        using PeriodicTimer timer = new(period / BeatsPerPeriod, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (AllMoved())
                {
                    notifier.Notify(Alive);
                }
                else
                {
                    log.LogNoProgress();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The appliance has stopped.
        }
    }
}
