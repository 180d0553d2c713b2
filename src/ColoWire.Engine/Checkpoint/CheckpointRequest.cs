// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// The one request that may be outstanding (R5): its cause, when it is sent, and when it is repeated.
/// </summary>
/// <param name="times">The time limits.</param>
internal sealed class CheckpointRequest(CheckpointTimes times)
{
    private CheckpointReport cause;
    private long count;

    /// <summary>The number of requests sent since the last finished checkpoint, for any cause.</summary>
    private int tries;

    /// <summary>The earliest time at which the request is sent or repeated.</summary>
    private long dueNs = long.MinValue;

    /// <summary>Whether a checkpoint is requested and none has finished since, also while both replicas are stopped.</summary>
    public bool IsOutstanding { get; private set; }

    /// <summary>The cause.</summary>
    public ref readonly CheckpointReport Cause => ref cause;

    /// <summary>Whether all retries were sent without an answer.</summary>
    public bool IsSpent => tries > times.Retries;

    /// <summary>The number of requested checkpoints, without retries; any thread may read it.</summary>
    public long Count => Volatile.Read(ref count);

    /// <summary>Takes over the request of the path in which a duty has failed.</summary>
    /// <param name="failed">That request.</param>
    /// <param name="isOutstanding">Whether it is still outstanding.</param>
    public void Follow(CheckpointRequest failed, bool isOutstanding)
    {
        cause = failed.cause;
        count = failed.count;
        tries = failed.tries;
        dueNs = failed.dueNs;
        IsOutstanding = isOutstanding;
    }

    /// <summary>Begins a request, which is sent when it is due.</summary>
    /// <param name="cause">The cause.</param>
    /// <param name="isOutstanding">Whether an answer will come; false without a requester that makes checkpoints.</param>
    public void Begin(in CheckpointReport cause, bool isOutstanding)
    {
        Volatile.Write(ref count, count + 1);
        this.cause = cause;
        IsOutstanding = isOutstanding;
    }

    /// <summary>Requests another checkpoint after one that was broken off, because whether the secondary is a copy of the
    /// primary is unknown. After the first one the request is sent at once; after later ones it waits like any other retry,
    /// because each checkpoint stops the guest.</summary>
    /// <param name="broken">The new cause.</param>
    /// <param name="nowNs">The engine's clock.</param>
    public void Replace(in CheckpointReport broken, long nowNs)
    {
        if (tries <= 1)
        {
            Begin(in broken, isOutstanding: true);
            dueNs = nowNs;
        }
    }

    /// <summary>Lets the request of an operator go out at once: <c>checkpoint_interval_ms</c> limits what guests
    /// cause.</summary>
    public void SkipInterval(long nowNs)
    {
        if (tries == 0)
        {
            dueNs = nowNs;
        }
    }

    /// <summary>Whether the request may be sent now.</summary>
    public bool IsDue(long nowNs) => nowNs >= dueNs;

    /// <summary>Records that the request was sent.</summary>
    public void NoteTry(long nowNs)
    {
        tries++;
        dueNs = nowNs + times.RetryNs;
    }

    /// <summary>Ends the request.</summary>
    public void End()
    {
        IsOutstanding = false;
        tries = 0;
        dueNs = long.MinValue;
    }

    /// <summary>A checkpoint has finished: the next request waits for <c>checkpoint_interval_ms</c>.</summary>
    public void HoldOff(long nowNs) => dueNs = nowNs + times.IntervalNs;
}
