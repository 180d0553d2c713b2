// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Simulation.World;

/// <summary>The clock of a simulated world and its scheduled events: nothing else advances the time (R10).</summary>
internal sealed class Scheduler
{
    public const long Ms = 1_000_000;
    public const long Never = long.MaxValue;

    private readonly PriorityQueue<Action, (long AtNs, long Order)> events = new();
    private long order;

    /// <summary>The current time, in nanoseconds.</summary>
    public long NowNs { get; private set; } = 1000 * Ms;

    /// <summary>When the next event is due, in nanoseconds.</summary>
    public long NextNs => events.TryPeek(out _, out (long AtNs, long Order) next) ? next.AtNs : Never;

    /// <summary>Events of the same instant happen in the order in which they were scheduled.</summary>
    public void At(long atNs, Action happen) => events.Enqueue(happen, (Math.Max(atNs, NowNs), order++));

    public void After(long delayNs, Action happen) => At(NowNs + delayNs, happen);

    /// <summary>Advances the clock; each event happens at its own instant.</summary>
    public void AdvanceTo(long atNs)
    {
        while (events.TryPeek(out _, out (long AtNs, long Order) next) && next.AtNs <= atNs)
        {
            NowNs = next.AtNs;
            events.Dequeue()();
        }

        NowNs = atNs;
    }
}
