// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using ColoWire.Engine.Frames;

namespace ColoWire.Wire.Tests.Differential;

/// <summary>A frame to or from a host, which is another one for each case: no two share a connection.</summary>
internal delegate byte[] FrameOf(byte host);

/// <summary>A frame of one side, or a pause that outlasts the timeouts.</summary>
/// <param name="Sender">Who sends.</param>
/// <param name="Frame">What it sends; null for a pause.</param>
internal sealed record Step(Side Sender, FrameOf? Frame);

/// <summary>What a comparer makes of a case.</summary>
/// <param name="Left">Frames that leave, in order.</param>
/// <param name="Requests">Checkpoints that are asked for.</param>
internal sealed record Outcome(FrameOf[] Left, int Requests);

/// <summary>Frames for both comparers, and what becomes of them.</summary>
/// <param name="Name">Its words, with the number of its scenario where it has one.</param>
/// <param name="Steps">What both guests send, in this order.</param>
/// <param name="Right">What is right, and what ColoWire does.</param>
internal sealed record DifferentialCase(string Name, Step[] Steps, Outcome Right)
{
    /// <summary>How long after the last frame a checkpoint may be asked for: a datagram's grace, and the way through threads and
    /// sockets.</summary>
    private const int RequestPatienceMs = 100;

    /// <summary>The same where one is expected and the machine does something else.</summary>
    private const int BusyPatienceMs = 5000;

    /// <summary>How long after a checkpoint what its flushed frames were is no news, and what belongs to the time before is
    /// forgiven.</summary>
    private const int CheckpointPatienceMs = 40;

    /// <summary>What QEMU does where it does worse; null where it is right.</summary>
    public Outcome? Qemus { get; init; }

    public override string ToString() => Name;

    /// <summary>Plays it, and makes the checkpoint that may have been asked for.</summary>
    /// <param name="comparer">Who gets the frames.</param>
    /// <param name="host">The host of this case.</param>
    /// <param name="awaited">Requests that are waited for, on a busy machine longer than usual.</param>
    /// <returns>What the comparer made of it.</returns>
    public (IReadOnlyList<string> Left, int Requests) Play(RunningComparer comparer, byte host, int awaited)
    {
        comparer.Forget();
        foreach (Step step in Steps)
        {
            if (step.Frame is null)
            {
                Thread.Sleep(RunningComparer.TimeoutMs + (2 * RunningComparer.ScanMs));
            }
            else if (step.Sender == Side.Primary)
            {
                comparer.SendPrimary(step.Frame(host));
            }
            else
            {
                comparer.SendSecondary(step.Frame(host));
            }
        }

        _ = SpinWait.SpinUntil(() => comparer.Requests >= awaited, BusyPatienceMs);
        Thread.Sleep(RequestPatienceMs);
        (IReadOnlyList<string>, int) made = (comparer.Left, comparer.Requests);
        comparer.Checkpoint();
        Thread.Sleep(CheckpointPatienceMs);
        return made;
    }

    public static IReadOnlyList<string> Frames(Outcome outcome, byte host) =>
        [.. outcome.Left.Select(frame => Convert.ToHexString(frame(host)))];
}
