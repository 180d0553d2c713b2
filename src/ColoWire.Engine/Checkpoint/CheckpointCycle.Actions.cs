// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;
using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <content>The actions of the transitions.</content>
internal sealed partial class CheckpointCycle
{
    private static UnverifiedReason ReasonOf(PhaseEvent happened) => happened switch
    {
        PhaseEvent.SecondaryBack => UnverifiedReason.SecondaryLost,
        PhaseEvent.FramesUnseen => UnverifiedReason.Unseen,
        _ => UnverifiedReason.Order,
    };

    private void Act(PhaseAction action, PhaseEvent happened, long nowNs, in CheckpointReport cause)
    {
        switch (action)
        {
            case PhaseAction.None:
                break;
            case PhaseAction.MakeRequest:
                MakeRequest(in cause, nowNs);
                break;
            case PhaseAction.NoteStop:
                stop.Begin(nowNs);
                break;
            case PhaseAction.CaptureNextEpoch:
                guest.CaptureNextEpoch();
                break;
            case PhaseAction.FinishInNextEpoch:
                Finish(guest.State.CapturedEpoch + 1, nowNs);
                break;
            case PhaseAction.FinishInCapturedEpoch:
                Finish(guest.State.CapturedEpoch, nowNs);
                break;
            case PhaseAction.NoteRefusal:
                NoteRefusal();
                break;
            case PhaseAction.ReplaceCheckpoint:
                NoteRefusal();
                ReplaceCheckpoint(nowNs);
                break;
            case PhaseAction.AbandonCheckpoint:
                stop.NoteOverrun();
                LoseRequester();
                ReplaceCheckpoint(nowNs);
                break;
            case PhaseAction.LoseSecondary:
                LoseSecondary(nowNs);
                ContinueUnlessAsking();
                break;
            case PhaseAction.LoseRequester:
                LoseRequester();
                break;
            case PhaseAction.BeginFreshEpoch:
                BeginFreshEpoch(ReasonOf(happened));
                break;
            case PhaseAction.BeginMode:
                EndRequest();
                BeginFreshEpoch(ReasonOf(happened));
                break;
            default:
                Debug.Fail($"{happened} cannot come in this phase");
                break;
        }
    }

    private void MakeRequest(in CheckpointReport cause, long nowNs)
    {
        request.Begin(in cause, isOutstanding: Asks);
        if (Asks)
        {
            _ = AskIfDue(nowNs);
        }
        else if (guest.State.Mode == CompareMode.Lockstep)
        {
            requester.Request(in cause, nowNs);
        }
    }

    private void Finish(uint next, long nowNs)
    {
        EndRequest();
        request.HoldOff(nowNs);
        losses.EndAtCheckpoint();
        BeginEpoch(UnverifiedReason.Checkpoint, next, isFresh: fresh.IsNext, isCopy: true);
        // After the epoch: a thread that waits for the end of a checkpoint reads the epoch that it has begun.
        Volatile.Write(ref completed, completed + 1);
    }

    private void EndRequest()
    {
        request.End();
        stop.ForgetOverrun();
    }

    private void NoteRefusal()
    {
        if (losses.IsRequesterLost || (IsAsked && request.IsSpent))
        {
            // A lost requester stays lost, so that no frame waits for the checkpoint that was broken off.
            LoseRequester();
        }
    }

    /// <summary>Requests another checkpoint in place of one that was broken off: whether that one has made the secondary a copy
    /// of the primary is unknown, and frames wait for it.</summary>
    private void ReplaceCheckpoint(long nowNs)
    {
        guest.CountBrokenCheckpoint();
        CheckpointReport broken = New(CheckpointCause.BrokenCheckpoint, nowNs);
        if (IsAsked)
        {
            reports.Add(in broken);
            request.Replace(in broken, nowNs);
            return;
        }

        Report(in broken, nowNs);
        ContinueUnlessAsking();
    }

    /// <summary>Records that no checkpoint can be made: <c>requester_loss</c> decides on diverged flows, all other flows go
    /// on.</summary>
    private void LoseRequester()
    {
        losses.LoseRequester();
        guest.ContinueEpoch();
    }

    /// <summary>Lets no frame wait for a checkpoint where none is requested.</summary>
    private void ContinueUnlessAsking()
    {
        if (!Asks)
        {
            guest.ContinueEpoch();
        }
    }

    /// <summary>Begins an epoch without a checkpoint. No frame has been captured in it yet.</summary>
    private void BeginFreshEpoch(UnverifiedReason reason) =>
        BeginEpoch(reason, guest.State.CapturedEpoch + 1, isFresh: true, isCopy: false);

    private void BeginEpoch(UnverifiedReason reason, uint next, bool isFresh, bool isCopy)
    {
        guest.BeginEpoch(reason, next, isFresh, isCopy);
        if (isFresh)
        {
            fresh.NoteBegun();
        }
    }

    /// <summary>Makes a report of a cause that is no divergence.</summary>
    private CheckpointReport New(CheckpointCause cause, long nowNs) =>
        new() { Cause = cause, AtNs = nowNs, Epoch = guest.State.Epoch };
}
