// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// Decides when a fresh epoch begins, at which flows discard the verified bytes. After frames have bypassed the comparison the
/// next epoch is fresh; without a checkpoint, another fresh one follows once the frames whose twins bypassed have been
/// processed.
/// </summary>
internal sealed class FreshEpoch
{
    private const long Never = long.MaxValue;

    private long dueNs = Never;

    /// <summary>Whether frames have bypassed the comparison since the last fresh epoch. The next epoch is then fresh, even if a
    /// checkpoint begins it.</summary>
    public bool IsNext { get; private set; }

    /// <summary>Records that frames bypassed the comparison.</summary>
    public void NoteUnseen() => IsNext = true;

    /// <summary>Records that a fresh epoch has begun.</summary>
    public void NoteBegun() => IsNext = false;

    /// <summary>Plans another fresh epoch for the time when the frames queued in the ports have been processed.</summary>
    /// <param name="nowNs">The engine's clock.</param>
    /// <param name="unreadNs">For how long the ports queued frames that no thread read, in nanoseconds.</param>
    public void Plan(long nowNs, long unreadNs) =>
        dueNs = nowNs + EngineLimits.FreshEpochSettlesNs + (unreadNs / EngineLimits.LeastCatchUpFactor);

    /// <summary>Whether the planned epoch is due. If so, the plan is removed.</summary>
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
