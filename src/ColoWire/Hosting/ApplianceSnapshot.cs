// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports.Xdp;
using ColoWire.Reports;
using ColoWire.Writing;

namespace ColoWire.Hosting;

/// <summary>What an appliance has counted since its start, all shards together.</summary>
internal sealed record ApplianceSnapshot
{
    private readonly PathCounters counters = new();

    /// <summary>Time since the start, in nanoseconds.</summary>
    public long ElapsedNs { get; set; }

    /// <summary>The primary's port.</summary>
    public CaptureStatistics Primary { get; private set; }

    /// <summary>The secondary's port.</summary>
    public CaptureStatistics Secondary { get; private set; }

    /// <summary>The out port.</summary>
    public InjectStatistics Output { get; private set; }

    /// <summary>What has gone past it, while it took no frames.</summary>
    public FailWireCounts FailWire { get; private set; }

    /// <summary>Why frames do not come to it, or would not go past it; null while all is well.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Primary frames that the secondary agreed with.</summary>
    public long Verified => counters.Shards.Verified;

    /// <summary>Primary frames that are not comparable and left at once, by reason.</summary>
    public CountsByName NotCompared { get; } = [];

    /// <summary>Primary frames that are malformed and left at once, by kind.</summary>
    public CountsByName Malformed { get; } = [];

    /// <summary>Primary frames that left unverified, by reason.</summary>
    public CountsByName Unverified { get; } = [];

    /// <summary>Tolerated differences, by field.</summary>
    public CountsByName Tolerated { get; } = [];

    /// <summary>Secondary frames that went nowhere, by reason.</summary>
    public CountsByName Drops { get; } = [];

    /// <summary>Frames of the primary whose partial checksum was completed.</summary>
    public long PrimaryChecksums => counters.PrimaryChecksums;

    /// <summary>Frames of the secondary whose partial checksum was completed.</summary>
    public long SecondaryChecksums => counters.SecondaryChecksums;

    /// <summary>What became of the primary's datagrams in fragments.</summary>
    public CountsByName PrimaryFragments { get; } = [];

    /// <summary>What became of the secondary's datagrams in fragments.</summary>
    public CountsByName SecondaryFragments { get; } = [];

    /// <summary>Frames of both whose datagrams are incomplete.</summary>
    public long FragmentsWaiting => counters.FragmentsWaiting;

    /// <summary>Divergences, by reason.</summary>
    public CountsByName Divergences { get; } = [];

    /// <summary>Primary frames that wait.</summary>
    public long Held => counters.Shards.Held;

    /// <summary>Secondary frames that wait.</summary>
    public long SecondaryHeld => counters.Shards.SecondaryHeld;

    /// <summary>Flows known.</summary>
    public long Flows => counters.Shards.Flows;

    /// <summary>Idle flows that made room.</summary>
    public long FlowsEvicted => counters.Shards.FlowsEvicted;

    /// <summary>Whether the guest is protected.</summary>
    public Protection Protection { get; private set; }

    /// <summary>Checkpoints asked for.</summary>
    public long Checkpoints { get; private set; }

    /// <summary>Who is asked for them.</summary>
    public RequesterSnapshot Requester { get; private set; }

    /// <summary>Connections that were closed at once, because their hosts may not connect.</summary>
    public long ConnectionsRefused { get; private set; }

    /// <summary>Divergences whose report found no room.</summary>
    public long ReportsLost => counters.ReportsLost;

    /// <summary>The median of how long a primary frame was held, in nanoseconds.</summary>
    public long HoldMedianNs { get; private set; }

    /// <summary>What 99 of 100 primary frames were not held longer than, in nanoseconds.</summary>
    public long HoldP99Ns { get; private set; }

    /// <summary>How often a duty has failed, which is a bug of ColoWire.</summary>
    public long Failures { get; private set; }

    /// <summary>Connections that leave unverified because they have made a duty fail.</summary>
    public long QuarantinedFlows { get; private set; }

    /// <summary>Garbage collections of the process: none is expected after the start, for each stops every thread.</summary>
    public long GarbageCollections { get; private set; }

    /// <summary>Bytes that the process has allocated, in steps of some kilobytes. Frames allocate nothing, the telling of counters does.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Reports of the process that could not be written.</summary>
    public UnwrittenCounts Unwritten { get; private set; }

    /// <summary>Primary frames that left at once because they cannot be compared.</summary>
    public long NotComparedFrames => counters.NotComparedFrames;

    /// <summary>Primary frames that left unverified.</summary>
    public long UnverifiedFrames => counters.UnverifiedFrames;

    /// <summary>All divergences.</summary>
    public long DivergenceCount => counters.DivergenceCount;

    /// <summary>Frames that arrived at a capture port and never reached the engine.</summary>
    public long CaptureDrops => Missed(Primary) + Missed(Secondary);

    /// <summary>Reads the counters into a snapshot of their own.</summary>
    public static ApplianceSnapshot Of(Appliance appliance, UnwrittenCounts unwritten = default)
    {
        ApplianceSnapshot snapshot = new();
        snapshot.Read(appliance, unwritten);
        return snapshot;
    }

    /// <summary>Reads the counters again. It allocates nothing: whoever looks each second keeps one and has it read.</summary>
    /// <param name="appliance">Whose they are.</param>
    /// <param name="unwritten">What the process could not write.</param>
    public void Read(Appliance appliance, UnwrittenCounts unwritten)
    {
        ElapsedNs = appliance.HasStarted ? MonotonicClock.NowNs - appliance.StartedAtNs : 0;
        Unwritten = unwritten;
        Primary = appliance.Ports.PrimaryStatistics;
        Secondary = appliance.Ports.SecondaryStatistics;
        Output = appliance.Ports.OutputStatistics;
        FailWire = appliance.Ports.FailWire?.Counts ?? default;
        Trouble = appliance.Ports.Troubles is [string first, ..] ? first : null;
        // A failure puts another one in its place: all is read from the same.
        FramePath path = appliance.Path;
        Failures = appliance.FailureCount;
        QuarantinedFlows = path.QuarantinedFlows;
        Protection = path.Guest.Protection;
        Checkpoints = path.Gate.Requests;
        Requester = RequesterSnapshot.Of(appliance.Requester);
        ConnectionsRefused = 0;
        for (int i = 0; i < appliance.Peers.Count; i++)
        {
            ConnectionsRefused += appliance.Peers[i].Reporter.Refused.Count;
        }

        counters.Read(path);
        counters.ReadHoldTimes(path);
        Name();
        HoldMedianNs = counters.HoldTimes.Quantile(0.5);
        HoldP99Ns = counters.HoldTimes.Quantile(0.99);
        // A collection of an older generation is one of the youngest, too.
        GarbageCollections = GC.CollectionCount(0);
        AllocatedBytes = GC.GetTotalAllocatedBytes();
    }

    /// <summary>Whether nothing was counted since an earlier look.</summary>
    public bool CountsLike(ApplianceSnapshot earlier) =>
        Primary == earlier.Primary && Secondary == earlier.Secondary && Output == earlier.Output && Held == earlier.Held
        && DivergenceCount == earlier.DivergenceCount && Checkpoints == earlier.Checkpoints && Flows == earlier.Flows;

    private void Name()
    {
        NotCompared.Fill<NotComparedReason>(counters.Shards.NotCompared);
        Malformed.Fill<MalformedKind>(counters.Shards.Malformed);
        Unverified.Fill<UnverifiedReason>(counters.Shards.Unverified);
        Tolerated.Fill<ToleratedField>(counters.Shards.Tolerated);
        Divergences.Fill<DivergenceReason>(counters.Shards.Divergences);
        Drops.Fill<DropReason>(counters.Drops);
        PrimaryFragments.Fill<DatagramOutcome>(counters.PrimaryFragments.Datagrams);
        SecondaryFragments.Fill<DatagramOutcome>(counters.SecondaryFragments.Datagrams);
    }

    private static long Missed(CaptureStatistics port) =>
        port.KernelDropped + port.InterfaceDropped + port.Oversize + port.Truncated;
}
