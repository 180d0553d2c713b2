// SPDX-License-Identifier: GPL-2.0-or-later

using static ColoWire.Engine.Checkpoint.CheckpointPhase;
using static ColoWire.Engine.Checkpoint.PhaseAction;

namespace ColoWire.Engine.Checkpoint;

/// <summary>What follows when an event meets a phase.</summary>
/// <param name="Next">The phase from then on.</param>
/// <param name="Action">What is done. It may report a cause, which is the next event.</param>
internal readonly record struct PhaseTransition(CheckpointPhase Next, PhaseAction Action)
{
    /// <summary>The table of all transitions.</summary>
    /// <param name="from">The phase.</param>
    /// <param name="happened">The event.</param>
    /// <param name="isAsked">Whether a request is outstanding. It always is when one is <see cref="Requested"/>, never when
    /// <see cref="Idle"/>, and it may be while both replicas are stopped, for a hypervisor makes checkpoints unasked too.</param>
    /// <param name="asks">Whether checkpoints are asked for at all (<see cref="GuestState.AsksForCheckpoints"/>).</param>
    public static PhaseTransition Of(CheckpointPhase from, PhaseEvent happened, bool isAsked, bool asks)
    {
        // Both replicas run again: a request outlives a checkpoint that does not finish.
        CheckpointPhase running = isAsked ? Requested : Idle;
        return (from, happened) switch
        {
            (Idle, PhaseEvent.CauseReported) => new(asks ? Requested : Idle, MakeRequest),
            // One checkpoint mends all causes.
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
            // What is held leaves within milliseconds, when the checkpoint finishes.
            (_, PhaseEvent.FlushOrdered) => new(from, None),
            (_, PhaseEvent.ModeOrdered) => new(Idle, BeginMode),
            (Idle or Stopped or Settled, PhaseEvent.SecondaryBack) when !isAsked => new(Idle, BeginFreshEpoch),
            (_, PhaseEvent.FramesUnseen) => new(running, BeginFreshEpoch),

            _ => new(from, Forbidden),
        };
    }
}
