// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <content>
/// The request: when it goes out, when it goes out again, and when the requester counts as lost. However a requester fails, and between
/// whichever two steps: for each of the tries that <c>checkpoint_retries</c> allows, frames wait <c>checkpoint_retry_ms</c> at most, and
/// <c>checkpoint_max_ms</c> where the checkpoint has begun.
/// </content>
public sealed partial class CheckpointGate
{
    private readonly long retryNs;
    private readonly int retries;
    private readonly long longestStopNs;
    private readonly long intervalNs;
    private CheckpointReport cause;
    private bool outstanding;
    private long requests;

    /// <summary>Requests that went out since the last checkpoint that has finished, whatever they were for.</summary>
    private int tries;

    /// <summary>When a request may go out, or go out again.</summary>
    private long askDueNs = long.MinValue;

    /// <summary>Whether a beginning was heard that had no end in time, and no checkpoint has finished since: from then on no frame waits
    /// between the beginning of a checkpoint and its end.</summary>
    private bool hasOverrun;

    /// <summary>Checkpoints asked for, retries not counted; any thread may read it.</summary>
    public long Requests => Volatile.Read(ref requests);

    private void Merge(in CheckpointReport report, long nowNs)
    {
        Tell(in report);
        if (report.ExceedsShare)
        {
            return;
        }

        // A divergence found before the last flush was mended by the checkpoint that it came with; one that is found while both stand
        // will be.
        if (outstanding || (int)(report.Epoch - flushedEpoch) < 0 || beganAtNs is not null)
        {
            return;
        }

        BeginRequest(in report);
        if (Synchronises)
        {
            AskIfDue(nowNs);
        }
        else if (Mode == CompareMode.Lockstep)
        {
            requester.Request(in cause, nowNs);
        }
    }

    private void Tell(in CheckpointReport report)
    {
        if (!toHost.TryAdd(in report))
        {
            Volatile.Write(ref reportsLost, reportsLost + 1);
        }

        toHost.Publish();
    }

    private void BeginRequest(in CheckpointReport report)
    {
        Volatile.Write(ref requests, requests + 1);
        outstanding = Synchronises;
        cause = report;
    }

    /// <summary>A checkpoint has finished, or none is wanted any more.</summary>
    private void EndRequest()
    {
        outstanding = false;
        tries = 0;
        askDueNs = long.MinValue;
        hasOverrun = false;
    }

    /// <summary>Asks, or asks again. Whoever is not ready is asked as soon as he is.</summary>
    private int AskIfDue(long nowNs)
    {
        if (!outstanding || beganAtNs is not null || nowNs < askDueNs)
        {
            return 0;
        }

        if (tries > retries)
        {
            LoseRequester();
        }

        if (!requester.IsReady)
        {
            return 0;
        }

        tries++;
        askDueNs = nowNs + retryNs;
        requester.Request(in cause, nowNs);
        return 1;
    }

    /// <summary>The request was refused, or the checkpoint that began has broken off.</summary>
    private void NoteFailure(long nowNs)
    {
        bool hadBegun = beganAtNs is not null;
        ForgetBeginning();
        if (requesterLost || (outstanding && tries > retries))
        {
            // A lost requester stays lost, so that no frame waits for the checkpoint that has broken off.
            LoseRequester();
        }

        if (hadBegun)
        {
            ReplaceBroken(nowNs);
        }
    }

    /// <summary>Both replicas have stood for longer than any checkpoint takes: it counts as broken off, and the requester as lost.</summary>
    private void WatchBeginning(long nowNs)
    {
        if (nowNs - beganAtNs >= longestStopNs)
        {
            AbandonBeginning(nowNs);
        }
    }

    private void AbandonBeginning(long nowNs)
    {
        hasOverrun = true;
        ForgetBeginning();
        LoseRequester();
        ReplaceBroken(nowNs);
    }

    /// <summary>Whether the checkpoint has come to its end nobody knows, and frames wait for that: only another one tells. It is asked for
    /// at once after the first that broke off, and like any other request that came to nothing after the next ones: each stops the guest.
    /// </summary>
    private void ReplaceBroken(long nowNs)
    {
        CheckpointReport broken = Event(CheckpointCause.BrokenCheckpoint, nowNs);
        if (!outstanding)
        {
            Merge(in broken, nowNs);
            ContinueUnlessAsked();
            return;
        }

        Tell(in broken);
        if (tries <= 1)
        {
            BeginRequest(in broken);
            askDueNs = nowNs;
        }
    }

    /// <summary>Where nobody is asked for another checkpoint, no frame waits for one.</summary>
    private void ContinueUnlessAsked()
    {
        if (!Synchronises)
        {
            ContinueEpoch();
        }
    }

    /// <summary>No checkpoint can be had: what differs is left to <c>requester_loss</c>, and all else goes on.</summary>
    private void LoseRequester()
    {
        requesterLost = true;
        SetProtection();
        ContinueEpoch();
    }
}
