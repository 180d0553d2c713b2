// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// The state of one guest, which its gate publishes to all other threads: the epochs, which replica's frames leave, and when.
/// Any thread may read it; only the gate's thread writes it, through the one <see cref="Writer"/>.
/// </summary>
/// <remarks>
/// Each write is a release and each read an acquire, so a reader that sees a value sees all writes before it. Each property
/// documents what its readers may rely on.
/// </remarks>
public sealed partial class GuestState
{
    /// <summary>The value of <see cref="LastMirrorLossNs"/> while no replica has missed a frame.</summary>
    internal const long NoMirrorLoss = long.MinValue;

    private readonly bool requesterSynchronises;
    private readonly bool bypassesRequesterLoss;
    private volatile uint epoch;
    private volatile uint capturedEpoch;
    private volatile uint flushedEpoch;
    private volatile uint freshEpoch;
    private volatile UnverifiedReason epochReason;
    private volatile bool isReturning;
    private volatile bool areReplicasStopped;
    private volatile int bypasses;
    private volatile uint copiedEpoch;
    private volatile int brokenCheckpoints;
    private volatile Protection protection;
    private volatile CompareMode mode;
    private volatile bool hasObserved;
    private long lastMirrorLossNs = NoMirrorLoss;

    private GuestState(ICheckpointRequester requester, EngineOptions options)
    {
        requesterSynchronises = requester.Synchronises;
        bypassesRequesterLoss = options.RequesterLoss == RequesterLossPolicy.Bypass;
        mode = options.Mode;
        hasObserved = options.Mode == CompareMode.Observe;
    }

    /// <summary>The number that a finished checkpoint raises. A thread that reads a new number here reads afterwards the
    /// <see cref="Mode"/>, the <see cref="Protection"/> and the <see cref="FlushedEpoch"/> that this epoch began with. Read by
    /// <c>ShardView.RefreshEpoch</c>, written last by <see cref="Writer.BeginEpoch"/> and
    /// <see cref="Writer.ContinueEpoch"/>.</summary>
    public uint Epoch => epoch;

    /// <summary>The epoch of the frames that are captured now: ahead of <see cref="Epoch"/> from when both replicas are stopped
    /// for a checkpoint until one has finished. A frame must not get an epoch older than the one that was visible when the
    /// frame arrived. Read by <c>CaptureDuty.BeginEpoch</c>, written by <see cref="Writer.CaptureNextEpoch"/> and <see
    /// cref="Writer.BeginEpoch"/>.</summary>
    public uint CapturedEpoch => capturedEpoch;

    /// <summary>Which replica's frames leave. Where a checkpoint changes it, it is written before the <see cref="Epoch"/>. Read
    /// by <c>ShardView.RefreshProtection</c> and <c>CaptureDuty.BeginEpoch</c>, written by <see
    /// cref="Writer.SetProtection"/>.</summary>
    public Protection Protection => protection;

    /// <summary>When a frame of the primary leaves. It is written before the <see cref="Epoch"/> with which it takes effect.
    /// Read by <c>ShardView.RefreshEpoch</c> and <c>CaptureDuty.BeginEpoch</c>, written by <see
    /// cref="Writer.SetMode"/>.</summary>
    public CompareMode Mode => mode;

    /// <summary>The last epoch at whose beginning every shard flushes. Each epoch does, except one that continues with the held
    /// frames (<see cref="Writer.ContinueEpoch"/>). It is written before the <see cref="Epoch"/>, so a shard may see a flush
    /// whose epoch it has not seen, and applies it with that epoch. A thread that reads an epoch here reads afterwards whether
    /// the epoch is fresh (<see cref="FreshEpoch"/>) and why it began (<see cref="EpochReason"/>). Read by
    /// <c>ShardView.RefreshFlush</c>, written by <see cref="Writer.BeginEpoch"/>.</summary>
    internal uint FlushedEpoch => flushedEpoch;

    /// <summary>The last epoch at whose beginning each flow discarded the verified bytes, because frames had bypassed the
    /// comparison or because no checkpoint began the epoch. Read after <see cref="FlushedEpoch"/>.</summary>
    internal uint FreshEpoch => freshEpoch;

    /// <summary>The reason counted for the frames that left unverified when <see cref="FlushedEpoch"/> began. Read after
    /// <see cref="FlushedEpoch"/>.</summary>
    internal UnverifiedReason EpochReason => epochReason;

    /// <summary>The last epoch that a finished checkpoint has begun: the secondary is a copy of the primary then, so that both
    /// use the same numbers. Read after <see cref="FlushedEpoch"/>.</summary>
    internal uint CopiedEpoch => copiedEpoch;

    /// <summary>How many checkpoints were broken off after both replicas had been stopped: whether the secondary has become a
    /// copy of the primary is not known (R17). It is written before <see cref="AreReplicasStopped"/>. Read by
    /// <c>ShardView.RefreshEpoch</c>, written by <see cref="Writer.CountBrokenCheckpoint"/>.</summary>
    internal int BrokenCheckpoints => brokenCheckpoints;

    /// <summary>Whether both replicas are stopped for the checkpoint that ends the loss of the secondary. The secondary's link
    /// is back, so frames of the next epoch wait for the end of the checkpoint. It is read before <see cref="Epoch"/> and
    /// written after it: a thread that reads false here reads afterwards the epoch that the checkpoint has begun. Read by
    /// <c>ShardView.RefreshEpoch</c>, written by <see cref="Writer.SetReturning"/>.</summary>
    internal bool IsReturning => isReturning;

    /// <summary>Whether both replicas are stopped for a checkpoint, as far as the requester reports it. The sequence numbers of
    /// the secondary change then, so clients' frames wait for the end (R17). Like <see cref="IsReturning"/> it is read before
    /// <see cref="Epoch"/> and written after it. Read by <c>ClientIntake.Take</c>, written by
    /// <see cref="Writer.SetReplicasStopped"/>.</summary>
    internal bool AreReplicasStopped => areReplicasStopped;

    /// <summary>How often frames bypassed the comparison (<see cref="CheckpointCause.Absence"/>) where a checkpoint follows.
    /// Each time, flows discard the verified bytes. Read by <c>ShardView.RefreshBypasses</c>, written by <see
    /// cref="Writer.CountBypass"/>.</summary>
    internal int Bypasses => bypasses;

    /// <summary>Whether a frame that was sent ahead may still be in the path. It is written before the <see cref="Mode"/>. Read
    /// by <c>Shard.Poll</c> and <c>EgressDuty.SendHome</c>, written by <see cref="Writer.SetMode"/>.</summary>
    internal bool HasObserved => hasObserved;

    /// <summary>Whether checkpoints are requested. In mode <c>observe</c> none is, because it would stop the guests.</summary>
    internal bool AsksForCheckpoints => requesterSynchronises && mode == CompareMode.Lockstep;

    /// <summary>Whether a checkpoint will resolve a divergence, so that the frames of a diverged flow wait for it.</summary>
    internal bool Mends => AsksForCheckpoints && (protection != Protection.DegradedNoCheckpoints || !bypassesRequesterLoss);

    /// <summary>When a replica last missed a client's frame, in nanoseconds of the engine's clock. Several duties write it, each
    /// only when a frame is lost; of writes at the same time any may remain. Read by the gate.</summary>
    internal long LastMirrorLossNs => Volatile.Read(ref lastMirrorLossNs);

    /// <summary>Records that a replica has missed a client's frame. Any thread may call it.</summary>
    internal void NoteMirrorLoss(long nowNs) => Volatile.Write(ref lastMirrorLossNs, nowNs);

    /// <summary>The signal that the guest's path stops. Any thread may raise it.</summary>
    internal StopSignal Stop { get; } = new();
}
