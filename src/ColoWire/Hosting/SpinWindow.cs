// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Options;

namespace ColoWire.Hosting;

/// <summary>
/// For how long a thread polls for frames before it sleeps. With <see cref="IdleStrategy.Adaptive"/> the length of the last waits
/// decides, as in KVM's halt polling (Documentation/virt/kvm/halt-polling): a wait that a longer window would have covered
/// doubles the window, a wait longer than the longest window halves it. It belongs to one thread; the time is an argument.
/// </summary>
internal sealed class SpinWindow
{
    /// <summary>The longest window, in nanoseconds. It is longer than the thread of another core takes to wake up and answer, so
    /// that a frame that passes several cores finds their threads awake.</summary>
    public const long LongestNs = 300_000;

    /// <summary>The shortest window that is not 0, in nanoseconds: about as long as the kernel takes to wake a thread.</summary>
    public const long ShortestNs = 20_000;

    private const long NotWaiting = long.MinValue;

    private readonly bool adapts;
    private long waitingSinceNs = NotWaiting;

    /// <summary>Makes the window of a strategy. The adaptive one begins with 0, because no wait is known yet.</summary>
    public SpinWindow(IdleStrategy strategy)
    {
        adapts = strategy == IdleStrategy.Adaptive;
        LengthNs = strategy switch
        {
            IdleStrategy.Spin => long.MaxValue,
            IdleStrategy.SpinThenPoll => LongestNs,
            _ => 0,
        };
    }

    /// <summary>The length of the window, in nanoseconds; 0 when the thread sleeps at once.</summary>
    public long LengthNs { get; private set; }

    /// <summary>Notes a round without work.</summary>
    /// <param name="nowNs">When the round began.</param>
    /// <returns>Whether the thread polls again at once; false when it sleeps.</returns>
    public bool CoversIdleRound(long nowNs)
    {
        if (waitingSinceNs == NotWaiting)
        {
            waitingSinceNs = nowNs;
        }

        return nowNs - waitingSinceNs < LengthNs;
    }

    /// <summary>Notes a round with work, which ends a wait.</summary>
    /// <param name="nowNs">When the round began.</param>
    public void NoteWork(long nowNs)
    {
        if (waitingSinceNs != NotWaiting)
        {
            if (adapts)
            {
                Adapt(nowNs - waitingSinceNs);
            }

            waitingSinceNs = NotWaiting;
        }
    }

    private void Adapt(long waitedNs)
    {
        if (waitedNs > LongestNs)
        {
            LengthNs = LengthNs <= ShortestNs ? 0 : LengthNs / 2;
        }
        else if (waitedNs >= LengthNs)
        {
            LengthNs = Math.Clamp(2 * LengthNs, ShortestNs, LongestNs);
        }
    }
}
