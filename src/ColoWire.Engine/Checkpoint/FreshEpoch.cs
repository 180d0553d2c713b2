// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// When an epoch begins at which flows forget what was said before. Frames that were not compared need one: the next epoch is
/// fresh, and where no checkpoint begins it, another fresh one follows when the frames have come in whose twins were not seen.
/// </summary>
internal sealed class FreshEpoch
{
    private const long Never = long.MaxValue;

    private long dueNs = Never;

    /// <summary>Whether frames were not compared since the last fresh epoch, so that the next one is fresh even if a checkpoint
    /// begins it.</summary>
    public bool IsNext { get; private set; }

    /// <summary>Frames were not compared.</summary>
    public void NoteUnseen() => IsNext = true;

    /// <summary>A fresh epoch has begun.</summary>
    public void NoteBegun() => IsNext = false;

    /// <summary>Plans another one for when the frames have come in that waited unread in the ports.</summary>
    /// <param name="nowNs">The engine's clock.</param>
    /// <param name="unreadNs">For how long the ports took in frames that no thread read, in nanoseconds.</param>
    public void Plan(long nowNs, long unreadNs) =>
        dueNs = nowNs + EngineLimits.FreshEpochSettlesNs + (unreadNs / EngineLimits.LeastCatchUpFactor);

    /// <summary>Whether a planned one is due; it is planned no longer then.</summary>
    public bool TryTakeDue(long nowNs)
    {
        if (nowNs < dueNs)
        {
            return false;
        }

        dueNs = Never;
        return true;
    }
}
