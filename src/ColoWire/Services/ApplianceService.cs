// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;
using System.Threading.Tasks;
using ColoWire.Hosting;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>Starts and stops an appliance with the host.</summary>
internal sealed class ApplianceService(Appliance appliance, IHostApplicationLifetime lifetime, ILogger<ApplianceService> log)
    : IHostedService
{
    private CancellationTokenRegistration failing;

    /// <summary>Why the appliance could not start, or null.</summary>
    public PortException? Refusal { get; private set; }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (string line in StartReport.Lines(appliance))
        {
            log.LogPlan(line);
        }

        foreach (string warning in appliance.Ports.Warnings)
        {
            log.LogStartWarning(warning);
        }

        // After all memory was allocated, before the first frame.
        log.LogPlan(MemoryLock.TryLockAll() is string reason
            ? $"memory may be swapped out: it cannot be locked: {reason} (see ulimit -l, LimitMEMLOCK)"
            : "memory is locked: none of it is swapped out");
        failing = appliance.Failing.Register(lifetime.StopApplication);
        try
        {
            appliance.Start();
            log.LogReady();
        }
        catch (PortException exception)
        {
            Refusal = exception;
            lifetime.StopApplication();
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await failing.DisposeAsync();
        log.LogStopping();
        await Task.Run(() => appliance.Stop(Appliance.DrainPatience), CancellationToken.None);
        if (appliance.End == ApplianceEnd.HeldBack)
        {
            log.LogHeldBack(appliance.Unsent, appliance.Ports.OutputName, Appliance.DrainPatience.TotalSeconds);
        }
    }
}
