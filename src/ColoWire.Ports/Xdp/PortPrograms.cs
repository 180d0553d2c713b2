// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Ports.Xdp;

/// <summary>The programs of an appliance, and the order in which they change: the secondary's first, because a frame of the
/// primary that arrives before its twin has to wait for it.</summary>
/// <param name="primary">The program of the primary's interface; null where it needs none.</param>
/// <param name="secondary">The program of the secondary's interface; null where it needs none.</param>
/// <param name="notes">What the operator should know about them, one line each.</param>
internal sealed class PortPrograms(PortProgram? primary, PortProgram? secondary, IReadOnlyList<string> notes) : IDisposable
{
    /// <summary>The program of the primary's interface.</summary>
    public PortProgram? Primary => primary;

    /// <summary>The program of the secondary's interface.</summary>
    public PortProgram? Secondary => secondary;

    /// <summary>What the operator should know about them, one line each.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>Attaches both.</summary>
    /// <exception cref="PortException">One cannot be attached.</exception>
    public void TakeOver()
    {
        secondary?.TakeOver();
        primary?.TakeOver();
    }

    /// <summary>Writes the heartbeat of a queue in both.</summary>
    /// <returns>The longer of the times without a heartbeat, in nanoseconds; see <see cref="Heartbeat.Beat"/>.</returns>
    public long Beat(int queue, long aliveNs) =>
        Math.Max(primary?.Beat(queue, aliveNs) ?? 0, secondary?.Beat(queue, aliveNs) ?? 0);

    /// <summary>Starts a bypass. Here the primary's is the first: no frame of it is to wait for a twin that goes
    /// nowhere.</summary>
    public void HandOver()
    {
        primary?.HandOver();
        secondary?.HandOver();
    }

    /// <summary>Ends a bypass, with the next heartbeat.</summary>
    public void TakeBack()
    {
        secondary?.TakeBack();
        primary?.TakeBack();
    }

    /// <summary>The frames of both that bypassed ColoWire and were not reported yet; they count as reported then.</summary>
    public BypassedFrames TakeBypassed()
    {
        BypassedFrames ofPrimary = primary?.TakeBypassed() ?? default;
        BypassedFrames ofSecondary = secondary?.TakeBypassed() ?? default;
        // The secondary's program has no out interface.
        return new BypassedFrames(ofPrimary.ToWire, ofPrimary.Dropped + ofSecondary.Dropped);
    }

    /// <summary>Closes both.</summary>
    public void Dispose()
    {
        primary?.Dispose();
        secondary?.Dispose();
    }
}
