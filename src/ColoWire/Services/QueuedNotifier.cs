// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Text;
using ColoWire.Writing;
using Microsoft.Extensions.Hosting.Systemd;

namespace ColoWire.Services;

/// <summary>Sends notifications to systemd through a queue. The socket of systemd blocks while systemd does not read it, and
/// neither start nor stop of an appliance may wait for that.</summary>
internal sealed class QueuedNotifier(ISystemdNotifier notifier, TimeProvider time) : ISystemdNotifier
{
    /// <summary>Some ten messages. While systemd has not read those, further ones are not needed.</summary>
    private const int CapacityBytes = 256;

    private readonly OutputQueue queue = new("colowire-notify", new Sink(notifier), time, CapacityBytes);

    /// <inheritdoc/>
    public bool IsEnabled => notifier.IsEnabled;

    /// <inheritdoc/>
    public void Notify(ServiceState state)
    {
        if (IsEnabled)
        {
            queue.Add(Encoding.UTF8.GetBytes(state.ToString()));
        }
    }

    private sealed class Sink(ISystemdNotifier notifier) : IRecordSink
    {
        public bool TryWrite(ReadOnlySpan<byte> record)
        {
            try
            {
                notifier.Notify(new ServiceState(Encoding.UTF8.GetString(record)));
                return true;
            }
            catch (System.Net.Sockets.SocketException)
            {
                return false;
            }
        }
    }
}
