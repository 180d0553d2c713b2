// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>How far a checkpoint has come.</summary>
internal enum CheckpointPhase : byte
{
    /// <summary>No checkpoint is asked for, and both replicas run.</summary>
    Idle,

    /// <summary>A checkpoint is asked for, or will be as soon as the request is due and the requester is ready. Both replicas
    /// run.</summary>
    Requested,

    /// <summary>Both replicas are stopped for a checkpoint, asked for or not. Frames that they sent before the stop still come
    /// in.</summary>
    Stopped,

    /// <summary>The stop has taken effect: frames that come in now belong to the next epoch, which begins when the checkpoint
    /// finishes.</summary>
    Settled,
}

/// <summary>What may change the phase.</summary>
internal enum PhaseEvent : byte
{
    /// <summary>Something was reported that a checkpoint mends: a divergence or any other
    /// <see cref="CheckpointCause"/>.</summary>
    CauseReported,

    /// <summary>The requester says that both replicas have been stopped.</summary>
    Began,

    /// <summary><see cref="EngineLimits.StopSettlesNs"/> have passed since both were stopped.</summary>
    StopSettled,

    /// <summary>The requester says that a checkpoint has finished.</summary>
    Completed,

    /// <summary>The requester says that the request failed, or the checkpoint that began.</summary>
    Failed,

    /// <summary>The requester says that there is no secondary.</summary>
    SecondaryLost,

    /// <summary>The requester could not be reached for as long as a request stands.</summary>
    RequesterAway,

    /// <summary>Both replicas are stopped for longer than any checkpoint takes.</summary>
    StopOverdue,

    /// <summary>The operator has ordered a flush.</summary>
    FlushOrdered,

    /// <summary>The operator has ordered another mode, which the guest's state has already.</summary>
    ModeOrdered,

    /// <summary>The secondary's link is back, and no checkpoint will be asked for.</summary>
    SecondaryBack,

    /// <summary>Frames were not compared, and no checkpoint will be asked for, or the frames have come in whose twins were not
    /// seen.</summary>
    FramesUnseen,
}

/// <summary>What is done when an event meets a phase.</summary>
internal enum PhaseAction : byte
{
    /// <summary>The event cannot come in this phase.</summary>
    Forbidden,

    /// <summary>Nothing.</summary>
    None,

    /// <summary>A request is made for the cause.</summary>
    MakeRequest,

    /// <summary>The time of the stop is noted.</summary>
    NoteStop,

    /// <summary>Frames that come in belong to the next epoch.</summary>
    CaptureNextEpoch,

    /// <summary>The request ends, what was lost is back, and the next epoch begins.</summary>
    FinishInNextEpoch,

    /// <summary>The same, and the epoch is the one that frames belong to already.</summary>
    FinishInCapturedEpoch,

    /// <summary>The requester counts as lost if the request was made as often as it may be.</summary>
    NoteRefusal,

    /// <summary>The same, and another checkpoint is asked for in place of the one that has broken off.</summary>
    ReplaceCheckpoint,

    /// <summary>The requester counts as lost, and another checkpoint is asked for in place of the one that does not
    /// end.</summary>
    AbandonCheckpoint,

    /// <summary>The secondary counts as lost, which is a cause of its own.</summary>
    LoseSecondary,

    /// <summary>The requester counts as lost.</summary>
    LoseRequester,

    /// <summary>An epoch begins without a checkpoint.</summary>
    BeginFreshEpoch,

    /// <summary>The request ends, and an epoch begins without a checkpoint.</summary>
    BeginMode,
}
