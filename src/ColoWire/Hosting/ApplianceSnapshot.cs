// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;
using ColoWire.Ports.Xdp;
using ColoWire.Reports;

namespace ColoWire.Hosting;

/// <summary>What an appliance has counted since its start, all shards together.</summary>
internal sealed record ApplianceSnapshot
{
    /// <summary>Time since the start, in nanoseconds.</summary>
    public required long ElapsedNs { get; init; }

    /// <summary>The primary's port.</summary>
    public required CaptureStatistics Primary { get; init; }

    /// <summary>The secondary's port.</summary>
    public required CaptureStatistics Secondary { get; init; }

    /// <summary>The out port.</summary>
    public required InjectStatistics Output { get; init; }

    /// <summary>What has gone past it, while it took no frames.</summary>
    public required FailWireCounts FailWire { get; init; }

    /// <summary>Why frames do not come to it, or would not go past it; null while all is well.</summary>
    public required string? Trouble { get; init; }

    /// <summary>Primary frames that the secondary agreed with.</summary>
    public required long Verified { get; init; }

    /// <summary>Primary frames that are not comparable and left at once, by reason.</summary>
    public required IReadOnlyList<NamedCount> Passed { get; init; }

    /// <summary>Primary frames that are malformed and left at once, by kind.</summary>
    public required IReadOnlyList<NamedCount> Malformed { get; init; }

    /// <summary>Primary frames that left unverified, by reason.</summary>
    public required IReadOnlyList<NamedCount> Unverified { get; init; }

    /// <summary>Soft differences, by field.</summary>
    public required IReadOnlyList<NamedCount> Soft { get; init; }

    /// <summary>Secondary frames that went nowhere, by reason.</summary>
    public required IReadOnlyList<NamedCount> Drops { get; init; }

    /// <summary>Frames of the primary whose partial checksum was completed.</summary>
    public required long PrimaryChecksums { get; init; }

    /// <summary>Frames of the secondary whose partial checksum was completed.</summary>
    public required long SecondaryChecksums { get; init; }

    /// <summary>What became of datagrams in fragments.</summary>
    public required FragmentTotals Fragments { get; init; }

    /// <summary>Divergences, by reason.</summary>
    public required IReadOnlyList<NamedCount> Divergences { get; init; }

    /// <summary>Primary frames that wait.</summary>
    public required long Held { get; init; }

    /// <summary>Secondary frames that wait.</summary>
    public required long SecondaryHeld { get; init; }

    /// <summary>Flows known.</summary>
    public required long Flows { get; init; }

    /// <summary>Idle flows that made room.</summary>
    public required long FlowsEvicted { get; init; }

    /// <summary>Whether the guest is protected.</summary>
    public required Protection Protection { get; init; }

    /// <summary>Checkpoints asked for.</summary>
    public required long Checkpoints { get; init; }

    /// <summary>Who is asked for them.</summary>
    public required RequesterSnapshot Requester { get; init; }

    /// <summary>Divergences whose report found no room.</summary>
    public required long ReportsLost { get; init; }

    /// <summary>The median of how long a primary frame was held, in nanoseconds.</summary>
    public required long HoldMedianNs { get; init; }

    /// <summary>What 99 of 100 primary frames were not held longer than, in nanoseconds.</summary>
    public required long HoldP99Ns { get; init; }

    /// <summary>Garbage collections of the process: none is expected after the start, for each stops every thread.</summary>
    public required long GarbageCollections { get; init; }

    /// <summary>Bytes that the process has allocated, in steps of some kilobytes. Frames allocate nothing, the telling of counters does.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>Primary frames that left at once because they cannot be compared.</summary>
    public long PassedFrames => Sum(Passed) + Sum(Malformed);

    /// <summary>Primary frames that left unverified.</summary>
    public long UnverifiedFrames => Sum(Unverified);

    /// <summary>All divergences.</summary>
    public long DivergenceCount => Sum(Divergences);

    /// <summary>Frames that arrived at a capture port and never reached the engine.</summary>
    public long CaptureDrops => Missed(Primary) + Missed(Secondary);

    /// <summary>Reads the counters.</summary>
    public static ApplianceSnapshot Of(Appliance appliance)
    {
        ShardCounters[] shards = [.. appliance.Path.Shards.Select(shard => shard.Counters)];
        FragmentTotals fragments = FragmentTotals.Of(appliance.Path);
        HoldTimes holdTimes = HoldTimesOf(appliance.Path);
        return new ApplianceSnapshot
        {
            ElapsedNs = appliance.HasStarted ? MonotonicClock.NowNs - appliance.StartedAtNs : 0,
            Primary = appliance.Ports.PrimaryStatistics,
            Secondary = appliance.Ports.SecondaryStatistics,
            Output = appliance.Ports.OutputStatistics,
            FailWire = appliance.Ports.FailWire?.Counts ?? default,
            Trouble = appliance.Ports.Troubles is [string first, ..] ? first : null,
            Verified = shards.Sum(shard => shard.Verified),
            Passed = Named<PassReason>(shards, shard => shard.Passed),
            Malformed = Named<MalformedKind>(shards, shard => shard.Malformed),
            Unverified = Named<UnverifiedReason>(shards, shard => shard.Unverified),
            Soft = Named<SoftField>(shards, shard => shard.Soft),
            Drops = fragments.JoinDrops(Named<DropReason>(shards, shard => shard.Drops)),
            PrimaryChecksums = appliance.Path.Lanes.Sum(lane => lane.PrimaryCapture.CompletedChecksums),
            SecondaryChecksums = appliance.Path.Lanes.Sum(lane => lane.SecondaryCapture.CompletedChecksums),
            Fragments = fragments,
            Divergences = Named<DivergenceReason>(shards, shard => shard.Divergences),
            Held = shards.Sum(shard => shard.Held),
            SecondaryHeld = shards.Sum(shard => shard.SecondaryHeld),
            Flows = shards.Sum(shard => shard.Flows),
            FlowsEvicted = shards.Sum(shard => shard.FlowsEvicted),
            Protection = appliance.Path.Gate.Protection,
            Checkpoints = appliance.Path.Gate.Requests,
            Requester = RequesterSnapshot.Of(appliance.Requester),
            ReportsLost = appliance.Path.Gate.ReportsLost + shards.Sum(shard => shard.ReportsLost),
            HoldMedianNs = holdTimes.Quantile(0.5),
            HoldP99Ns = holdTimes.Quantile(0.99),
            // A collection of an older generation is one of the youngest, too.
            GarbageCollections = GC.CollectionCount(0),
            AllocatedBytes = GC.GetTotalAllocatedBytes(),
        };
    }

    /// <summary>Whether nothing was counted since an earlier look.</summary>
    public bool CountsLike(ApplianceSnapshot earlier) =>
        Primary == earlier.Primary && Secondary == earlier.Secondary && Output == earlier.Output && Held == earlier.Held
        && DivergenceCount == earlier.DivergenceCount && Checkpoints == earlier.Checkpoints && Flows == earlier.Flows;

    private delegate ReadOnlySpan<long> Counts(ShardCounters shard);

    private static HoldTimes HoldTimesOf(FramePath path)
    {
        HoldTimes all = new();
        foreach (Lane lane in path.Lanes)
        {
            all.Add(lane.Egress.HoldTimes);
        }

        return all;
    }

    private static NamedCount[] Named<T>(ShardCounters[] shards, Counts counts)
        where T : struct, Enum
    {
        T[] names = Enum.GetValues<T>();
        long[] sums = new long[names.Length];
        foreach (ShardCounters shard in shards)
        {
            ReadOnlySpan<long> ofShard = counts(shard);
            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] += ofShard[i];
            }
        }

        return [.. names.Zip(sums, (name, sum) => new NamedCount(CounterNames.Of(name), sum)).Where(named => named.Count != 0)];
    }

    private static long Missed(CaptureStatistics port) =>
        port.KernelDropped + port.InterfaceDropped + port.Oversize + port.Truncated;

    private static long Sum(IReadOnlyList<NamedCount> counts) => counts.Sum(count => count.Count);
}
