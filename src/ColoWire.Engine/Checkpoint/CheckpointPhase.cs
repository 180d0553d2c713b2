// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>The phase of a checkpoint.</summary>
internal enum CheckpointPhase : byte
{
    /// <summary>No checkpoint is requested, and both replicas run.</summary>
    Idle,

    /// <summary>A checkpoint is requested, or will be as soon as the request is due and the requester is ready. Both replicas
    /// run.</summary>
    Requested,

    /// <summary>Both replicas are stopped for a checkpoint, requested or not. Frames that they sent before the stop are still
    /// arriving.</summary>
    Stopped,

    /// <summary>All frames from before the stop have arrived: frames that arrive now belong to the next epoch, which begins
    /// when the checkpoint finishes.</summary>
    Settled,
}

/// <summary>An event that may change the phase.</summary>
internal enum PhaseEvent : byte
{
    /// <summary>A divergence or another <see cref="CheckpointCause"/> was reported.</summary>
    CauseReported,

    /// <summary>The requester reports that both replicas were stopped.</summary>
    Began,

    /// <summary><see cref="EngineLimits.StopSettlesNs"/> have passed since both were stopped.</summary>
    StopSettled,

    /// <summary>The requester reports that a checkpoint has finished.</summary>
    Completed,

    /// <summary>The requester reports that the request has failed, or the checkpoint that had begun.</summary>
    Failed,

    /// <summary>The requester reports that there is no secondary.</summary>
    SecondaryLost,

    /// <summary>The requester was unreachable for the time after which a request is repeated
    /// (<c>checkpoint_retry_ms</c>).</summary>
    RequesterAway,

    /// <summary>Both replicas are stopped for longer than <c>checkpoint_max_ms</c>.</summary>
    StopOverdue,

    /// <summary>The operator has ordered a flush.</summary>
    FlushOrdered,

    /// <summary>The operator has ordered another mode; the guest's state has it already.</summary>
    ModeOrdered,

    /// <summary>The secondary's link is back, and no checkpoint will be requested.</summary>
    SecondaryBack,

    /// <summary>Frames bypassed the comparison and no checkpoint will be requested, or the frames whose twins bypassed it have
    /// been processed.</summary>
    FramesUnseen,
}

/// <summary>The action of a transition.</summary>
internal enum PhaseAction : byte
{
    /// <summary>The event cannot occur in this phase.</summary>
    Forbidden,

    /// <summary>Nothing.</summary>
    None,

    /// <summary>Request a checkpoint for the cause.</summary>
    MakeRequest,

    /// <summary>Record the time of the stop.</summary>
    NoteStop,

    /// <summary>Assign captured frames to the next epoch.</summary>
    CaptureNextEpoch,

    /// <summary>End the request and the losses, and begin the next epoch.</summary>
    FinishInNextEpoch,

    /// <summary>The same, with the epoch to which captured frames belong already.</summary>
    FinishInCapturedEpoch,

    /// <summary>Treat the requester as lost if all retries are used up.</summary>
    NoteRefusal,

    /// <summary>The same, and request another checkpoint in place of the one that was broken off.</summary>
    ReplaceCheckpoint,

    /// <summary>Treat the requester as lost, and request another checkpoint in place of the one that does not end.</summary>
    AbandonCheckpoint,

    /// <summary>Treat the secondary as lost, which is itself a cause.</summary>
    LoseSecondary,

    /// <summary>Treat the requester as lost.</summary>
    LoseRequester,

    /// <summary>Begin an epoch without a checkpoint.</summary>
    BeginFreshEpoch,

    /// <summary>End the request, and begin an epoch without a checkpoint.</summary>
    BeginMode,
}
