// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// The duty between the shards and the hypervisor. It collects the events of a guest (reports of the shards, links, requester,
/// orders of an operator) and passes them to the <see cref="CheckpointCycle"/>, which requests checkpoints and begins epochs.
/// Other threads read the result in <see cref="Guest"/>.
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
    /// <param name="requester">The requester of checkpoints.</param>
    /// <param name="primary">The port that receives the primary's frames.</param>
    /// <param name="secondary">The port that receives the secondary's frames.</param>
    /// <param name="fromShards">The rings of the shards' reports.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="failed">The gate of the path in which a duty has failed, null at the start. The new gate takes over its
    /// epoch, counters, orders and losses. The frames in the failed path are lost on both sides, so that a checkpoint is
    /// needed. No duty may be running.</param>
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
        // Pending orders are fulfilled: the new path begins flushed, and the bypass below requests a checkpoint.
        orders = new OperatorOrders(failed?.orders.Mode ?? options.Mode);
        reports = failed?.reports ?? new ReportOutlet();
        losses = new Losses(primary, secondary, guest, failed?.losses);
        cycle = new CheckpointCycle(requester, guest, losses, reports, times, failed?.cycle);
        if (failed is not null)
        {
            NoteBypass();
        }
    }

    /// <summary>The state of the guest, for all threads.</summary>
    public GuestState Guest { get; }

    /// <summary>The number of requested checkpoints, without retries; any thread may read it.</summary>
    public long Requests => cycle.Requests;

    /// <summary>The number of finished checkpoints, requested or not; any thread may read it.</summary>
    public long Completed => cycle.Completed;

    /// <summary>Reports that the host did not fetch in time; the divergences themselves are counted by the shards.</summary>
    public long ReportsLost => reports.Lost;

    /// <summary>The phase of the checkpoint. For tests: the gate's thread changes it.</summary>
    internal CheckpointPhase Phase => cycle.Phase;

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        int work = FollowPrimary() + FollowSecondary(nowNs) + (losses.FollowMirror(nowNs) ? 1 : 0)
            + FollowRequester(nowNs) + TakeBypass(nowNs) + TakeOrders(nowNs);
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

    /// <summary>Reports that frames of the primary bypassed the comparison, because no thread took them (fail-to-wire). The
    /// replicas may have diverged, so that only a checkpoint restores the lock-step. Any thread may call it.</summary>
    /// <param name="unreadNs">For how long the ports queued frames that no thread read, in nanoseconds; 0 when they queued
    /// none.</param>
    public void NoteBypass(long unreadNs = 0) => bypass.Give(unreadNs);

    /// <summary>Lets one of the two replicas send alone from now on, permanently. Any thread may call it.</summary>
    internal void TakeOver(Protection alone) => losses.TakeOver(alone);

    /// <summary>Orders a checkpoint, as a divergence does. Any thread may call it.</summary>
    internal void OrderCheckpoint() => orders.OrderCheckpoint();

    /// <summary>Orders that all held frames leave unverified, and that the comparison of every flow begins anew. Any thread may
    /// call it.</summary>
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
            // The frames that left during the bypass were not compared.
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

    /// <summary>A requester that is unreachable for <c>checkpoint_retry_ms</c> counts as lost. Once it is reachable again, the
    /// checkpoint for a divergence of that time is requested; without a divergence, the replicas are still in
    /// lock-step.</summary>
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
