// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Shards;

/// <summary>
/// The flushes of a shard, by number: at each one every flow releases what it holds and is compared afresh. There may be millions of
/// flows, so a flow follows when it is next looked at, and reads here what has happened since the last flush that it followed.
/// </summary>
internal sealed class FlushLog
{
    private readonly UnverifiedReason?[] reasons = new UnverifiedReason?[EngineLimits.RememberedFlushes];
    private uint lastForgetting;
    private uint lastBeforeTakeOver;

    /// <summary>The number of the last flush; never <see cref="Flow.PredictsNothing"/>.</summary>
    public uint Last { get; private set; } = 1;

    /// <summary>Begins a flush.</summary>
    /// <param name="reason">Why frames leave unverified; null where they wait for the checkpoint that has been requested.</param>
    /// <param name="forgets">Whether TCP flows forget which bytes were verified, because frames have passed uncompared.</param>
    public void Add(UnverifiedReason? reason, bool forgets)
    {
        Last = Last + 1 is Flow.PredictsNothing ? 1 : Last + 1;
        reasons[Last % EngineLimits.RememberedFlushes] = reason;
        lastForgetting = forgets ? Last : lastForgetting;
    }

    /// <summary>Notes that the secondary speaks alone from now on: flushes until now come before that.</summary>
    public void NoteTakeOver() => lastBeforeTakeOver = Last;

    /// <summary>Whether a flow has yet to follow a flush of before the secondary spoke alone.</summary>
    /// <param name="followed">The number of the last flush that the flow followed.</param>
    public bool IsBeforeTakeOver(uint followed) => (int)(lastBeforeTakeOver - followed) > 0;

    /// <summary>Whether one of the flushes that a flow has yet to follow makes it forget which bytes were verified.</summary>
    /// <param name="followed">The number of the last flush that the flow followed.</param>
    public bool ForgetsSince(uint followed) => (int)(lastForgetting - followed) > 0;

    /// <summary>The reason of the first flush that a flow has yet to follow and that releases frames.</summary>
    /// <param name="followed">The number of the last flush that the flow followed.</param>
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
