// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>
/// A shard's copy of the guest's state: epoch, protection, mode and stop. The gate may change them at any time; the copy changes
/// only in <see cref="Refresh"/> and <see cref="RefreshEpoch"/>, so that each frame is processed under one state. With several
/// guests there will be one view per guest.
/// </summary>
internal sealed class ShardView
{
    private readonly GuestState guest;
    private readonly FlushLog flushes;
    private readonly EpochStart epochStart;
    private readonly UnfinishedFlow unfinished;
    private readonly EngineOptions options;
    private Protection protection;
    private bool observes;
    private uint epoch;
    private uint flushedEpoch;
    private int bypasses;
    private int brokenCheckpoints;
    private bool isReturning;

    public ShardView(
        EngineOptions options, GuestState guest, FlushLog flushes, EpochStart epochStart, UnfinishedFlow unfinished)
    {
        this.options = options;
        this.guest = guest;
        this.flushes = flushes;
        this.epochStart = epochStart;
        this.unfinished = unfinished;
        observes = options.Mode == CompareMode.Observe;
    }

    /// <summary>
    /// The argument of <see cref="Flow.IsPredicted"/>: the number of the last flush, or <see cref="Flow.PredictsNothing"/>.
    /// </summary>
    public uint Prediction { get; private set; } = Flow.PredictsNothing;

    /// <summary>The epoch whose frames are compared.</summary>
    public uint Epoch => epoch;

    /// <summary>Whether frames of the primary are sent before their comparison (mode <c>observe</c>).</summary>
    public bool Observes => observes;

    /// <summary>Whether the path stops, so that the primary's frames are sent unverified.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Whether the two sides are compared.</summary>
    public bool IsCompared => protection
        is Protection.InStep or Protection.Bypassed or Protection.DegradedNoCheckpoints or Protection.DegradedMirrorLoss;

    /// <summary>Whether only the secondary's frames are sent, after a fail-over.</summary>
    public bool IsSecondaryAlone => protection == Protection.SecondaryAlone;

    /// <summary>Whether the primary's frames are sent without a comparison, because there is no secondary.</summary>
    public bool PrimaryLeavesUncompared => protection == Protection.PrimaryAlone
        || (protection == Protection.DegradedNoSecondary && options.SecondaryLoss == SecondaryLossPolicy.Bypass);

    /// <summary>Whether both replicas are stopped for a checkpoint (<see cref="GuestState.AreReplicasStopped"/>). Always false
    /// while the path stops, so that every frame leaves it.</summary>
    public bool AreReplicasStopped => guest.AreReplicasStopped && !IsStopped;

    /// <summary>Whether clients' frames pass (<see cref="InboundMode.Mirror"/>).</summary>
    public bool Mirrors => options.Inbound == InboundMode.Mirror;

    /// <summary>Whether both replicas use the same numbers on every TCP connection that has no flow (R17): those connections were
    /// open when a checkpoint made the secondary a copy of the primary, and no flow with a translation was evicted
    /// since.</summary>
    public bool KnowsNumbers { get; private set; }

    /// <summary>Records that a flow with a translation was evicted.</summary>
    public void ForgetNumbers() => KnowsNumbers = false;

    /// <summary>The reason why the primary's frames are sent without a comparison.</summary>
    public UnverifiedReason ReasonNotCompared =>
        protection == Protection.PrimaryAlone ? UnverifiedReason.Failover : UnverifiedReason.SecondaryLost;

    /// <summary>Whether a checkpoint will resolve a divergence, so that the frames of a diverged flow wait for it.</summary>
    public bool Mends => guest.Mends;

    /// <summary>Whether a diverged flow waits for a checkpoint that will not come.</summary>
    public bool HasNoCheckpoints => protection == Protection.DegradedNoCheckpoints && !guest.Mends;

    /// <summary>Whether frames that were sent ahead may still return from egress.</summary>
    public bool HasObserved => guest.HasObserved;

    /// <summary>Whether frames stay in their ring while there is no room for them. Never in mode <c>observe</c>.</summary>
    public bool HoldsOverflow => options.Overflow == OverflowPolicy.Hold && !observes;

    /// <summary>
    /// Whether a frame belongs to the epoch that begins when the current checkpoint finishes. The frame and all behind it wait
    /// for that epoch, unless nothing is compared before and after it.
    /// </summary>
    public bool IsAhead(in Frame frame) =>
        (int)(frame.Epoch - epoch) > 0 && !IsStopped && (!PrimaryLeavesUncompared || isReturning);

    /// <summary>Whether a frame of the secondary must wait for the next epoch.</summary>
    public bool MustWaitForEpoch(in Frame secondary) => IsAhead(in secondary) && (IsCompared || isReturning);

    /// <summary>Whether a frame was captured before the last checkpoint (R7).</summary>
    public bool IsStale(in Frame frame) => (int)(frame.Epoch - flushedEpoch) < 0;

    /// <summary>
    /// Whether a frame may be compared with its flow's prediction: the shard, the flow and the frame are in their usual state.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Predicts(in Flow flow, FrameView frame) =>
        !Unsafe.IsNullRef(in flow) && flow.IsPredicted(Prediction) && frame.Descriptor.Marks == FrameMarks.None
        && frame.Descriptor.Epoch == epoch;

    /// <summary>
    /// Sets <see cref="Prediction"/>. Callers call it when a poll begins and when a flow was left unfinished; this type calls it
    /// at all other changes.
    /// </summary>
    public void RenewPrediction() => Prediction =
        options.Predicts && IsCompared && !IsStopped && !unfinished.EndsPoll ? flushes.Last : Flow.PredictsNothing;

    /// <summary>Refreshes the copy from the guest and its stop signal.</summary>
    /// <returns>Whether every flow must be updated.</returns>
    public bool Refresh(long nowNs)
    {
        bool concernsFlows = RefreshEpoch(nowNs) | RefreshBypasses() | RefreshProtection();
        if (guest.Stop.IsRaised && !IsStopped)
        {
            IsStopped = true;
            concernsFlows |= Flush(UnverifiedReason.Stop, forgets: false, FlushedNumbers.Kept);
        }

        return concernsFlows;
    }

    /// <summary>
    /// Refreshes the epoch: the primary's output before a checkpoint is now also the secondary's. Called for each frame, because
    /// its capture duty may have seen the new epoch before the shard.
    /// </summary>
    /// <returns>Whether every flow must be updated.</returns>
    public bool RefreshEpoch(long nowNs)
    {
        isReturning = guest.IsReturning;
        bool isInDoubt = RefreshBrokenCheckpoints();
        // Acquire: with the new epoch, all writes before it are visible. Partner: GuestState.Writer.BeginEpoch.
        uint seen = guest.Epoch;
        if ((int)(seen - epoch) <= 0)
        {
            return isInDoubt;
        }

        epoch = seen;
        observes = guest.Mode == CompareMode.Observe;
        return RefreshProtection() | RefreshBypasses() | RefreshFlush(nowNs);
    }

    /// <summary>
    /// Refreshes the protection. When both sides are in step again, the gate first sets the protection and then begins an epoch;
    /// frames are compared only from that epoch on.
    /// </summary>
    private bool RefreshProtection()
    {
        Protection seen = guest.Protection;
        if (seen == protection)
        {
            return false;
        }

        protection = seen;
        RenewPrediction();
        if (IsSecondaryAlone)
        {
            flushes.NoteTakeOver();
            return true;
        }

        return PrimaryLeavesUncompared ? Flush(ReasonNotCompared, forgets: false, FlushedNumbers.Kept) : HasNoCheckpoints;
    }

    /// <summary>
    /// Refreshes the number of bypasses: after frames have bypassed the comparison, no frame is released because of bytes that
    /// were verified before.
    /// </summary>
    private bool RefreshBypasses()
    {
        int seen = guest.Bypasses;
        if (seen == bypasses)
        {
            return false;
        }

        bypasses = seen;
        return Flush(null, forgets: true, FlushedNumbers.Unknown);
    }

    /// <summary>
    /// Refreshes the number of checkpoints that were broken off: the next frame of the secondary on each flow shows which numbers
    /// it uses.
    /// </summary>
    private bool RefreshBrokenCheckpoints()
    {
        int seen = guest.BrokenCheckpoints;
        if (seen == brokenCheckpoints)
        {
            return false;
        }

        brokenCheckpoints = seen;
        return Mirrors && Flush(null, forgets: false, FlushedNumbers.Doubtful);
    }

    /// <summary>
    /// Refreshes the last flushed epoch. Most epochs begin with a flush; an epoch that continues with the held frames does not.
    /// The flush of an epoch that this shard has not seen yet is applied with that epoch.
    /// </summary>
    private bool RefreshFlush(long nowNs)
    {
        uint flushed = guest.FlushedEpoch;
        if ((int)(flushed - flushedEpoch) <= 0 || (int)(flushed - epoch) > 0)
        {
            return false;
        }

        bool isFresh = (int)(guest.FreshEpoch - flushedEpoch) > 0;
        flushedEpoch = flushed;
        epochStart.Begin(nowNs, hasCheckpoint: !isFresh || guest.EpochReason == UnverifiedReason.Checkpoint);
        // At the operator's order to flush, or to change the mode, no frame has bypassed ColoWire.
        FlushedNumbers numbers = guest.CopiedEpoch == flushed ? FlushedNumbers.Equal
            : guest.EpochReason == UnverifiedReason.Order ? FlushedNumbers.Kept
            : FlushedNumbers.Unknown;
        return Flush(guest.EpochReason, isFresh, numbers);
    }

    private bool Flush(UnverifiedReason? reason, bool forgets, FlushedNumbers numbers)
    {
        flushes.Add(reason, forgets, numbers);
        KnowsNumbers = numbers == FlushedNumbers.Equal || (KnowsNumbers && numbers != FlushedNumbers.Unknown);
        RenewPrediction();
        return true;
    }
}
