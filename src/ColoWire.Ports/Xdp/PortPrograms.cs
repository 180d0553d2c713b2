// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Ports.Xdp;

/// <summary>The programs of an appliance, and the order in which they change: the secondary's before the primary's, because a
/// frame of the primary that arrives before its twin has to wait for it; the clients' outermost, so that no client frame reaches
/// the primary alone while both replicas' frames are compared.</summary>
/// <param name="primary">The program of the primary's interface; null where it needs none.</param>
/// <param name="secondary">The program of the secondary's interface; null where it needs none.</param>
/// <param name="world">The program of the interface towards the clients; null where it needs none.</param>
/// <param name="notes">What the operator should know about them, one line each.</param>
internal sealed class PortPrograms(
    PortProgram? primary, PortProgram? secondary, PortProgram? world, IReadOnlyList<string> notes) : IDisposable
{
    /// <summary>The program of the primary's interface.</summary>
    public PortProgram? Primary => primary;

    /// <summary>The program of the secondary's interface.</summary>
    public PortProgram? Secondary => secondary;

    /// <summary>The program of the interface towards the clients.</summary>
    public PortProgram? World => world;

    /// <summary>Whether there is any program.</summary>
    public bool IsAny => primary != null || secondary != null || world != null;

    /// <summary>What the operator should know about them, one line each.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>What bypassed ColoWire before the last <see cref="PortProgram.TakeOver"/>; null where no program of ColoWire was
    /// on the interfaces.</summary>
    public Bypass? Before => Bypass.Of(primary?.Before, world?.Before);

    /// <summary>Attaches all.</summary>
    /// <exception cref="PortException">One cannot be attached.</exception>
    public void TakeOver()
    {
        world?.TakeOver();
        secondary?.TakeOver();
        primary?.TakeOver();
    }

    /// <summary>Writes the heartbeat of a queue in all.</summary>
    /// <returns>The longest of the times without a heartbeat, in nanoseconds; see <see cref="Heartbeat.Beat"/>.</returns>
    public long Beat(int queue, long aliveNs)
    {
        long silentNs = Math.Max(primary?.Beat(queue, aliveNs) ?? 0, secondary?.Beat(queue, aliveNs) ?? 0);
        return Math.Max(silentNs, world?.Beat(queue, aliveNs) ?? 0);
    }

    /// <summary>Starts a bypass, in the opposite order: no frame of the primary is to wait for a twin that is dropped.</summary>
    public void HandOver()
    {
        primary?.HandOver();
        secondary?.HandOver();
        world?.HandOver();
    }

    /// <summary>Ends a bypass, with the next heartbeat.</summary>
    public void TakeBack()
    {
        world?.TakeBack();
        secondary?.TakeBack();
        primary?.TakeBack();
    }

    /// <summary>The frames of all that bypassed ColoWire and were not reported yet; they count as reported then.</summary>
    public BypassedFrames TakeBypassed()
    {
        BypassedFrames ofPrimary = primary?.TakeBypassed() ?? default;
        BypassedFrames ofSecondary = secondary?.TakeBypassed() ?? default;
        BypassedFrames ofClients = world?.TakeBypassed() ?? default;
        // The secondary's program redirects no frame.
        return new BypassedFrames(
            ofPrimary.ToWire, ofPrimary.Dropped + ofSecondary.Dropped + ofClients.Dropped, ToPrimary: ofClients.ToWire);
    }

    /// <summary>Closes all.</summary>
    public void Dispose()
    {
        primary?.Dispose();
        secondary?.Dispose();
        world?.Dispose();
    }
}
