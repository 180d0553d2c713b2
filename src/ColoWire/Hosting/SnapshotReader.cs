// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Capture;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Pipelines;
using ColoWire.Reports;
using ColoWire.Writing;

namespace ColoWire.Hosting;

/// <summary>Reads the state and the counters of an appliance into snapshots. To read again allocates nothing, so a reader is kept
/// where snapshots are taken each second. It belongs to one thread.</summary>
internal sealed class SnapshotReader(Appliance appliance)
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly PathCounters counters = new();
    private readonly CountsByName notCompared = [];
    private readonly CountsByName malformed = [];
    private readonly CountsByName unverified = [];
    private readonly CountsByName tolerated = [];
    private readonly CountsByName divergences = [];
    private readonly CountsByName drops = [];
    private readonly CountsByName primaryFragments = [];
    private readonly CountsByName secondaryFragments = [];
    private readonly CountsByName inbound = [];
    private readonly CountsByName inboundDrops = [];
    private readonly PortNames ports = new(
        appliance.Ports.PrimaryName, appliance.Ports.SecondaryName, appliance.Ports.OutputName);

    /// <summary>A single snapshot.</summary>
    public static ApplianceSnapshot Of(Appliance appliance) => new SnapshotReader(appliance).Read(default);

    /// <summary>Reads a snapshot. The counters by name of the snapshot before it change.</summary>
    /// <param name="unwritten">Output of the process that could not be written.</param>
    /// <param name="final">Whether the appliance has stopped.</param>
    public ApplianceSnapshot Read(UnwrittenCounts unwritten, bool final = false)
    {
        // After a failure the appliance has another path: all is read from the same one.
        FramePath path = appliance.Path;
        counters.Read(path);
        counters.ReadHoldTimes(path);
        Name();
        ShardCounters shards = counters.Shards;
        return new ApplianceSnapshot
        {
            Version = null,
            UptimeS = null,
            Mode = null,
            Epoch = null,
            CheckpointsCompleted = null,
            Ports = null,
            Faults = null,
            Final = final,
            ElapsedNs = appliance.HasStarted ? appliance.Clock.NowNs - appliance.StartedAtNs : 0,
            Protection = CounterNames.Of(path.Guest.Protection),
            Primary = CaptureCounts.Of(appliance.Ports.PrimaryStatistics),
            Secondary = CaptureCounts.Of(appliance.Ports.SecondaryStatistics),
            Output = OutputCounts.Of(appliance.Ports.OutputStatistics),
            Inbound = path.Pipelines[0].Inbound is null ? null
                : new InboundCounts(inbound, counters.PrimaryMissed, counters.SecondaryMissed, inboundDrops)
                {
                    Ports = new InboundPortCounts(
                        CaptureCounts.Of(appliance.Ports.ClientStatistics),
                        OutputCounts.Of(appliance.Ports.ToPrimaryStatistics),
                        OutputCounts.Of(appliance.Ports.ToSecondaryStatistics)),
                },
            FailWire = BypassCounts.Of(
                appliance.Ports.FailWire?.Counts ?? default, appliance.Ports.Troubles is [string first, ..] ? first : null),
            ConnectionsRefused = ConnectionsRefused(),
            Released = new ReleasedCounts(shards.Verified, counters.NotComparedFrames, counters.UnverifiedFrames),
            Held = shards.Held,
            SecondaryHeld = shards.SecondaryHeld,
            Flows = shards.Flows,
            FlowsEvicted = shards.FlowsEvicted,
            Checkpoints = path.Gate.Requests,
            Requester = RequesterSnapshot.Of(appliance.Requester).State,
            DivergencesTotal = counters.DivergenceCount,
            ReportsLost = counters.ReportsLost,
            Failures = appliance.FailureCount,
            QuarantinedFlows = path.QuarantinedFlows,
            HoldNs = new HoldQuantiles(counters.HoldTimes.Quantile(0.5), counters.HoldTimes.Quantile(0.99)),
            // A collection of an older generation is one of the youngest, too.
            Runtime = new RuntimeCounts(GC.CollectionCount(0), GC.GetTotalAllocatedBytes()),
            Unwritten = unwritten,
            DivergenceReasons = divergences,
            Tolerated = tolerated,
            Drops = drops,
            PartialChecksums = new BothSides(counters.PrimaryChecksums, counters.SecondaryChecksums),
            Fragments = new FragmentCounts(counters.FragmentsWaiting, primaryFragments, secondaryFragments),
            NotCompared = notCompared,
            Malformed = malformed,
            Unverified = unverified,
        };
    }

    /// <summary>Reads a snapshot that also says what appliance it is of, as <c>ctl status</c> answers.</summary>
    /// <param name="unwritten">Output of the process that could not be written.</param>
    public ApplianceSnapshot ReadStatus(UnwrittenCounts unwritten)
    {
        ApplianceSnapshot snapshot = Read(unwritten);
        GuestState guest = appliance.Path.Guest;
        return snapshot with
        {
            Version = ProgramVersion.Text,
            UptimeS = snapshot.ElapsedNs / NanosecondsPerSecond,
            Mode = CounterNames.Of(guest.Mode),
            Epoch = guest.Epoch,
            CheckpointsCompleted = appliance.Path.Gate.Completed,
            Ports = ports,
            Faults = appliance.Ports.HasFaults ? [.. appliance.Ports.Faults] : [],
        };
    }

    private long ConnectionsRefused()
    {
        long count = 0;
        for (int i = 0; i < appliance.Peers.Count; i++)
        {
            count += appliance.Peers[i].Reporter.Refused.Count;
        }

        return count;
    }

    private void Name()
    {
        notCompared.Fill<NotComparedReason>(counters.Shards.NotCompared);
        malformed.Fill<MalformedKind>(counters.Shards.Malformed);
        unverified.Fill<UnverifiedReason>(counters.Shards.Unverified);
        tolerated.Fill<ToleratedField>(counters.Shards.Tolerated);
        divergences.Fill<DivergenceReason>(counters.Shards.Divergences);
        drops.Fill<DropReason>(counters.Drops);
        primaryFragments.Fill<DatagramOutcome>(counters.PrimaryFragments.Datagrams);
        secondaryFragments.Fill<DatagramOutcome>(counters.SecondaryFragments.Datagrams);
        inbound.Fill<InboundCount>(counters.Inbound.All);
        inboundDrops.Fill<InboundDrop>(counters.InboundDrops);
    }
}
