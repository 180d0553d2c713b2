// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;

namespace ColoWire.Rig.Qemu;

/// <summary>Says how much of both captures QEMU may have been given by now.</summary>
internal abstract class Pace
{
    /// <summary>How many of the primary's frames.</summary>
    public int PrimaryDue { get; protected set; }

    /// <summary>How many of the secondary's frames.</summary>
    public int SecondaryDue { get; protected set; }

    /// <summary>Pairs at which it stops for now.</summary>
    public int Goal { get; set; } = int.MaxValue;

    /// <summary>Looks again.</summary>
    /// <param name="framesOut">What QEMU has sent so far.</param>
    public abstract void Advance(int framesOut);
}

/// <summary>As fast as QEMU can: both sides in step, in batches, a bounded number of pairs ahead of what has come out.</summary>
/// <param name="pairs">All pairs.</param>
/// <param name="window">Pairs in flight at most.</param>
/// <param name="batch">Pairs that are given at a time.</param>
internal sealed class WindowPace(int pairs, int window, int batch) : Pace
{
    /// <inheritdoc/>
    public override void Advance(int framesOut)
    {
        int next = Math.Min(PrimaryDue + batch, Math.Min(pairs, Goal));
        if (next - framesOut <= window)
        {
            PrimaryDue = next;
            SecondaryDue = next;
        }
    }
}

/// <summary>As the captures' own timestamps say.</summary>
/// <param name="primary">The primary's capture.</param>
/// <param name="secondary">The secondary's capture.</param>
internal sealed class TimedPace(FramedCapture primary, FramedCapture secondary) : Pace
{
    private readonly long firstNs = Math.Min(primary.ArrivalNs(0), secondary.ArrivalNs(0));
    private readonly Stopwatch clock = new();

    /// <inheritdoc/>
    public override void Advance(int framesOut)
    {
        clock.Start();
        long nowNs = firstNs + (long)clock.Elapsed.TotalNanoseconds;
        PrimaryDue = Due(primary, PrimaryDue, nowNs);
        SecondaryDue = Due(secondary, SecondaryDue, nowNs);
    }

    private static int Due(FramedCapture capture, int due, long nowNs)
    {
        while (due < capture.Frames && capture.ArrivalNs(due) <= nowNs)
        {
            due++;
        }

        return due;
    }
}
