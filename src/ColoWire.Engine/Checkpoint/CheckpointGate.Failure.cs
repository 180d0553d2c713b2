// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <content>What becomes of it when a duty of its path has failed.</content>
public sealed partial class CheckpointGate
{
    /// <summary>
    /// Goes on where the gate of a path was in which a duty has failed: with its epoch, its counters, and what was ordered and
    /// found of who speaks for the guest. The frames that were under way are lost on both sides, which only a checkpoint mends:
    /// where one is asked for and has not begun, that one, else another one is asked for. Called before any duty runs.
    /// </summary>
    internal void Follow(CheckpointGate failed)
    {
        epoch = failed.epoch;
        capturedEpoch = failed.capturedEpoch;
        requests = failed.requests;
        completed = failed.completed;
        reportsLost = failed.reportsLost;
        toHost = failed.toHost;
        mode = failed.mode;
        orderedMode = Volatile.Read(ref failed.orderedMode);
        hasObserved = failed.hasObserved;
        wasBypassed = failed.wasBypassed;
        hadLink = failed.hadLink;
        wasReady = failed.wasReady;
        unreadySinceNs = failed.unreadySinceNs;
        secondaryLost = failed.secondaryLost;
        requesterLost = failed.requesterLost;
        takeOver = Volatile.Read(ref failed.takeOver);
        outstanding = failed.outstanding && failed.beganAtNs is null;
        cause = failed.cause;
        tries = failed.tries;
        askDueNs = failed.askDueNs;
        hasOverrun = failed.hasOverrun;

        // An ordered flush is done with the path itself, and an ordered checkpoint is the one that the absence asks for.
        SetProtection();
        BeginEpoch(UnverifiedReason.Checkpoint);
        NoteBypass();
    }
}
