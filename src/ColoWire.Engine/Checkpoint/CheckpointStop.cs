// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>Since when both replicas are stopped for a checkpoint, and for how long they may be.</summary>
/// <param name="longestNs">How long they may be, in nanoseconds.</param>
/// <param name="hasOverrun">Whether they were for longer on the path in which a duty has failed; false at the start.</param>
internal sealed class CheckpointStop(long longestNs, bool hasOverrun)
{
    private long sinceNs;

    /// <summary>Whether a stop lasted too long, and no checkpoint has finished since. From then on frames of a stop never belong
    /// to the next epoch, so that none waits for the end of a checkpoint.</summary>
    public bool HasOverrun { get; private set; } = hasOverrun;

    /// <summary>Both are stopped.</summary>
    public void Begin(long nowNs) => sinceNs = nowNs;

    /// <summary>Whether what they sent before has come in, so that the rest belongs to the next epoch.</summary>
    public bool HasSettled(long nowNs) => !HasOverrun && nowNs - sinceNs >= EngineLimits.StopSettlesNs;

    /// <summary>Whether they are stopped for longer than any checkpoint takes.</summary>
    public bool IsOverdue(long nowNs) => nowNs - sinceNs >= longestNs;

    /// <summary>A stop has lasted too long.</summary>
    public void NoteOverrun() => HasOverrun = true;

    /// <summary>A checkpoint has finished, or none is wanted any more.</summary>
    public void ForgetOverrun() => HasOverrun = false;
}
