// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Shards;

/// <summary>Admits flows to a shard's table: a new flow gets its policy, and a full table evicts another flow for it.</summary>
internal sealed class Admission(
    EngineOptions options, FrameArena arena, FlowTable flows, Quarantine quarantine, FlushLog flushes, ShardView view,
    FlowLifecycle lifecycle,
    HeldFrames held, UnfinishedFlow unfinished, StepMeter steps, WorkPlace place, ShardCounters counters)
{
    private readonly PolicyRule[] policies = [.. options.Policies, .. PolicyMatching.Defaults];

    /// <summary>
    /// Brings the flow of a frame up to date with the flushes and take-overs of all flows, or adds the flow if it was not found.
    /// </summary>
    /// <param name="found">The found flow, or a null reference.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    /// <returns>The flow; a null reference when the table is full and <c>overflow</c> is <c>hold</c>, or when the next poll must
    /// first continue with an unfinished flow.</returns>
    public ref Flow Admit(ref Flow found, FrameRef frame, long nowNs)
    {
        if (Unsafe.IsNullRef(in found))
        {
            return ref Add(frame, nowNs);
        }

        lifecycle.Follow(ref found);
        if (unfinished.IsAny)
        {
            // The new frame must not be sent together with the frames that are being released unverified.
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
        if (view.Mirrors && !view.KnowsNumbers && IsWithinConnection(first))
        {
            flows[flow].State = FlowState.Untranslated;
        }

        return ref flows[flow];
    }

    /// <summary>Whether a frame belongs to a TCP connection whose beginning was not captured.</summary>
    private bool IsWithinConnection(FrameRef frame) =>
        arena[frame].Layout.Kind == FrameKind.Tcp && !new TcpSegment(arena.View(frame)).Opens;

    /// <summary>Sets the action for all frames of a flow, once.</summary>
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

    /// <summary>
    /// Evicts a flow: the idle flow that was unused longest, those with a translation last (R17); where none is idle, the oldest
    /// flow overflows and is evicted.
    /// </summary>
    /// <returns>False when no flow is idle and <c>overflow</c> is <c>hold</c>, or when the next poll must continue with the
    /// overflowing flow.</returns>
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
                // It holds more frames than one poll can release.
                place.FlowIndex = Flow.None;
                return false;
            }
        }

        if (flows.MustPreserve(in flows[victim]))
        {
            view.ForgetNumbers();
        }

        held.ClearSecondary(ref flows[victim]);
        flows.Remove(victim);
        place.FlowIndex = Flow.None;
        counters.FlowsEvicted++;
        return true;
    }

    /// <summary>
    /// Finds the flow to evict. Flows that hold frames are set aside, and idle ones with a translation preserved, so that the
    /// search visits each of them once until its next frame.
    /// </summary>
    /// <returns>An idle flow, or, if none was found, the flow that was preserved first, or else the one that was set aside
    /// first.</returns>
    private uint FindVictim()
    {
        for (int i = 0; i < EngineLimits.EvictionSteps && !unfinished.IsAny && flows.Oldest is var oldest and not Flow.None; i++)
        {
            steps.Count();
            place.FlowIndex = oldest;
            lifecycle.Follow(ref flows[oldest]);
            place.FlowIndex = Flow.None;
            if (!flows[oldest].IsIdle)
            {
                flows.SetAside(oldest);
            }
            else if (flows.MustPreserve(in flows[oldest]))
            {
                flows.Preserve(oldest);
            }
            else
            {
                return oldest;
            }
        }

        return flows.OldestPreserved is var preserved and not Flow.None ? preserved : flows.OldestAside;
    }
}
