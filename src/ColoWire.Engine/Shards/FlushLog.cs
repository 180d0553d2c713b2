// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Shards;

/// <summary>
/// The numbered flushes of a shard. A flush makes every flow release its held frames and restart its comparison. There may be
/// millions of flows, so each flow applies the flushes when it is next visited, and reads here which flushes it has not applied.
/// </summary>
internal sealed class FlushLog
{
    private readonly UnverifiedReason?[] reasons = new UnverifiedReason?[EngineLimits.RememberedFlushes];
    private uint lastForgetting;
    private uint lastCopy;
    private uint lastLoss;
    private uint lastDoubt;
    private uint lastBeforeTakeOver;

    /// <summary>The number of the last flush; never equal to <see cref="Flow.PredictsNothing"/>.</summary>
    public uint Last { get; private set; } = 1;

    /// <summary>Adds a flush.</summary>
    /// <param name="reason">Why frames are released unverified; null where they wait for the checkpoint that was
    /// requested.</param>
    /// <param name="forgets">Whether TCP flows discard the record of verified bytes, because frames have bypassed the
    /// comparison.</param>
    /// <param name="numbers">What becomes of the translations of TCP flows.</param>
    public void Add(UnverifiedReason? reason, bool forgets, FlushedNumbers numbers)
    {
        Last = Last + 1 is Flow.PredictsNothing ? 1 : Last + 1;
        reasons[Last % EngineLimits.RememberedFlushes] = reason;
        lastForgetting = forgets ? Last : lastForgetting;
        lastCopy = numbers == FlushedNumbers.Equal ? Last : lastCopy;
        lastLoss = numbers == FlushedNumbers.Unknown ? Last : lastLoss;
        lastDoubt = numbers == FlushedNumbers.Doubtful ? Last : lastDoubt;
    }

    /// <summary>What becomes of the translation of a flow by the flushes that the flow has yet to apply.</summary>
    /// <param name="followed">The number of the last flush that the flow has applied.</param>
    public FlushedNumbers NumbersSince(uint followed)
    {
        bool copies = (int)(lastCopy - followed) > 0;
        bool loses = (int)(lastLoss - followed) > 0;
        bool isLossLater = (int)(lastLoss - lastCopy) > 0;
        bool isDoubtLater = (int)(lastDoubt - followed) > 0 && (!copies || (int)(lastDoubt - lastCopy) > 0);
        return loses && (!copies || isLossLater) ? FlushedNumbers.Unknown
            : copies ? FlushedNumbers.Equal
            : isDoubtLater ? FlushedNumbers.Doubtful
            : FlushedNumbers.Kept;
    }

    /// <summary>Records that the secondary has taken over: all flushes so far precede the take-over.</summary>
    public void NoteTakeOver() => lastBeforeTakeOver = Last;

    /// <summary>Whether a flow has yet to apply a flush that precedes the take-over.</summary>
    /// <param name="followed">The number of the last flush that the flow has applied.</param>
    public bool IsBeforeTakeOver(uint followed) => (int)(lastBeforeTakeOver - followed) > 0;

    /// <summary>Whether a flush that the flow has yet to apply discards the record of verified bytes.</summary>
    /// <param name="followed">The number of the last flush that the flow has applied.</param>
    public bool ForgetsSince(uint followed) => (int)(lastForgetting - followed) > 0;

    /// <summary>The reason of the first flush that the flow has yet to apply and that releases frames.</summary>
    /// <param name="followed">The number of the last flush that the flow has applied.</param>
    /// <returns>The reason, or null when none of them releases frames.</returns>
    public UnverifiedReason? ReasonSince(uint followed)
    {
        uint count = Math.Min(Last - followed, EngineLimits.RememberedFlushes);
        for (uint at = Last - count + 1; at != Last; at++)
        {
            if (reasons[at % EngineLimits.RememberedFlushes] is { } reason)
            {
                return reason;
            }
        }

        return reasons[Last % EngineLimits.RememberedFlushes];
    }
}

/// <summary>What a flush does to the translations of TCP flows (R12, R17).</summary>
internal enum FlushedNumbers : byte
{
    /// <summary>The translations stay.</summary>
    Kept,

    /// <summary>A checkpoint has made the secondary a copy of the primary: both use the same numbers.</summary>
    Equal,

    /// <summary>Frames have bypassed ColoWire, so that a flow may be another connection.</summary>
    Unknown,

    /// <summary>A checkpoint was broken off after both replicas had been stopped: the secondary uses its old numbers, or already
    /// the primary's.</summary>
    Doubtful,
}
