// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Shards;

namespace ColoWire.Engine.Pipelines;

/// <content>Replaces the pipeline after a duty of its path has failed. No duty is running.</content>
public sealed partial class Pipeline
{
    /// <summary>Finds the frames that the duties were processing.</summary>
    /// <param name="culprits">Receives one culprit for each duty that was processing a frame; usually there is one in
    /// all.</param>
    internal void FindCulprits(List<Culprit> culprits)
    {
        Add(PrimaryCapture.FindCulprit());
        Add(SecondaryCapture.FindCulprit());
        Array.ForEach(shards, shard => Add(shard.FindCulprit()));
        Add(Egress.FindCulprit());

        void Add(Culprit? culprit)
        {
            if (culprit is not null)
            {
                culprits.Add(culprit);
            }
        }
    }

    /// <summary>
    /// Makes the pipeline that replaces this one, over the same ports and slots. The frames inside this pipeline are counted as
    /// lost: sending them could send some of them twice.
    /// </summary>
    /// <param name="options">The options of this pipeline.</param>
    /// <param name="shared">The objects that the pipelines of the new path share.</param>
    internal Pipeline Succeed(EngineOptions options, PipelinesShare shared)
    {
        long lostOfSecondary = SecondaryCapture.UnderWay;
        foreach (Shard shard in shards)
        {
            lostOfSecondary += shard.SecondaryUnderWay;
            // The old shard's memory is freed before the new one's is allocated, so that the memory plan is never exceeded.
            shard.Dispose();
        }

        int underWay = ports.Output.Abandon();
        long lostOfPrimary = NotSent() - underWay;
        RecoverSlots();
        Array.ForEach(rings, ring => ring.ClearFrames());
        Pipeline pipeline = new(options, ports, rings, shared, this);
        ShardCounters counters = pipeline.shards[0].Counters;
        counters.Count(DropReason.PrimaryFailure, (int)Math.Max(0, lostOfPrimary));
        counters.Count(DropReason.SecondaryFailure, (int)lostOfSecondary);
        return pipeline;
    }

    /// <summary>The number of received frames that should have been sent and were not.</summary>
    private long NotSent()
    {
        InjectStatistics sent = ports.Output.Statistics;
        long notSent = ports.Primary.Statistics.Frames - (sent.Frames + sent.Lost);
        foreach (Shard shard in shards)
        {
            ReadOnlySpan<long> drops = shard.Counters.Drops;
            notSent += shard.Counters.SecondaryReleased;
            notSent -= drops[(int)DropReason.PrimaryPolicy] + drops[(int)DropReason.PrimaryFailover]
                + drops[(int)DropReason.PrimaryFailure];
        }

        return notSent;
    }

    private void RecoverSlots()
    {
        FrameRef[] done = new FrameRef[EngineLimits.BatchFrames];
        while (ports.Output.Reclaim(done) != 0)
        {
            // Nothing to do: Recover marks all slots as free that no port uses.
        }

        Arena.Primary.Recover(slot => ports.Primary.Keeps(slot) || IsLeaving(slot));
        Arena.Secondary.Recover(slot => ports.Secondary.Keeps(slot) || IsLeaving(slot));
        Inbound?.RecoverSlots(ports.Inbound!, Arena.World!);

        bool IsLeaving(FrameRef slot)
        {
            if (!ports.Output.Keeps(slot))
            {
                return false;
            }

            // No shard of the new pipeline waits for this frame, so its slot returns to the pool once it is sent.
            Arena[slot].Marks = FrameMarks.None;
            return true;
        }
    }
}
