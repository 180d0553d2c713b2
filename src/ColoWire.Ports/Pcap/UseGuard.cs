// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;

namespace ColoWire.Ports.Pcap;

/// <summary>
/// Keeps a device from being closed under the thread that uses it, which crashes libpcap. The devices never block, so that a thread
/// inside one is out of it within microseconds, and nobody needs <c>pcap_breakloop</c>.
/// </summary>
internal sealed class UseGuard
{
    private const int Free = 0;
    private const int InUse = 1;
    private const int Closed = 2;

    private int state = Free;

    /// <summary>Begins a use by the port's own thread; false once closed.</summary>
    public bool TryEnter() => Interlocked.CompareExchange(ref state, InUse, Free) == Free;

    /// <summary>Ends the use.</summary>
    public void Leave() => Volatile.Write(ref state, Free);

    /// <summary>Waits until the device is free and bars it from then on.</summary>
    /// <returns>True for the one caller that may close it; false when it was closed before, or is in use for too long.</returns>
    public bool TryClose()
    {
        bool closing = false;
        SpinWait.SpinUntil(
            () =>
            {
                int before = Interlocked.CompareExchange(ref state, Closed, Free);
                closing = before == Free;
                return before != InUse;
            },
            TimeSpan.FromMilliseconds(PortLimits.CloseTimeoutMs));
        return closing;
    }
}
