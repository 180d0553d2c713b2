// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>Whether the requester can be reached, and since when it cannot.</summary>
/// <param name="requester">Who is asked for checkpoints.</param>
/// <param name="patienceNs">For how long it may be away before it makes no checkpoints, in nanoseconds: as long as a request
/// stands.</param>
/// <param name="failed">The watch of the path in which a duty has failed; null at the start.</param>
internal sealed class RequesterWatch(ICheckpointRequester requester, long patienceNs, RequesterWatch? failed)
{
    private bool wasReady = failed?.wasReady ?? true;
    private long awaySinceNs = failed?.awaySinceNs ?? 0;

    /// <summary>Looks whether it can be reached.</summary>
    /// <returns>Whether it could not be reached when this was called last, and can be now.</returns>
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

    /// <summary>Whether it is away for longer than a request stands.</summary>
    public bool IsAwayTooLong(long nowNs) => !wasReady && nowNs - awaySinceNs >= patienceNs;
}
