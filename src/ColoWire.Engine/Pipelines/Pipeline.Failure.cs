// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Shards;

namespace ColoWire.Engine.Pipelines;

/// <content>What becomes of it when a duty of its path has failed. No duty runs any more.</content>
public sealed partial class Pipeline
{
    /// <summary>Finds what its duties had not done with.</summary>
    /// <param name="culprits">Gets one for each duty that was at a frame; most often there is one in all.</param>
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

    /// <summary>Makes the pipeline that goes on in the place of this one, over the same ports and slots. What this one held is
    /// counted as lost: to send it now would be to send some of it twice.</summary>
    /// <param name="options">As it was made with.</param>
    /// <param name="shared">What the pipelines of the new path share.</param>
    internal Pipeline Succeed(EngineOptions options, PipelinesShare shared)
    {
        long lostOfSecondary = SecondaryCapture.UnderWay;
        foreach (Shard shard in shards)
        {
            lostOfSecondary += shard.SecondaryUnderWay;
            // Its memory goes first: there is never more than what was planned.
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

    /// <summary>Primary frames that came in, are to leave and have not.</summary>
    private long NotSent()
    {
        InjectStatistics sent = ports.Output.Statistics;
        long notSent = ports.Primary.Statistics.Frames - (sent.Frames + sent.Lost);
        foreach (Shard shard in shards)
        {
            ReadOnlySpan<long> drops = shard.Counters.Drops;
            notSent += shard.Counters.SecondaryReleased;
            notSent -= drops[(int)DropReason.PrimaryPolicy] + drops[(int)DropReason.PrimaryFailover] + drops[(int)DropReason.PrimaryFailure];
        }

        return notSent;
    }

    private void RecoverSlots()
    {
        FrameRef[] done = new FrameRef[EngineLimits.BatchFrames];
        while (ports.Output.Reclaim(done) != 0)
        {
            // They are free, as all slots are but those that a port keeps.
        }

        Arena.Primary.Recover(slot => ports.Primary.Keeps(slot) || IsLeaving(slot));
        Arena.Secondary.Recover(slot => ports.Secondary.Keeps(slot) || IsLeaving(slot));

        bool IsLeaving(FrameRef slot)
        {
            if (!ports.Output.Keeps(slot))
            {
                return false;
            }

            // When it has left nobody waits for it any more but its pool.
            Arena[slot].Marks = FrameMarks.None;
            return true;
        }
    }
}
