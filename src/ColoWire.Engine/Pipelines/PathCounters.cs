// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Capture;
using ColoWire.Engine.Egress;
using ColoWire.Engine.Fragments;

namespace ColoWire.Engine.Pipelines;

/// <summary>
/// The sums of all counters of a <see cref="FramePath"/>, over its shards and its pipelines: the only type that sums counters. It
/// is made once and read again and again; to read allocates nothing.
/// </summary>
public sealed class PathCounters
{
    private readonly long[] inboundDrops = new long[Enum.GetValues<InboundDrop>().Length];
    private readonly long[] drops = new long[Enum.GetValues<DropReason>().Length];

    /// <summary>The sum of the shards' counters.</summary>
    public ShardCounters Shards { get; } = new();

    /// <summary>The sum of what the reassembly of the primary's fragments has counted.</summary>
    public ReassemblyCounters PrimaryFragments { get; } = new();

    /// <summary>The sum of what the reassembly of the secondary's fragments has counted.</summary>
    public ReassemblyCounters SecondaryFragments { get; } = new();

    /// <summary>The sum of what the shards did with the frames of clients.</summary>
    public InboundCounters Inbound { get; } = new();

    /// <summary>Frames of clients that concern no guest, by reason.</summary>
    public ReadOnlySpan<long> InboundDrops => inboundDrops;

    /// <summary>Frames of clients that the primary has not received, because its port did not take them in time.</summary>
    public long PrimaryMissed { get; private set; }

    /// <summary>Frames of clients that the secondary has not received, because its port did not take them in time.</summary>
    public long SecondaryMissed { get; private set; }

    /// <summary>How long frames were held, as of the last <see cref="ReadHoldTimes"/>.</summary>
    public HoldTimes HoldTimes { get; } = new();

    /// <summary>Frames of the primary whose partial checksum was completed.</summary>
    public long PrimaryChecksums { get; private set; }

    /// <summary>Frames of the secondary whose partial checksum was completed.</summary>
    public long SecondaryChecksums { get; private set; }

    /// <summary>Divergence reports that found no room, on their way to the gate or there.</summary>
    public long ReportsLost { get; private set; }

    /// <summary>Frames that went nowhere, by reason: those of the shards, and fragments whose datagram was given up.</summary>
    public ReadOnlySpan<long> Drops => drops;

    /// <summary>Frames of both sides whose datagrams are incomplete.</summary>
    public long FragmentsWaiting => PrimaryFragments.Waiting + SecondaryFragments.Waiting;

    /// <summary>Primary frames that left at once because they cannot be compared.</summary>
    public long NotComparedFrames => Sum(Shards.NotCompared) + Sum(Shards.Malformed);

    /// <summary>Primary frames that left unverified, for whatever reason.</summary>
    public long UnverifiedFrames => Sum(Shards.Unverified);

    /// <summary>Divergences, for whatever reason.</summary>
    public long DivergenceCount => Sum(Shards.Divergences);

    /// <summary>Reads all counters of a path into new sums.</summary>
    public static PathCounters Of(FramePath path)
    {
        PathCounters counters = new();
        counters.Read(path);
        counters.ReadHoldTimes(path);
        return counters;
    }

    /// <summary>Reads all counters but <see cref="HoldTimes"/>. Any thread may call it while the duties run.</summary>
    public void Read(FramePath path)
    {
        Shards.Clear();
        for (int i = 0; i < path.Shards.Count; i++)
        {
            Shards.Add(path.Shards[i].Counters);
        }

        PrimaryFragments.Clear();
        SecondaryFragments.Clear();
        (PrimaryChecksums, SecondaryChecksums) = (0, 0);
        for (int i = 0; i < path.Pipelines.Count; i++)
        {
            Pipeline pipeline = path.Pipelines[i];
            PrimaryFragments.Add(pipeline.PrimaryCapture.Reassembly);
            SecondaryFragments.Add(pipeline.SecondaryCapture.Reassembly);
            PrimaryChecksums += pipeline.PrimaryCapture.CompletedChecksums;
            SecondaryChecksums += pipeline.SecondaryCapture.CompletedChecksums;
        }

        ReadInbound(path);
        Shards.Drops.CopyTo(drops);
        CounterArrays.Add(drops, SecondaryFragments.Drops);
        ReportsLost = Shards.ReportsLost + path.Gate.ReportsLost;
    }

    private void ReadInbound(FramePath path)
    {
        Inbound.Clear();
        Array.Clear(inboundDrops);
        (PrimaryMissed, SecondaryMissed) = (0, 0);
        for (int i = 0; i < path.Shards.Count; i++)
        {
            if (path.Shards[i].Inbound is { } counted)
            {
                Inbound.Add(counted);
            }
        }

        for (int i = 0; i < path.Pipelines.Count; i++)
        {
            if (path.Pipelines[i].Inbound is { } duties)
            {
                CounterArrays.Add(inboundDrops, duties.World.Filter.Drops);
                PrimaryMissed += duties.ToPrimary.Missed;
                SecondaryMissed += duties.ToSecondary.Missed;
            }
        }
    }

    /// <summary>Reads <see cref="HoldTimes"/>, some 500 numbers for each pipeline: a reader that asks often leaves them
    /// out.</summary>
    public void ReadHoldTimes(FramePath path)
    {
        HoldTimes.Clear();
        for (int i = 0; i < path.Pipelines.Count; i++)
        {
            HoldTimes.Add(path.Pipelines[i].Egress.HoldTimes);
        }
    }

    /// <summary>All numbers but <see cref="HoldTimes"/>, in an order that is always the same.</summary>
    public long[] ToArray() =>
        [.. Shards.ToArray(), .. PrimaryFragments.ToArray(), .. SecondaryFragments.ToArray(), PrimaryChecksums,
            SecondaryChecksums, ReportsLost, .. Inbound.All, .. inboundDrops, PrimaryMissed, SecondaryMissed];

    private static long Sum(ReadOnlySpan<long> counts)
    {
        long sum = 0;
        foreach (long count in counts)
        {
            sum += count;
        }

        return sum;
    }
}
