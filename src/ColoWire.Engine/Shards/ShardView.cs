// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>
/// What a shard knows of the guest's state: epoch, protection, mode and stop. The gate may change them at any time; a shard goes by this
/// copy, which changes only in <see cref="Refresh"/> and <see cref="RefreshEpoch"/>, so that one frame meets one state. With several
/// guests there will be one view of each.
/// </summary>
internal sealed class ShardView
{
    private readonly CheckpointGate gate;
    private readonly StopSignal stop;
    private readonly FlushLog flushes;
    private readonly EpochStart epochStart;
    private readonly UnfinishedFlow unfinished;
    private readonly EngineOptions options;
    private Protection protection;
    private bool observes;
    private uint epoch;
    private uint flushedEpoch;
    private int bypasses;
    private bool isReturning;

    public ShardView(
        EngineOptions options, CheckpointGate gate, StopSignal stop, FlushLog flushes, EpochStart epochStart, UnfinishedFlow unfinished)
    {
        this.options = options;
        this.gate = gate;
        this.stop = stop;
        this.flushes = flushes;
        this.epochStart = epochStart;
        this.unfinished = unfinished;
        observes = options.Mode == CompareMode.Observe;
    }

    /// <summary>What <see cref="Flow.IsPredicted"/> is asked with: the number of the last flush, or <see cref="Flow.PredictsNothing"/>.</summary>
    public uint Prediction { get; private set; } = Flow.PredictsNothing;

    /// <summary>The epoch whose frames are compared.</summary>
    public uint Epoch => epoch;

    /// <summary>Whether frames of the primary are sent before they are compared.</summary>
    public bool Observes => observes;

    /// <summary>Whether the path stops: the primary's frames leave unverified.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Whether the two sides are compared.</summary>
    public bool IsCompared => protection is Protection.InStep or Protection.Bypassed or Protection.DegradedNoCheckpoints;

    /// <summary>Whether the secondary alone speaks for the guest.</summary>
    public bool IsSecondaryAlone => protection == Protection.SecondaryAlone;

    /// <summary>Whether the primary's frames leave without a comparison, because there is no secondary.</summary>
    public bool PrimaryLeavesUncompared => protection == Protection.PrimaryAlone
        || (protection == Protection.DegradedNoSecondary && options.SecondaryLoss == SecondaryLossPolicy.Bypass);

    /// <summary>Why they leave so.</summary>
    public UnverifiedReason ReasonNotCompared =>
        protection == Protection.PrimaryAlone ? UnverifiedReason.Failover : UnverifiedReason.SecondaryLost;

    /// <summary>Whether a checkpoint will end what diverges, so that frames wait for it.</summary>
    public bool Mends => gate.Mends;

    /// <summary>Whether a flow that has diverged waits for a checkpoint that will not come.</summary>
    public bool HasNoCheckpoints => protection == Protection.DegradedNoCheckpoints && !gate.Mends;

    /// <summary>Whether frames that were sent before they were compared may still come back.</summary>
    public bool HasObserved => gate.HasObserved;

    /// <summary>Whether frames wait in their ring where there is no room for them. Never where they are sent before they are
    /// compared.</summary>
    public bool HoldsOverflow => options.Overflow == OverflowPolicy.Hold && !observes;

    /// <summary>Whether a frame belongs to the epoch that begins when the checkpoint has finished for which both replicas are stopped. The
    /// frame, and all behind it, wait for that epoch, unless nothing is compared before and after it.</summary>
    public bool IsAhead(in Frame frame) => (int)(frame.Epoch - epoch) > 0 && !IsStopped && (!PrimaryLeavesUncompared || isReturning);

    /// <summary>Whether a frame of the secondary has to wait for the next epoch.</summary>
    public bool MustWaitForEpoch(in Frame secondary) => IsAhead(in secondary) && (IsCompared || isReturning);

    /// <summary>Whether a frame was captured before the last checkpoint (R7).</summary>
    public bool IsStale(in Frame frame) => (int)(frame.Epoch - flushedEpoch) < 0;

    /// <summary>Whether the next frame of a flow is predicted: the shard and the flow are in their usual state, and so is the frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Predicts(in Flow flow, FrameView frame) =>
        !Unsafe.IsNullRef(in flow) && flow.IsPredicted(Prediction) && frame.Descriptor.Marks == FrameMarks.None
        && frame.Descriptor.Epoch == epoch;

    /// <summary>Sets <see cref="Prediction"/>. To be called when a poll begins, and when a flow was left unfinished; all other changes are
    /// made here.</summary>
    public void RenewPrediction() => Prediction =
        options.Predicts && IsCompared && !IsStopped && !unfinished.EndsPoll ? flushes.Last : Flow.PredictsNothing;

    /// <summary>Takes over what the gate and the path say now.</summary>
    /// <returns>Whether every flow has something to follow.</returns>
    public bool Refresh(long nowNs)
    {
        bool concernsFlows = RefreshEpoch(nowNs) | RefreshBypasses() | RefreshProtection();
        if (stop.IsRaised && !IsStopped)
        {
            IsStopped = true;
            concernsFlows |= Flush(UnverifiedReason.Stop, forgets: false);
        }

        return concernsFlows;
    }

    /// <summary>Takes over a new epoch: what the primary said before it is now the secondary's, too. A frame may bring the news, because its
    /// capture duty saw the new epoch first.</summary>
    /// <returns>Whether every flow has something to follow.</returns>
    public bool RefreshEpoch(long nowNs)
    {
        isReturning = gate.IsReturning;
        // Acquire: the new epoch comes with everything that led to it. Partner: CheckpointGate.BeginEpoch.
        uint seen = gate.Epoch;
        if ((int)(seen - epoch) <= 0)
        {
            return false;
        }

        epoch = seen;
        observes = gate.Mode == CompareMode.Observe;
        return RefreshProtection() | RefreshBypasses() | RefreshFlush(nowNs);
    }

    /// <summary>Where both sides are in step again, the gate first says so and then begins an epoch; only then do frames count.</summary>
    private bool RefreshProtection()
    {
        Protection seen = gate.Protection;
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

        return PrimaryLeavesUncompared ? Flush(ReasonNotCompared, forgets: false) : HasNoCheckpoints;
    }

    /// <summary>Frames have passed uncompared: from now on no frame leaves because of bytes that were verified before.</summary>
    private bool RefreshBypasses()
    {
        int seen = gate.Bypasses;
        if (seen == bypasses)
        {
            return false;
        }

        bypasses = seen;
        return Flush(null, forgets: true);
    }

    /// <summary>Most epochs begin with a flush; one that goes on with what is held does not. A flush that belongs to an epoch not seen yet
    /// comes with that one.</summary>
    private bool RefreshFlush(long nowNs)
    {
        uint flushed = gate.FlushedEpoch;
        if ((int)(flushed - flushedEpoch) <= 0 || (int)(flushed - epoch) > 0)
        {
            return false;
        }

        bool isFresh = (int)(gate.FreshEpoch - flushedEpoch) > 0;
        flushedEpoch = flushed;
        epochStart.Begin(nowNs, hasCheckpoint: !isFresh || gate.EpochReason == UnverifiedReason.Checkpoint);
        return Flush(gate.EpochReason, isFresh);
    }

    private bool Flush(UnverifiedReason? reason, bool forgets)
    {
        flushes.Add(reason, forgets);
        RenewPrediction();
        return true;
    }
}
