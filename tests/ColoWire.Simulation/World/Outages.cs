// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Simulation.World;

/// <summary>The kind of an outage.</summary>
internal enum OutageKind
{
    /// <summary>The secondary's interface: its link is down, and its frames are lost.</summary>
    SecondaryPort,

    /// <summary>The primary's interface.</summary>
    PrimaryPort,

    /// <summary>The interface towards the clients: frames that leave are lost.</summary>
    OutputPort,

    /// <summary>ColoWire's position in the wire: another instance, or the kernel's program, forwards the primary's frames around
    /// it.</summary>
    Wire,
}

/// <summary>Takes interfaces down and up, and makes frames bypass ColoWire, at instants that the seed determines.</summary>
internal sealed class Outages(Scheduler scheduler, EventLog log, Random random)
{
    private const long ShortestNs = 5 * Scheduler.Ms;
    private const long LongestNs = 800 * Scheduler.Ms;

    /// <summary>When the last outage ends, in nanoseconds.</summary>
    private long overNs;

    /// <summary>An outage begins.</summary>
    public event Action<OutageKind>? Began;

    /// <summary>The outage ends.</summary>
    public event Action<OutageKind>? Ended;

    /// <summary>The current outage, or null.</summary>
    public OutageKind? Now { get; private set; }

    /// <summary>Schedules outages, one after the other.</summary>
    /// <param name="count">Number of outages.</param>
    /// <param name="durationNs">Time within which they begin, in nanoseconds.</param>
    public void Plan(int count, long durationNs)
    {
        for (int i = 0; i < count; i++)
        {
            OutageKind kind = (OutageKind)random.Next(Enum.GetValues<OutageKind>().Length);
            long beginsNs = Math.Max(overNs, scheduler.NowNs + random.NextInt64(durationNs)) + Scheduler.Ms;
            overNs = beginsNs + random.NextInt64(ShortestNs, LongestNs);
            scheduler.At(beginsNs, () => Change(kind, begins: true));
            scheduler.At(overNs, () => Change(kind, begins: false));
        }
    }

    private void Change(OutageKind kind, bool begins)
    {
        log.Add(begins ? $"gone {kind}" : $"back {kind}");
        Now = begins ? kind : null;
        (begins ? Began : Ended)?.Invoke(kind);
    }
}
