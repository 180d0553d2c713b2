// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// Between the shards and the hypervisor: sees what happens to a guest (reports of the shards, links, the requester, an
/// operator's orders) and hands it to the <see cref="CheckpointCycle"/>, which asks for checkpoints and begins epochs. What
/// follows for other threads they read in <see cref="Guest"/>.
/// </summary>
public sealed class CheckpointGate : IDuty
{
    private readonly SpscRing<CheckpointReport>[] fromShards;
    private readonly CheckpointReport[] inbox = new CheckpointReport[1];
    private readonly ICheckpointRequester requester;
    private readonly RequesterWatch readiness;
    private readonly OperatorOrders orders;
    private readonly BypassNotice bypass = new();
    private readonly ReportOutlet reports;
    private readonly Losses losses;
    private readonly CheckpointCycle cycle;

    /// <summary>Makes a gate.</summary>
    /// <param name="requester">Who is asked for checkpoints.</param>
    /// <param name="primary">Where the primary's frames come in.</param>
    /// <param name="secondary">Where the secondary's frames come in.</param>
    /// <param name="fromShards">What the shards report.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="failed">The gate of the path in which a duty has failed, null at the start. This one goes on where that one
    /// was: with its epoch, its counters, what was ordered, and what is lost. The frames that were under way are lost on both
    /// sides, which only a checkpoint mends. No duty may run.</param>
    internal CheckpointGate(
        ICheckpointRequester requester,
        ICapturePort primary,
        ICapturePort secondary,
        SpscRing<CheckpointReport>[] fromShards,
        EngineOptions options,
        CheckpointGate? failed)
    {
        CheckpointTimes times = CheckpointTimes.Of(options);
        GuestState.Writer guest = new(requester, options, failed?.Guest);
        Guest = guest.State;
        this.requester = requester;
        this.fromShards = fromShards;
        readiness = new RequesterWatch(requester, times.RetryNs, failed?.readiness);
        // An ordered flush is done with the path itself, and an ordered checkpoint is the one that the bypass asks for.
        orders = new OperatorOrders(failed?.orders.Mode ?? options.Mode);
        reports = failed?.reports ?? new ReportOutlet();
        losses = new Losses(primary, secondary, guest, failed?.losses);
        cycle = new CheckpointCycle(requester, guest, losses, reports, times, failed?.cycle);
        if (failed is not null)
        {
            NoteBypass();
        }
    }

    /// <summary>What all threads read.</summary>
    public GuestState Guest { get; }

    /// <summary>Checkpoints asked for, retries not counted; any thread may read it.</summary>
    public long Requests => cycle.Requests;

    /// <summary>Checkpoints that have finished, asked for or not; any thread may read it.</summary>
    public long Completed => cycle.Completed;

    /// <summary>Reports that the host did not fetch in time; the divergences themselves are counted by the shards.</summary>
    public long ReportsLost => reports.Lost;

    /// <summary>How far a checkpoint has come. For tests: the gate's thread changes it.</summary>
    internal CheckpointPhase Phase => cycle.Phase;

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        int work = FollowPrimary() + FollowSecondary(nowNs) + FollowRequester(nowNs) + TakeBypass(nowNs) + TakeOrders(nowNs);
        CheckpointEvent told = requester.Poll(nowNs);
        if (told != CheckpointEvent.None)
        {
            cycle.Hear(told, nowNs);
            work++;
        }

        cycle.WatchStop(nowNs);
        return work + TakeReports(nowNs) + cycle.AskIfDue(nowNs);
    }

    /// <summary>Host: fetches the oldest report.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryReadReport(out CheckpointReport report) => reports.TryRead(out report);

    /// <summary>Frames of the primary have gone past the comparison, because no thread took them (fail-to-wire): the replicas may
    /// differ since, and only a checkpoint puts them in step again. Any thread may call it.</summary>
    /// <param name="unreadNs">For how long the ports took in frames that no thread read, in nanoseconds; 0 when they took in
    /// none.</param>
    public void NoteBypass(long unreadNs = 0) => bypass.Give(unreadNs);

    /// <summary>One of the two replicas goes on alone from now on, for good. Any thread may call it.</summary>
    internal void TakeOver(Protection alone) => losses.TakeOver(alone);

    /// <summary>Orders a checkpoint, as a divergence does. Any thread may call it.</summary>
    internal void OrderCheckpoint() => orders.OrderCheckpoint();

    /// <summary>Orders that what is held leaves unverified, and that every flow is compared afresh. Any thread may call
    /// it.</summary>
    internal void OrderFlush() => orders.OrderFlush();

    /// <summary>Orders a mode. Any thread may call it.</summary>
    internal void OrderMode(CompareMode ordered) => orders.OrderMode(ordered);

    private int FollowPrimary()
    {
        if (!losses.FollowPrimary())
        {
            return 0;
        }

        if (!losses.IsBypassed)
        {
            // What left meanwhile was not compared.
            NoteBypass();
        }

        return 1;
    }

    private int FollowSecondary(long nowNs)
    {
        if (losses.IsTakenOver)
        {
            return losses.Publish() ? 1 : 0;
        }

        if (!losses.FollowSecondaryLink())
        {
            return 0;
        }

        if (!losses.HasSecondaryLink || Guest.AsksForCheckpoints)
        {
            cycle.LoseSecondary(nowNs);
        }
        else
        {
            cycle.RegainSecondary(nowNs);
        }

        return 1;
    }

    /// <summary>A requester that cannot be reached for as long as a request stands makes no checkpoints. Once it can be reached
    /// again, what has diverged meanwhile is asked for; if nothing has, the two are in step as before.</summary>
    private int FollowRequester(long nowNs)
    {
        bool isBack = readiness.IsBack(nowNs);
        if (isBack && !cycle.IsAsked)
        {
            losses.RegainRequester();
        }
        else if (!losses.IsRequesterLost && readiness.IsAwayTooLong(nowNs))
        {
            cycle.Happen(PhaseEvent.RequesterAway, nowNs);
        }

        return isBack ? 1 : 0;
    }

    private int TakeBypass(long nowNs)
    {
        if (bypass.TryTake(out long unreadNs))
        {
            cycle.NoteBypass(unreadNs, nowNs);
            return 1;
        }

        return cycle.BeginPlannedEpoch(nowNs) ? 1 : 0;
    }

    private int TakeOrders(long nowNs)
    {
        int work = 0;
        CompareMode ordered = orders.Mode;
        if (ordered != Guest.Mode)
        {
            cycle.ChangeMode(ordered, nowNs);
            work++;
        }

        if (orders.TryTakeFlush())
        {
            cycle.Happen(PhaseEvent.FlushOrdered, nowNs);
            work++;
        }

        if (orders.TryTakeCheckpoint())
        {
            cycle.Order(nowNs);
            work++;
        }

        return work;
    }

    private int TakeReports(long nowNs)
    {
        int work = 0;
        foreach (SpscRing<CheckpointReport> ring in fromShards)
        {
            for (int i = 0; i < EngineLimits.ReportRingEntries && ring.Read(inbox) != 0; i++)
            {
                cycle.Report(in inbox[0], nowNs);
                work++;
            }
        }

        return work;
    }
}
