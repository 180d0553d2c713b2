// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Capture;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>Slots run out: the flows of a shard that holds many of them make room (R8).</summary>
internal sealed class SlotRelief(
    FrameArena arena, FlowTable flows, ShardSignals signals, ShardView view, FlowLifecycle lifecycle, DivergenceReporter reports,
    UnfinishedFlow unfinished, StepMeter steps, WorkPlace place, ShardCounters counters)
{
    private long dueNs = long.MinValue;
    private uint next;

    /// <summary>Whether a round over the flows is not finished yet.</summary>
    public bool IsUnderWay => next != 0;

    /// <summary>Releases what is held where slots run out.</summary>
    public void KeepBounds(long nowNs)
    {
        // A secondary that is far ahead of a primary that cannot move waits with it.
        bool isPressed = signals.Primary.Value != Pressure.None
            ? HoldsMuch(signals.Primary, counters.Held)
            : HoldsMuch(signals.Secondary, counters.SecondaryHeld);
        if (!isPressed || view.HoldsOverflow)
        {
            next = 0;
        }
        else if (nowNs >= dueNs)
        {
            Relieve(nowNs);
        }
    }

    /// <summary>
    /// Whether slots run out and this shard holds at least half of its share of them. Where it does not, they wait elsewhere, at a slow out
    /// port for instance, and to release what is held would cost checkpoints and give no slot back.
    /// </summary>
    private bool HoldsMuch(PressureSignal signal, long held)
    {
        Pressure pressure = signal.Value;
        int slots = pressure == Pressure.Large ? arena.LargeSlotsPerSide : arena.SmallSlotsPerSide;
        return pressure != Pressure.None && held * 2 * signals.Shards >= slots;
    }

    /// <summary>Has flows make room, as many at a time as can be reported.</summary>
    private void Relieve(long nowNs)
    {
        for (; next < flows.HighWater && reports.HasRoom; next++)
        {
            if (steps.IsHalfSpent)
            {
                // The next poll goes on.
                place.FlowIndex = Flow.None;
                return;
            }

            steps.Count();
            place.FlowIndex = next;
            ref Flow flow = ref flows[next];
            if (!flow.InUse)
            {
                continue;
            }

            lifecycle.Follow(ref flow);
            if (!unfinished.IsAny && !flow.IsIdle)
            {
                lifecycle.Overflow(ref flow, nowNs);
            }
        }

        place.FlowIndex = Flow.None;
        next = 0;
        dueNs = nowNs + EngineLimits.ReliefIntervalNs;
    }
}
