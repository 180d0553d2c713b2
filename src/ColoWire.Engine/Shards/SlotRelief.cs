// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Capture;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>Releases held frames when slots run out, if the shard holds many of them (R8).</summary>
internal sealed class SlotRelief(
    FrameArena arena, FlowTable flows, ShardSignals signals, ShardView view, FlowLifecycle lifecycle, DivergenceReporter reports,
    UnfinishedFlow unfinished, StepMeter steps, WorkPlace place, ShardCounters counters)
{
    private long dueNs = long.MinValue;
    private uint next;

    /// <summary>Whether a pass over the flows is unfinished.</summary>
    public bool IsUnderWay => next != 0;

    /// <summary>Releases held frames if slots run out.</summary>
    public void KeepBounds(long nowNs)
    {
        // While the primary's slots run out, only its held frames count: the secondary's cannot be verified before the primary's
        // port can receive again.
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
    /// Whether slots run out and this shard holds at least half of its share of them. Otherwise the slots are in use elsewhere,
    /// for instance at a slow inject port; releasing held frames would then cause checkpoints and free no slot.
    /// </summary>
    private bool HoldsMuch(PressureSignal signal, long held)
    {
        Pressure pressure = signal.Value;
        int slots = pressure == Pressure.Large ? arena.LargeSlotsPerSide : arena.SmallSlotsPerSide;
        return pressure != Pressure.None && held * 2 * signals.Shards >= slots;
    }

    /// <summary>Releases the frames of flows, as many flows at a time as can be reported.</summary>
    private void Relieve(long nowNs)
    {
        for (; next < flows.HighWater && reports.HasRoom; next++)
        {
            if (steps.IsHalfSpent)
            {
                // The next poll continues.
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
