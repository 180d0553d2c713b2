// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine;

/// <content>What happens when room runs out: in a flow, among the flows, among the slots.</content>
public sealed partial class Shard
{
    private readonly ShardSignals signals;
    private readonly int maxQueueSize;
    private readonly int plainQueueSize;
    private readonly bool mayHoldOverflow;
    private readonly FrameRef[] primaryBatch = new FrameRef[EngineLimits.BatchFrames];
    private readonly FrameRef[] secondaryBatch = new FrameRef[EngineLimits.BatchFrames];
    private int primaryNext;
    private int primaryCount;
    private int secondaryNext;
    private int secondaryCount;
    private long reliefDueNs = long.MinValue;
    private uint reliefNext;

    /// <summary>Whoever observes cannot hold: the frames have left.</summary>
    private bool HoldsOverflow => mayHoldOverflow && !observe;

    private void KeepBounds(long nowNs)
    {
        RefreshSignals();
        // A secondary that is far ahead of a primary that cannot move waits with it.
        bool isPressed = signals.Primary.Value != Pressure.None
            ? Hoards(signals.Primary, Counters.Held)
            : Hoards(signals.Secondary, Counters.SecondaryHeld);
        if (!isPressed || HoldsOverflow)
        {
            reliefNext = 0;
        }
        else if (nowNs >= reliefDueNs)
        {
            Relieve(nowNs);
        }
    }

    /// <summary>
    /// Slots run out and this shard holds at least half of its share of them. Where it does not, they wait elsewhere, at a slow out
    /// port for instance, and to release what is held would cost checkpoints and help nobody.
    /// </summary>
    private bool Hoards(PressureSignal signal, long held)
    {
        Pressure pressure = signal.Value;
        int slots = pressure == Pressure.Large ? arena.LargeSlotsPerSide : arena.SmallSlotsPerSide;
        return pressure != Pressure.None && held * 2 * signals.Shards >= slots;
    }

    /// <summary>A flow holds too much: its frames leave in order, unverified, and a checkpoint is asked for (R4, R8).</summary>
    private void Overflow(ref Flow flow, long nowNs)
    {
        if (flow.State == FlowState.Comparing)
        {
            flow.State = StateToDiverge(ref flow, nowNs);
            Report(in flow, Verdict.Diverged(DivergenceReason.Overflow), nowNs);
        }

        ReleaseAll(ref flow, UnverifiedReason.Overflow);
        ClearSecondary(ref flow);
    }

    /// <summary>Slots run out: whatever is held makes room, as many flows at a time as can be reported.</summary>
    private void Relieve(long nowNs)
    {
        for (; reliefNext < flows.HighWater && rings.Reports.HasRoom; reliefNext++)
        {
            if (steps.IsHalfSpent)
            {
                // The next poll goes on.
                placeFlow = Flow.None;
                return;
            }

            steps.Count();
            placeFlow = reliefNext;
            ref Flow flow = ref flows[reliefNext];
            if (!flow.InUse)
            {
                continue;
            }

            Follow(ref flow);
            if (!HasUnfinished && !flow.IsIdle)
            {
                Overflow(ref flow, nowNs);
            }
        }

        placeFlow = Flow.None;
        reliefNext = 0;
        reliefDueNs = nowNs + EngineLimits.ReliefIntervalNs;
    }

    private ref Flow AddFlow(FrameRef first, long nowNs)
    {
        if (flows.IsFull && !TryEvict(nowNs))
        {
            return ref Unsafe.NullRef<Flow>();
        }

        FrameParser.ReadKey(arena.Bytes(first), in arena[first].Layout, out FlowKey key);
        uint flow = flows.Add(in key, arena[first].FlowHash, nowNs);
        Counters.Flows = flows.Count;
        flows[flow].Flush = flush;
        ApplyPolicies(ref flows[flow]);
        return ref flows[flow];
    }

    /// <summary>Decides once what happens to all frames of a flow.</summary>
    private void ApplyPolicies(ref Flow flow)
    {
        if (quarantine.Holds(in flow.Key))
        {
            flow.Action = PolicyAction.Quarantine;
            return;
        }

        foreach (PolicyRule rule in policies)
        {
            if (rule.Matches(in flow.Key))
            {
                flow.Action = rule.Action;
                flow.NotComparedReason = rule.Reason;
                return;
            }
        }
    }

    /// <summary>Makes room for a flow: the idle one that was seen longest ago goes; where none is idle, the oldest overflows.</summary>
    /// <returns>False when none is idle and <c>overflow</c> says to hold, or the next poll has to go on with one.</returns>
    private bool TryEvict(long nowNs)
    {
        uint victim = FindVictim();
        if (HasUnfinished)
        {
            return false;
        }

        if (!flows[victim].IsIdle && HoldsOverflow && !stopped)
        {
            return false;
        }

        placeFlow = victim;
        if (!flows[victim].IsIdle)
        {
            Overflow(ref flows[victim], nowNs);
            if (HasUnfinished)
            {
                // It has more than one poll can let out.
                placeFlow = Flow.None;
                return false;
            }
        }

        ClearSecondary(ref flows[victim]);
        flows.Remove(victim);
        placeFlow = Flow.None;
        Counters.FlowsEvicted++;
        return true;
    }

    /// <summary>Finds the flow to forget. Those that hold frames are anything but forgotten: they stand aside, so that each is met once
    /// until a frame finds it again.</summary>
    /// <returns>An idle flow, or the one that has stood aside for longest when none was found.</returns>
    private uint FindVictim()
    {
        for (int i = 0; i < EngineLimits.EvictionSteps && !HasUnfinished && flows.Oldest is var oldest and not Flow.None; i++)
        {
            steps.Count();
            placeFlow = oldest;
            Follow(ref flows[oldest]);
            placeFlow = Flow.None;
            if (flows[oldest].IsIdle)
            {
                return oldest;
            }

            flows.SetAside(oldest);
        }

        return flows.OldestAside;
    }
}
