// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <content>Who speaks for the guest: the secondary may be lost, the requester, or ColoWire itself may have been away.</content>
public sealed partial class CheckpointGate
{
    private const long NotAbsent = -1;

    private readonly bool bypassesRequesterLoss;
    private bool wasBypassed;
    private bool hadLink = true;
    private bool wasReady = true;
    private long? unreadySinceNs;
    private bool secondaryLost;
    private bool requesterLost;
    private int protection;
    private int takeOver;
    private long absentNs = NotAbsent;
    private long? settlesAtNs;
    private bool hasUnseen;
    private int absences;

    /// <summary>Whether the guest is protected; any thread may read it.</summary>
    public Protection Protection => (Protection)Volatile.Read(ref protection);

    /// <summary>Whether a checkpoint will mend what diverges, so that its frames wait for one. Any thread may read it.</summary>
    internal bool Mends => Synchronises && (Protection != Protection.DegradedNoCheckpoints || !bypassesRequesterLoss);

    /// <summary>Whether checkpoints are asked for at all: whoever only observes must not stop the guests.</summary>
    private bool Synchronises => requester.Synchronises && Mode == CompareMode.Lockstep;

    /// <summary>The number of absences (<see cref="NoteBypass"/>) that a checkpoint ends. At each one the shards forget what was
    /// said before. Any thread may read it.</summary>
    internal int Bypasses => Volatile.Read(ref absences);

    /// <summary>Frames of the primary have gone past the comparison, because nobody took them (fail-to-wire): the two may have parted
    /// since, and only a checkpoint puts them in step again. Any thread may call it.</summary>
    /// <param name="unreadNs">For how long the ports took in frames that no thread read, in nanoseconds; 0 when they took in
    /// none.</param>
    public void NoteBypass(long unreadNs = 0) => Volatile.Write(ref absentNs, unreadNs);

    /// <summary>One of the two goes on alone from now on: the other is gone, or is to be. Any thread may call it.</summary>
    internal void TakeOver(Protection alone) => Volatile.Write(ref takeOver, (int)alone);

    private void SetProtection()
    {
        int told = Volatile.Read(ref takeOver);
        Protection now = told != 0 ? (Protection)told
            : wasBypassed ? Protection.Bypassed
            : secondaryLost ? Protection.DegradedNoSecondary
            : requesterLost ? Protection.DegradedNoCheckpoints
            : Protection.InStep;
        Volatile.Write(ref protection, (int)now);
    }

    private int FollowPrimary()
    {
        bool isBypassed = primary.IsBypassed;
        if (isBypassed == wasBypassed)
        {
            return 0;
        }

        wasBypassed = isBypassed;
        SetProtection();
        if (!isBypassed)
        {
            // What left meanwhile nobody has compared.
            NoteBypass();
        }

        return 1;
    }

    private int FollowSecondary(long nowNs)
    {
        int told = Volatile.Read(ref takeOver);
        if (told != 0)
        {
            bool isNews = told != protection;
            SetProtection();
            return isNews ? 1 : 0;
        }

        bool hasLink = secondary.HasLink;
        if (hasLink == hadLink)
        {
            return 0;
        }

        hadLink = hasLink;
        if (!hasLink || Synchronises)
        {
            // What the secondary said meanwhile nobody heard: only a checkpoint puts the two in step again.
            LoseSecondary(nowNs);
        }
        else
        {
            secondaryLost = false;
            SetProtection();
            BeginEpoch(UnverifiedReason.SecondaryLost);
        }

        return 1;
    }

    private void LoseSecondary(long nowNs)
    {
        if (secondaryLost && (outstanding || !Synchronises))
        {
            // By its link or by the hypervisor's word: it has been reported, and what would mend it is asked for, or nobody may be.
            return;
        }

        secondaryLost = true;
        SetProtection();
        Merge(Event(CheckpointCause.SecondaryLink, nowNs), nowNs);
    }

    /// <summary>A requester that cannot be reached for as long as a request may stand makes no checkpoints. Once it can be reached again,
    /// what has diverged meanwhile is asked for; if nothing has, the two are in step as before.</summary>
    private int FollowRequester(long nowNs)
    {
        bool isReady = requester.IsReady;
        if (isReady && wasReady)
        {
            return 0;
        }

        unreadySinceNs = isReady ? null : unreadySinceNs ?? nowNs;
        bool isBack = isReady && !wasReady;
        wasReady = isReady;
        if (isBack && !outstanding)
        {
            requesterLost = false;
            SetProtection();
        }
        else if (!requesterLost && nowNs - unreadySinceNs >= retryNs)
        {
            if (beganAtNs is not null)
            {
                AbandonBeginning(nowNs);
            }
            else
            {
                LoseRequester();
            }
        }

        return isBack ? 1 : 0;
    }

    private int EndBypass(long nowNs)
    {
        long unreadNs = Volatile.Read(ref absentNs);
        if (unreadNs != NotAbsent)
        {
            Volatile.Write(ref absentNs, NotAbsent);
            hasUnseen = true;
            Merge(Event(CheckpointCause.Absence, nowNs), nowNs);
            if (Synchronises)
            {
                Volatile.Write(ref absences, absences + 1);
            }
            else
            {
                // No checkpoint ends this. An epoch begins now, so that nothing held is judged by a clock that went on meanwhile, and
                // another one when the frames are through whose twins went past.
                BeginEpoch(UnverifiedReason.Unseen);
                settlesAtNs = nowNs + EngineLimits.FreshEpochSettlesNs + (unreadNs / EngineLimits.LeastCatchUpFactor);
            }

            return 1;
        }

        if (settlesAtNs is not { } settlesNs || nowNs < settlesNs)
        {
            return 0;
        }

        settlesAtNs = null;
        BeginEpoch(UnverifiedReason.Unseen);
        return 1;
    }
}
