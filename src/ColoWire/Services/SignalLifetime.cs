// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>Starts and stops the host of an appliance on signals, and notifies systemd.</summary>
internal sealed class SignalLifetime(
    StopSignals signals, IHostApplicationLifetime host, ISystemdNotifier notifier, ILogger<SignalLifetime> log) : IHostLifetime
{
    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        host.ApplicationStarted.Register(() =>
        {
            notifier.Notify(ServiceState.Ready);
            signals.Attach(host, log);
        });
        host.ApplicationStopping.Register(() =>
        {
            signals.BeginLimit();
            notifier.Notify(ServiceState.Stopping);
        });
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
