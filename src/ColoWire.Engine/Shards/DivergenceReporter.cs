// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Shards;

/// <summary>Counts the divergences of a shard and reports them to the gate.</summary>
internal sealed class DivergenceReporter(
    FrameArena arena, SpscRing<CheckpointReport> toGate, ShardView view, ShardCounters counters)
{
    /// <summary>Whether the ring has room for another report.</summary>
    public bool HasRoom => toGate.HasRoom;

    /// <summary>Reports that a flow has diverged, with the oldest held frame of each side.</summary>
    public void Report(in Flow flow, in Verdict verdict, long nowNs)
    {
        counters.Count(verdict.Reason);
        if (!toGate.HasRoom)
        {
            counters.ReportsLost++;
            return;
        }

        CheckpointReport report = new()
        {
            Cause = CheckpointCause.Divergence,
            ExceedsShare = flow.State == FlowState.OverShare,
            Epoch = view.Epoch,
            AtNs = nowNs,
            Flow = flow.Key,
            Divergence = new Divergence { Reason = verdict.Reason, Field = verdict.Field, Offset = verdict.Offset },
        };
        if (!flow.Primary.IsEmpty)
        {
            report.Divergence.Primary.Take(in arena[flow.Primary.Head], arena.Bytes(flow.Primary.Head), verdict.Offset);
        }

        if (!verdict.Secondary.IsNone)
        {
            report.Divergence.Secondary.Take(
                in arena[verdict.Secondary], arena.Bytes(verdict.Secondary), verdict.SecondaryOffset);
        }

        Send(in report);
    }

    /// <summary>Requests a checkpoint so that a flow whose frames were sent unverified can be compared again.</summary>
    public void RequestComparison(in Flow flow, long nowNs) =>
        Send(new CheckpointReport { Cause = CheckpointCause.ComparedAgain, Flow = flow.Key, AtNs = nowNs, Epoch = view.Epoch });

    private void Send(in CheckpointReport report)
    {
        if (!toGate.TryAdd(in report))
        {
            counters.ReportsLost++;
        }
    }
}
