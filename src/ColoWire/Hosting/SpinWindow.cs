// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Options;

namespace ColoWire.Hosting;

/// <summary>
/// For how long a thread looks on for frames before it sleeps. With <see cref="IdleStrategy.Adaptive"/> the length of the last waits
/// decides, as halt polling does in KVM (Documentation/virt/kvm/halt-polling): a wait that a longer look would have covered doubles
/// the window, one that no allowed look covers halves it. Belongs to one thread; the time is an argument.
/// </summary>
internal sealed class SpinWindow
{
    /// <summary>The longest look, in nanoseconds: more than another core's thread takes to wake up and answer, so that a frame on its way
    /// through several cores finds their threads awake.</summary>
    public const long LongestNs = 300_000;

    /// <summary>The shortest look that is worth its cost, in nanoseconds: about what a wake-up by the kernel takes.</summary>
    public const long ShortestNs = 20_000;

    private const long NotWaiting = long.MinValue;

    private readonly bool adapts;
    private long waitingSinceNs = NotWaiting;

    /// <summary>Makes the window of a strategy. The adaptive one begins without a look: nothing says yet that one pays.</summary>
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

    /// <summary>How long the next look is, in nanoseconds; 0 when the thread sleeps at once.</summary>
    public long LengthNs { get; private set; }

    /// <summary>A round has found nothing to do.</summary>
    /// <param name="nowNs">When the round began.</param>
    /// <returns>Whether the thread looks again at once; false when it sleeps.</returns>
    public bool CoversIdleRound(long nowNs)
    {
        if (waitingSinceNs == NotWaiting)
        {
            waitingSinceNs = nowNs;
        }

        return nowNs - waitingSinceNs < LengthNs;
    }

    /// <summary>A round has found something to do, which ends a wait where there was one.</summary>
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
