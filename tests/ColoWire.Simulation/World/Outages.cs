// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Simulation.World;

/// <summary>What may be gone for a while.</summary>
internal enum OutageKind
{
    /// <summary>The secondary's interface: its link is reported down, and its frames are lost.</summary>
    SecondaryPort,

    /// <summary>The primary's interface.</summary>
    PrimaryPort,

    /// <summary>The interface towards the clients: what leaves is lost there.</summary>
    OutputPort,

    /// <summary>ColoWire's own place in the wire: another instance, or the kernel's program, carries the primary's frames past it.</summary>
    Wire,
}

/// <summary>Has interfaces go and come back, and ColoWire's place in the wire taken from it, at instants that the seed decides.</summary>
internal sealed class Outages(Scheduler scheduler, EventLog log, Random random)
{
    private const long ShortestNs = 5 * Scheduler.Ms;
    private const long LongestNs = 800 * Scheduler.Ms;

    /// <summary>When the last outage is over.</summary>
    private long overNs;

    /// <summary>Something is gone.</summary>
    public event Action<OutageKind>? Began;

    /// <summary>It is back.</summary>
    public event Action<OutageKind>? Ended;

    /// <summary>What is gone now, or null.</summary>
    public OutageKind? Now { get; private set; }

    /// <summary>Plans some, one after the other.</summary>
    /// <param name="count">How many.</param>
    /// <param name="durationNs">Within which time they begin.</param>
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
