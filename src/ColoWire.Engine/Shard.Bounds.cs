// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine;

/// <content>What happens when something runs out: time, room, an epoch, or the run itself.</content>
public sealed partial class Shard
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly ShardSignals signals;
    private readonly int maxQueueSize;
    private readonly long compareTimeoutNs;
    private readonly long scanCycleNs;
    private long scanDueNs = long.MinValue;
    private long reliefDueNs = long.MinValue;
    private uint scanNext = Flow.None;
    private bool stopped;

    private void KeepBounds(long nowNs)
    {
        MeetSignals();
        // A secondary that is far ahead of a primary that cannot move waits with it.
        bool isPressed = signals.Primary.Value != Pressure.None
            ? Hoards(signals.Primary, Counters.Held)
            : Hoards(signals.Secondary, Counters.SecondaryHeld);
        if (isPressed && nowNs >= reliefDueNs)
        {
            reliefDueNs = nowNs + EngineLimits.ReliefIntervalNs;
            Relieve(nowNs);
        }
    }

    private void MeetSignals()
    {
        // Acquire: the new epoch comes with everything that led to it. Partner: CheckpointGate.Poll.
        MeetEpoch(gate.Epoch);
        if (signals.Stop.IsRaised && !stopped)
        {
            stopped = true;
            Flush(UnverifiedReason.Stop);
        }
    }

    /// <summary>
    /// A fragment comes alone when its datagram could not be put together, or because a checkpoint or the stop fell in the middle of
    /// it. The capture duty has seen that, so it can be seen here too; in the latter case nothing diverges.
    /// </summary>
    private void MeetSignals(in FrameLayout layout)
    {
        if (layout.Kind == FrameKind.Fragment)
        {
            MeetSignals();
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

    /// <summary>
    /// A checkpoint has finished: what the primary said is now the secondary's too. A frame may bring the news before the gate does,
    /// because its capture duty saw the new epoch first.
    /// </summary>
    private void MeetEpoch(uint seen)
    {
        if ((int)(seen - epoch) > 0)
        {
            epoch = seen;
            Flush(UnverifiedReason.Checkpoint);
        }
    }

    /// <summary>Releases all that is held, each flow in its order, and compares every flow afresh.</summary>
    private void Flush(UnverifiedReason reason)
    {
        for (uint i = 0; i < flows.HighWater; i++)
        {
            ref Flow flow = ref flows[i];
            if (flow.InUse)
            {
                ReleaseAll(ref flow, reason);
                ClearSecondary(ref flow);
                flow.State = FlowState.Comparing;
                TcpStreamComparer.Synchronise(ref flow);
            }
        }
    }

    private void ReleaseAll(ref Flow flow, UnverifiedReason reason)
    {
        while (!flow.Primary.IsEmpty)
        {
            FrameRef oldest = flow.Primary.Head;
            Unhold(ref flow, oldest);
            Counters.Count(reason, Weight(oldest));
            Leave(oldest);
        }
    }

    private void ClearSecondary(ref Flow flow)
    {
        while (!flow.Secondary.IsEmpty)
        {
            FrameRef oldest = flow.Secondary.Head;
            flow.Secondary.Remove(arena, oldest);
            Counters.SecondaryHeld--;
            Drop(oldest, DropReason.SecondaryUnmatched);
        }

        flow.Tcp.Cursor = FrameRef.None;
    }

    /// <summary>
    /// The replicas differ in a flow. Where a checkpoint can mend it, its frames wait for that; where none will come, they leave
    /// unverified from now on. Either way the flow is reported once.
    /// </summary>
    private void Diverge(ref Flow flow, in Verdict verdict, long nowNs)
    {
        Report(in flow, in verdict, nowNs);
        ClearSecondary(ref flow);
        if (gate.Synchronises)
        {
            flow.State = FlowState.Diverged;
        }
        else
        {
            flow.State = FlowState.Passing;
            ReleaseAll(ref flow, UnverifiedReason.AfterDivergence);
        }
    }

    private void Report(in Flow flow, in Verdict verdict, long nowNs)
    {
        DivergenceReport report = new()
        {
            Reason = verdict.Reason,
            Flow = flow.Key,
            AtNs = nowNs,
            Epoch = epoch,
            Offset = verdict.Offset,
        };
        if (!flow.Primary.IsEmpty)
        {
            report.Primary.Take(in arena[flow.Primary.Head], arena.Bytes(flow.Primary.Head), verdict.Offset);
        }

        if (!verdict.Secondary.IsNone)
        {
            report.Secondary.Take(in arena[verdict.Secondary], arena.Bytes(verdict.Secondary), verdict.SecondaryOffset);
        }

        Counters.Count(verdict.Reason);
        if (!rings.Reports.TryAdd(report))
        {
            Counters.ReportsLost++;
        }
    }

    /// <summary>A flow holds too much: its frames leave in order, unverified, and a checkpoint is asked for (R4, R8).</summary>
    private void Overflow(ref Flow flow, long nowNs)
    {
        if (flow.State == FlowState.Comparing)
        {
            Report(in flow, Verdict.Diverged(DivergenceReason.Overflow), nowNs);
            flow.State = gate.Synchronises ? FlowState.Diverged : FlowState.Passing;
        }

        ReleaseAll(ref flow, UnverifiedReason.Overflow);
        ClearSecondary(ref flow);
    }

    /// <summary>Slots run out: whatever is held makes room, as many flows at a time as can be reported.</summary>
    private void Relieve(long nowNs)
    {
        for (uint i = 0; i < flows.HighWater && rings.Reports.HasRoom; i++)
        {
            if (flows[i].InUse && !flows[i].IsIdle)
            {
                Overflow(ref flows[i], nowNs);
            }
        }
    }

    private uint AddFlow(in FlowKey key, uint hash, long nowNs)
    {
        if (flows.IsFull)
        {
            Evict(nowNs);
        }

        uint flow = flows.Add(in key, hash, nowNs);
        Counters.Flows = flows.Count;
        return flow;
    }

    /// <summary>Makes room for a flow: the idle one that was seen longest ago goes; where none is idle, the oldest overflows.</summary>
    private void Evict(long nowNs)
    {
        uint victim = flows.Oldest;
        for (int i = 0; i < EngineLimits.EvictionSteps && !flows[victim].IsIdle; i++)
        {
            // It holds frames, so it is anything but forgotten: to the other end, that the next search need not meet it again.
            flows.Refresh(victim, flows[victim].SeenNs);
            victim = flows.Oldest;
        }

        if (!flows[victim].IsIdle)
        {
            Overflow(ref flows[victim], nowNs);
        }

        flows.Remove(victim);
        Counters.FlowsEvicted++;
    }

    /// <summary>The expired scan: walks a part of the flows per poll, all of them once per cycle.</summary>
    private void Scan(long nowNs)
    {
        if (scanNext == Flow.None)
        {
            if (nowNs < scanDueNs)
            {
                return;
            }

            scanDueNs = nowNs + scanCycleNs;
            scanNext = 0;
        }

        uint end = Math.Min(flows.HighWater, scanNext + EngineLimits.ScanFlowsPerPoll);
        // Each flow may have something to report; where no room is left, the next poll goes on.
        for (; scanNext < end && rings.Reports.HasRoom; scanNext++)
        {
            ref Flow flow = ref flows[scanNext];
            if (flow.InUse && flow.State == FlowState.Comparing && !flow.IsIdle)
            {
                Expire(ref flow, nowNs);
            }
        }

        if (scanNext >= flows.HighWater)
        {
            scanNext = Flow.None;
        }
    }

    private void Expire(ref Flow flow, long nowNs)
    {
        if (!flow.Primary.IsEmpty && IsExpired(flow.Primary.Head, nowNs))
        {
            Verdict verdict = JudgeHeld(ref flow, nowNs);
            if (verdict.Kind == VerdictKind.Hold && IsExpired(flow.Primary.Head, nowNs))
            {
                Diverge(ref flow, in verdict, nowNs);
            }

            return;
        }

        for (FrameRef at = flow.Secondary.Head; !at.IsNone; at = arena[at].Next)
        {
            if (IsExpired(at, nowNs))
            {
                Verdict verdict = new(VerdictKind.Divergence, DivergenceReason.Timeout, 0, at, 0);
                Diverge(ref flow, in verdict, nowNs);
                return;
            }
        }
    }

    private bool IsExpired(FrameRef frame, long nowNs) => nowNs - arena[frame].ArrivalNs >= compareTimeoutNs;
}
