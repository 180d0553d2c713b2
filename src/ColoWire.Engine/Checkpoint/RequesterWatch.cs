// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>Records whether the requester is reachable, and since when it is not.</summary>
/// <param name="requester">The requester of checkpoints.</param>
/// <param name="patienceNs">For how long it may be unreachable before it counts as lost, in nanoseconds
/// (<c>checkpoint_retry_ms</c>).</param>
/// <param name="failed">The watch of the path in which a duty has failed; null at the start.</param>
internal sealed class RequesterWatch(ICheckpointRequester requester, long patienceNs, RequesterWatch? failed)
{
    private bool wasReady = failed?.wasReady ?? true;
    private long awaySinceNs = failed?.awaySinceNs ?? 0;

    /// <summary>Checks whether the requester is reachable.</summary>
    /// <returns>Whether it was unreachable at the last call, and is reachable now.</returns>
    public bool IsBack(long nowNs)
    {
        bool isReady = requester.IsReady;
        if (isReady == wasReady)
        {
            return false;
        }

        wasReady = isReady;
        awaySinceNs = nowNs;
        return isReady;
    }

    /// <summary>Whether it has been unreachable for too long.</summary>
    public bool IsAwayTooLong(long nowNs) => !wasReady && nowNs - awaySinceNs >= patienceNs;
}
