// SPDX-License-Identifier: GPL-2.0-or-later

using static ColoWire.Engine.Checkpoint.CheckpointPhase;
using static ColoWire.Engine.Checkpoint.PhaseAction;

namespace ColoWire.Engine.Checkpoint;

/// <summary>A transition of the checkpoint's state machine.</summary>
/// <param name="Next">The next phase.</param>
/// <param name="Action">The action. It may report a cause, which is the next event.</param>
internal readonly record struct PhaseTransition(CheckpointPhase Next, PhaseAction Action)
{
    /// <summary>The table of all transitions.</summary>
    /// <param name="from">The phase.</param>
    /// <param name="happened">The event.</param>
    /// <param name="isAsked">Whether a request is outstanding. It always is when one is <see cref="Requested"/>, never when
    /// <see cref="Idle"/>, and it may be while both replicas are stopped, because a hypervisor also makes checkpoints by
    /// itself.</param>
    /// <param name="asks">Whether checkpoints are requested at all (<see cref="GuestState.AsksForCheckpoints"/>).</param>
    public static PhaseTransition Of(CheckpointPhase from, PhaseEvent happened, bool isAsked, bool asks)
    {
        // The phase when both replicas run again: a request stays outstanding when its checkpoint does not finish.
        CheckpointPhase running = isAsked ? Requested : Idle;
        return (from, happened) switch
        {
            (Idle, PhaseEvent.CauseReported) => new(asks ? Requested : Idle, MakeRequest),
            // One checkpoint resolves all causes.
            (_, PhaseEvent.CauseReported) => new(from, None),

            (Idle or Requested, PhaseEvent.Began) => new(Stopped, NoteStop),
            (_, PhaseEvent.Began) => new(from, None),
            (Stopped, PhaseEvent.StopSettled) => new(Settled, CaptureNextEpoch),

            (Settled, PhaseEvent.Completed) => new(Idle, FinishInCapturedEpoch),
            (_, PhaseEvent.Completed) => new(Idle, FinishInNextEpoch),

            (Idle or Requested, PhaseEvent.Failed) => new(from, NoteRefusal),
            (_, PhaseEvent.Failed) => new(running, ReplaceCheckpoint),
            (_, PhaseEvent.SecondaryLost) => new(running, LoseSecondary),
            (Idle or Requested, PhaseEvent.RequesterAway) => new(from, LoseRequester),
            (_, PhaseEvent.RequesterAway) => new(running, AbandonCheckpoint),
            (Stopped or Settled, PhaseEvent.StopOverdue) => new(running, AbandonCheckpoint),

            (Idle or Requested, PhaseEvent.FlushOrdered) => new(from, BeginFreshEpoch),
            // Held frames leave within milliseconds anyway, when the checkpoint finishes.
            (_, PhaseEvent.FlushOrdered) => new(from, None),
            (_, PhaseEvent.ModeOrdered) => new(Idle, BeginMode),
            (Idle or Stopped or Settled, PhaseEvent.SecondaryBack) when !isAsked => new(Idle, BeginFreshEpoch),
            (_, PhaseEvent.FramesUnseen) => new(running, BeginFreshEpoch),

            _ => new(from, Forbidden),
        };
    }
}
