// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Ports.Xdp;

/// <summary>How long ColoWire was away from an interface before it took it over, and the frames that its program passed
/// meanwhile.</summary>
/// <param name="AwayNs">The time since the last heartbeat, or since the handover, in nanoseconds.</param>
/// <param name="Frames">The frames that were not reported yet.</param>
/// <param name="CleanStop">The process before had handed over; else it died, or hung.</param>
public sealed record Bypass(long AwayNs, BypassedFrames Frames, bool CleanStop)
{
    /// <summary>The bypass of two interfaces, of which either may have had no program of ColoWire.</summary>
    /// <param name="primary">What the program of the primary's interface says.</param>
    /// <param name="world">What the program of the interface towards the clients says: its frames went to the primary.</param>
    internal static Bypass? Of(Bypass? primary, Bypass? world)
    {
        if (world is null)
        {
            return primary;
        }

        BypassedFrames ofPrimary = primary?.Frames ?? default;
        long dropped = ofPrimary.Dropped + world.Frames.Dropped;
        return (primary ?? world) with { Frames = new(ofPrimary.ToWire, dropped, ToPrimary: world.Frames.ToWire) };
    }
}

/// <summary>Frames that did not come to ColoWire.</summary>
/// <param name="ToWire">Frames that were redirected to the interface on the other side; of an appliance, frames of the primary to
/// the out interface.</param>
/// <param name="Dropped">Frames that were dropped.</param>
/// <param name="ToPrimary">Of an appliance, frames of clients to the primary.</param>
public readonly record struct BypassedFrames(long ToWire, long Dropped, long ToPrimary = 0)
{
    /// <summary>Whether there is no frame.</summary>
    public bool IsNone => this is { ToWire: 0, Dropped: 0, ToPrimary: 0 };

    /// <summary>Those that no process has reported yet.</summary>
    internal static BypassedFrames NotReported(PortState state) =>
        new(state.ToWire - state.ReportedToWire, state.Dropped - state.ReportedDropped);
}

/// <summary>What has bypassed an appliance.</summary>
/// <param name="Bypasses">How often frames did.</param>
/// <param name="AwayNs">How long ColoWire was away, all of these together, in nanoseconds.</param>
/// <param name="ToWire">Frames of the primary that were redirected to the out interface.</param>
/// <param name="Dropped">Frames of any side that were dropped.</param>
/// <param name="ToPrimary">Frames of clients that were redirected to the primary.</param>
public readonly record struct FailWireCounts(long Bypasses, long AwayNs, long ToWire, long Dropped, long ToPrimary);

/// <summary>Counts the frames that bypassed an appliance, each once. Any thread may use it; it is not used for each
/// frame.</summary>
internal sealed class BypassTally
{
    private readonly Lock countsLock = new();
    private FailWireCounts counts;

    /// <summary>What was counted so far.</summary>
    public FailWireCounts Counts
    {
        get
        {
            lock (countsLock)
            {
                return counts;
            }
        }
    }

    /// <summary>Counts a bypass that was found when an interface was taken over.</summary>
    /// <param name="before">The bypass; null for none.</param>
    public void Add(Bypass? before)
    {
        if (before != null)
        {
            lock (countsLock)
            {
                Add(before.AwayNs, before.Frames);
            }
        }
    }

    /// <summary>Counts what the programs of this process have passed since this was asked last.</summary>
    /// <param name="programs">The programs.</param>
    /// <param name="awayNs">How long ColoWire was away, in nanoseconds.</param>
    /// <returns>Whether there was any frame; else nothing is counted.</returns>
    public bool Take(PortPrograms programs, long awayNs)
    {
        lock (countsLock)
        {
            BypassedFrames frames = programs.TakeBypassed();
            if (frames.IsNone)
            {
                return false;
            }

            Add(awayNs, frames);
            return true;
        }
    }

    private void Add(long awayNs, BypassedFrames frames) => counts = new FailWireCounts(
        counts.Bypasses + 1,
        counts.AwayNs + awayNs,
        counts.ToWire + frames.ToWire,
        counts.Dropped + frames.Dropped,
        counts.ToPrimary + frames.ToPrimary);
}
