// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>How long both replicas have been stopped for a checkpoint, and the limit of that time.</summary>
/// <param name="longestNs">The limit (<c>checkpoint_max_ms</c>), in nanoseconds.</param>
/// <param name="hasOverrun">Whether a stop exceeded the limit in the path in which a duty has failed; false at the
/// start.</param>
internal sealed class CheckpointStop(long longestNs, bool hasOverrun)
{
    private long sinceNs;

    /// <summary>Whether a stop exceeded the limit and no checkpoint has finished since. Until then no frame is assigned to the
    /// next epoch during a stop, so that none waits for the end of a checkpoint.</summary>
    public bool HasOverrun { get; private set; } = hasOverrun;

    /// <summary>Records that both replicas were stopped.</summary>
    public void Begin(long nowNs) => sinceNs = nowNs;

    /// <summary>Whether all frames from before the stop have arrived, so that later ones belong to the next epoch.</summary>
    public bool HasSettled(long nowNs) => !HasOverrun && nowNs - sinceNs >= EngineLimits.StopSettlesNs;

    /// <summary>Whether the stop exceeds the limit.</summary>
    public bool IsOverdue(long nowNs) => nowNs - sinceNs >= longestNs;

    /// <summary>Records that the stop exceeded the limit.</summary>
    public void NoteOverrun() => HasOverrun = true;

    /// <summary>Ends the restriction, because a checkpoint has finished or none is requested any more.</summary>
    public void ForgetOverrun() => HasOverrun = false;
}
