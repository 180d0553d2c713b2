// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>Decides which flows a shard knows, and what happens to their frames: a new flow gets its policy, and where the table is full
/// another one makes room for it.</summary>
internal sealed class Admission(
    EngineOptions options, FrameArena arena, FlowTable flows, Quarantine quarantine, FlushLog flushes, ShardView view, FlowLifecycle lifecycle,
    HeldFrames held, UnfinishedFlow unfinished, StepMeter steps, WorkPlace place, ShardCounters counters)
{
    private readonly PolicyRule[] policies = [.. options.Policies, .. PolicyMatching.Defaults];

    /// <summary>Has the flow of a frame follow what has happened to all flows, or makes it where it was not found.</summary>
    /// <param name="found">The flow that was found, or a null reference.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="nowNs">The engine's clock.</param>
    /// <returns>The flow; a null reference when the table has no room and <c>overflow</c> says to hold, or when the next poll has to go on
    /// with a flow.</returns>
    public ref Flow Admit(ref Flow found, FrameRef frame, long nowNs)
    {
        if (Unsafe.IsNullRef(in found))
        {
            return ref Add(frame, nowNs);
        }

        lifecycle.Follow(ref found);
        if (unfinished.IsAny)
        {
            // What comes now must not leave with what leaves unverified.
            return ref Unsafe.NullRef<Flow>();
        }

        return ref found;
    }

    private ref Flow Add(FrameRef first, long nowNs)
    {
        if (flows.IsFull && !TryEvict(nowNs))
        {
            return ref Unsafe.NullRef<Flow>();
        }

        FlowKey.Read(arena.Bytes(first), in arena[first].Layout, out FlowKey key);
        uint flow = flows.Add(in key, arena[first].FlowHash, nowNs);
        counters.Flows = flows.Count;
        flows[flow].Flush = flushes.Last;
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
        if (unfinished.IsAny)
        {
            return false;
        }

        if (!flows[victim].IsIdle && view.HoldsOverflow && !view.IsStopped)
        {
            return false;
        }

        place.FlowIndex = victim;
        if (!flows[victim].IsIdle)
        {
            lifecycle.Overflow(ref flows[victim], nowNs);
            if (unfinished.IsAny)
            {
                // It holds more than one poll can let out.
                place.FlowIndex = Flow.None;
                return false;
            }
        }

        held.ClearSecondary(ref flows[victim]);
        flows.Remove(victim);
        place.FlowIndex = Flow.None;
        counters.FlowsEvicted++;
        return true;
    }

    /// <summary>Finds the flow to forget. Those that hold frames are set aside, so that each is met once until a frame finds it
    /// again.</summary>
    /// <returns>An idle flow, or the one that was set aside longest ago when none was found.</returns>
    private uint FindVictim()
    {
        for (int i = 0; i < EngineLimits.EvictionSteps && !unfinished.IsAny && flows.Oldest is var oldest and not Flow.None; i++)
        {
            steps.Count();
            place.FlowIndex = oldest;
            lifecycle.Follow(ref flows[oldest]);
            place.FlowIndex = Flow.None;
            if (flows[oldest].IsIdle)
            {
                return oldest;
            }

            flows.SetAside(oldest);
        }

        return flows.OldestAside;
    }
}
