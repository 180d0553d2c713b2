// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// Between the shards and the hypervisor: merges the divergences of all shards into at most one outstanding request (R5), and turns
/// a finished checkpoint into a new epoch, at the sight of which every shard flushes. When a request goes out, and what follows when
/// nothing comes of it, stands in <c>CheckpointGate.Requests.cs</c>, who speaks for the guest meanwhile in
/// <c>CheckpointGate.Protection.cs</c>, what an operator may order in <c>CheckpointGate.Orders.cs</c>.
/// </summary>
/// <remarks>
/// A checkpoint of which the beginning is heard has two ends to an epoch. Frames that are captured once both replicas stand belong to the
/// epoch to come (<see cref="CapturedEpoch"/>); the held ones of before leave when it has come (<see cref="Epoch"/>), not earlier, for
/// until then the secondary cannot reproduce them.
/// </remarks>
public sealed partial class CheckpointGate : IDuty
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly SpscRing<CheckpointReport>[] fromShards;
    private readonly ICheckpointRequester requester;
    private readonly ICapturePort primary;
    private readonly ICapturePort secondary;
    private readonly CheckpointReport[] inbox = new CheckpointReport[1];
    private readonly CheckpointReport[] outbox = new CheckpointReport[1];
    private SpscRing<CheckpointReport> toHost = new(EngineLimits.ReportRingEntries);
    private long? beganAtNs;
    private bool settled;
    private bool isReturning;
    private uint epoch;
    private uint flushedEpoch;
    private uint freshEpoch;
    private uint capturedEpoch;
    private int epochReason;
    private long completed;
    private long reportsLost;

    internal CheckpointGate(
        ICheckpointRequester requester,
        ICapturePort primary,
        ICapturePort secondary,
        SpscRing<CheckpointReport>[] fromShards,
        EngineOptions options)
    {
        this.requester = requester;
        this.primary = primary;
        this.secondary = secondary;
        this.fromShards = fromShards;
        retryNs = options.CheckpointRetryMs * NanosecondsPerMs;
        retries = options.CheckpointRetries;
        intervalNs = options.CheckpointIntervalMs * NanosecondsPerMs;
        longestStopNs = options.CheckpointMaxMs * NanosecondsPerMs;
        bypassesRequesterLoss = options.RequesterLoss == RequesterLossPolicy.Bypass;
        mode = (int)options.Mode;
        orderedMode = mode;
        hasObserved = options.Mode == CompareMode.Observe;
    }

    /// <summary>The number that a finished checkpoint raises; any thread may read it.</summary>
    public uint Epoch => Volatile.Read(ref epoch);

    /// <summary>The last epoch at the sight of which every shard flushes: all of them, but for those that go on with what is held
    /// (<see cref="ContinueEpoch"/>). Never ahead of <see cref="Epoch"/> for whoever reads that first.</summary>
    internal uint FlushedEpoch => Volatile.Read(ref flushedEpoch);

    /// <summary>The last epoch at whose beginning each flow forgot what was said before, because frames had passed uncompared
    /// (<see cref="NoteBypass"/>), or because no checkpoint began the epoch. Written before <see cref="FlushedEpoch"/>:
    /// a thread that reads an epoch there, and this one afterwards, knows whether flows forgot at it.</summary>
    internal uint FreshEpoch => Volatile.Read(ref freshEpoch);

    /// <summary>The epoch of the frames that come now: ahead of <see cref="Epoch"/> from when both replicas are stopped for a checkpoint until
    /// one has finished. Any thread may read it.</summary>
    public uint CapturedEpoch => Volatile.Read(ref capturedEpoch);

    /// <summary>Whether both replicas are stopped for the checkpoint that ends the loss of the secondary. The secondary's link is
    /// back, so frames of the next epoch wait for the end of the checkpoint. A thread that reads false here, and
    /// <see cref="Epoch"/> afterwards, reads the new epoch. Any thread may read it.</summary>
    internal bool IsReturning => Volatile.Read(ref isReturning);

    /// <summary>Checkpoints that have finished, asked for or not; any thread may read it.</summary>
    public long Completed => Volatile.Read(ref completed);

    /// <summary>Reports that the host did not fetch in time; the divergences themselves are counted by the shards.</summary>
    public long ReportsLost => Volatile.Read(ref reportsLost);

    /// <summary>Why what was held when <see cref="FlushedEpoch"/> began left unverified.</summary>
    internal UnverifiedReason EpochReason => (UnverifiedReason)Volatile.Read(ref epochReason);

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        int work = FollowPrimary() + FollowSecondary(nowNs) + FollowRequester(nowNs) + EndBypass(nowNs) + TakeOrders(nowNs);
        CheckpointEvent happened = requester.Poll(nowNs);
        if (happened != CheckpointEvent.None)
        {
            Hear(happened, nowNs);
            work++;
        }

        Settle(nowNs);
        WatchBeginning(nowNs);
        foreach (SpscRing<CheckpointReport> ring in fromShards)
        {
            for (int i = 0; i < EngineLimits.ReportRingEntries && ring.Read(inbox) != 0; i++)
            {
                Merge(in inbox[0], nowNs);
                work++;
            }
        }

        return work + AskIfDue(nowNs);
    }

    /// <summary>Host: fetches the oldest report.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryReadReport(out CheckpointReport report)
    {
        bool read = toHost.Read(outbox) != 0;
        report = outbox[0];
        return read;
    }

    /// <summary>What was under way when both replicas were stopped has come: the rest belongs to the next epoch.</summary>
    private void Settle(long nowNs)
    {
        if (!settled && !hasOverrun && nowNs - beganAtNs >= EngineLimits.StopSettlesNs)
        {
            settled = true;
            // Also after one that failed: what was said between the two is not of the epoch that the second one begins.
            Volatile.Write(ref capturedEpoch, capturedEpoch + 1);
        }

        // Written after the epoch, and read before it. Partner: Shard.RefreshEpoch.
        Volatile.Write(ref isReturning, settled && secondaryLost && hadLink);
    }

    private void Hear(CheckpointEvent happened, long nowNs)
    {
        switch (happened)
        {
            case CheckpointEvent.Began:
                beganAtNs ??= nowNs;
                break;
            case CheckpointEvent.Completed:
                EndRequest();
                askDueNs = nowNs + intervalNs;
                Volatile.Write(ref completed, completed + 1);
                secondaryLost = secondaryLost && !secondary.HasLink;
                requesterLost = false;
                SetProtection();
                // The one that frames belong to already, if it was heard that both replicas stood.
                BeginEpoch(UnverifiedReason.Checkpoint, settled ? capturedEpoch : capturedEpoch + 1, isFresh: hasUnseen);
                break;
            case CheckpointEvent.Failed:
                NoteFailure(nowNs);
                break;
            case CheckpointEvent.SecondaryLost:
                ForgetBeginning();
                LoseSecondary(nowNs);
                ContinueUnlessAsked();
                break;
            default:
                break;
        }

        SetProtection();
    }

    /// <summary>Begins an epoch without a checkpoint. No frame has been captured in it yet.</summary>
    private void BeginEpoch(UnverifiedReason reason) => BeginEpoch(reason, capturedEpoch + 1, isFresh: true);

    private void BeginEpoch(UnverifiedReason reason, uint next, bool isFresh)
    {
        ForgetBeginning();
        Volatile.Write(ref epochReason, (int)reason);
        Volatile.Write(ref capturedEpoch, next);
        if (isFresh)
        {
            hasUnseen = false;
            Volatile.Write(ref freshEpoch, next);
        }

        Volatile.Write(ref flushedEpoch, next);
        // Release: whoever sees the new epoch sees all that came before it. Partners: CaptureDuty.Poll and Shard.RefreshEpoch.
        Volatile.Write(ref epoch, next);
    }

    /// <summary>The frames that wait for a checkpoint that broke off are judged with what is held: nobody knows whether the secondary is a
    /// copy of the primary, so nothing leaves but what both say.</summary>
    private void ContinueEpoch() => Volatile.Write(ref epoch, capturedEpoch);

    private void ForgetBeginning()
    {
        beganAtNs = null;
        settled = false;
    }

    /// <summary>What is no difference between frames, and asks for a checkpoint all the same.</summary>
    private CheckpointReport Event(CheckpointCause cause, long nowNs) => new() { Cause = cause, AtNs = nowNs, Epoch = epoch };
}
