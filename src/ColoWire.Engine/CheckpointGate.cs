// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine;

/// <summary>
/// Between the shards and the hypervisor: merges the divergences of all shards into at most one outstanding request (R5), and turns
/// a finished checkpoint into a new epoch, at the sight of which every shard flushes. It also says who speaks for the guest
/// (<see cref="Protection"/>).
/// </summary>
public sealed class CheckpointGate : IDuty
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly SpscRing<DivergenceReport>[] fromShards;
    private readonly ICheckpointRequester requester;
    private readonly ICapturePort secondary;
    private readonly long retryNs;
    private readonly DivergenceReport[] inbox = new DivergenceReport[1];
    private readonly DivergenceReport[] outbox = new DivergenceReport[1];
    private readonly SpscRing<DivergenceReport> toHost = new(EngineLimits.ReportRingEntries);
    private DivergenceReport cause;
    private long requestedAtNs;
    private bool outstanding;
    private bool hadLink = true;
    private uint epoch;
    private long requests;
    private long reportsLost;
    private int protection;
    private int takeOver;
    private bool wasAbsent;
    private long? settlesAtNs;

    internal CheckpointGate(
        ICheckpointRequester requester, ICapturePort secondary, SpscRing<DivergenceReport>[] fromShards, int retryMs)
    {
        this.requester = requester;
        this.secondary = secondary;
        this.fromShards = fromShards;
        retryNs = retryMs * NanosecondsPerMs;
    }

    /// <summary>The number that a finished checkpoint raises; any thread may read it.</summary>
    public uint Epoch => Volatile.Read(ref epoch);

    /// <summary>Whether the guest is protected; any thread may read it.</summary>
    public Protection Protection => (Protection)Volatile.Read(ref protection);

    /// <summary>Checkpoints asked for, retries not counted; any thread may read it.</summary>
    public long Requests => Volatile.Read(ref requests);

    /// <summary>Reports that the host did not fetch in time; the divergences themselves are counted by the shards.</summary>
    public long ReportsLost => Volatile.Read(ref reportsLost);

    internal bool Synchronises => requester.Synchronises;

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        int work = FollowProtection(nowNs) + EndAbsence(nowNs);
        CheckpointEvent happened = requester.Poll(nowNs);
        if (happened == CheckpointEvent.Completed)
        {
            outstanding = false;
            BeginEpoch();
            work++;
        }

        foreach (SpscRing<DivergenceReport> ring in fromShards)
        {
            while (ring.Read(inbox) != 0)
            {
                Merge(in inbox[0], nowNs);
                work++;
            }
        }

        if (outstanding && nowNs - requestedAtNs >= retryNs)
        {
            requestedAtNs = nowNs;
            requester.Request(in cause, nowNs);
            work++;
        }

        return work;
    }

    /// <summary>Host: fetches the oldest report.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryReadReport(out DivergenceReport report)
    {
        bool read = toHost.Read(outbox) != 0;
        report = outbox[0];
        return read;
    }

    /// <summary>Frames of the primary have gone past the comparison, because nobody took them (fail-to-wire): the two may have parted
    /// since, and only a checkpoint puts them in step again. Any thread may call it.</summary>
    public void NoteAbsence() => Volatile.Write(ref wasAbsent, true);

    /// <summary>One of the two goes on alone from now on: the other is gone, or is to be. Any thread may call it.</summary>
    internal void TakeOver(Protection alone) => Volatile.Write(ref takeOver, (int)alone);

    /// <summary>The two are in step, if the secondary can be heard and neither was told to go on alone.</summary>
    private void BeginEpoch()
    {
        if (Protection == Protection.Degraded && secondary.HasLink)
        {
            Volatile.Write(ref protection, (int)Protection.InStep);
        }

        // Release: whoever sees the new epoch sees all that came before it. Partners: CaptureDuty.Poll and Shard.Poll.
        Volatile.Write(ref epoch, epoch + 1);
    }

    private int FollowProtection(long nowNs)
    {
        int told = Volatile.Read(ref takeOver);
        if (told != 0)
        {
            bool isNews = told != protection;
            Volatile.Write(ref protection, told);
            return isNews ? 1 : 0;
        }

        bool hasLink = secondary.HasLink;
        if (hasLink == hadLink)
        {
            return 0;
        }

        hadLink = hasLink;
        if (!hasLink)
        {
            Volatile.Write(ref protection, (int)Protection.Degraded);
        }

        if (!hasLink || requester.Synchronises)
        {
            // What the secondary said meanwhile nobody heard: only a checkpoint puts the two in step again.
            Merge(new DivergenceReport { Reason = DivergenceReason.SecondaryLink, AtNs = nowNs, Epoch = epoch }, nowNs);
        }
        else
        {
            BeginEpoch();
        }

        return 1;
    }

    private int EndAbsence(long nowNs)
    {
        if (Volatile.Read(ref wasAbsent))
        {
            Volatile.Write(ref wasAbsent, false);
            Merge(new DivergenceReport { Reason = DivergenceReason.Absence, AtNs = nowNs, Epoch = epoch }, nowNs);
            if (!requester.Synchronises)
            {
                // No checkpoint ends this. An epoch begins now, so that nothing held is judged by a clock that went on meanwhile, and
                // another one when the frames are through whose twins went past.
                BeginEpoch();
                settlesAtNs = nowNs + EngineLimits.AbsenceSettlesNs;
            }

            return 1;
        }

        if (nowNs < settlesAtNs || settlesAtNs == null)
        {
            return 0;
        }

        settlesAtNs = null;
        BeginEpoch();
        return 1;
    }

    private void Merge(in DivergenceReport report, long nowNs)
    {
        if (!toHost.TryAdd(report))
        {
            Volatile.Write(ref reportsLost, reportsLost + 1);
        }

        toHost.Publish();
        // A divergence found in an epoch that has ended since was mended by the checkpoint that ended it.
        if (outstanding || report.Epoch != epoch)
        {
            return;
        }

        Volatile.Write(ref requests, requests + 1);
        outstanding = requester.Synchronises;
        requestedAtNs = nowNs;
        cause = report;
        requester.Request(in report, nowNs);
    }
}
