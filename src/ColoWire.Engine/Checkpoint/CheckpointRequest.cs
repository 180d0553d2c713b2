// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// The one request that may be outstanding (R5): what it is for, when it goes out, and when it goes out again.
/// </summary>
/// <param name="times">How long it stands.</param>
internal sealed class CheckpointRequest(CheckpointTimes times)
{
    private CheckpointReport cause;
    private long count;

    /// <summary>Requests that went out since the last checkpoint that has finished, whatever they were for.</summary>
    private int tries;

    /// <summary>When it may go out, or go out again.</summary>
    private long dueNs = long.MinValue;

    /// <summary>Whether a checkpoint is asked for and none has finished since. It stays so while both replicas are
    /// stopped.</summary>
    public bool IsOutstanding { get; private set; }

    /// <summary>What it is for.</summary>
    public ref readonly CheckpointReport Cause => ref cause;

    /// <summary>Whether it was made as often as it may be without an answer.</summary>
    public bool IsSpent => tries > times.Retries;

    /// <summary>Checkpoints asked for, retries not counted; any thread may read it.</summary>
    public long Count => Volatile.Read(ref count);

    /// <summary>Goes on where a duty of the path has failed.</summary>
    /// <param name="failed">The request of that path.</param>
    /// <param name="isOutstanding">Whether it is outstanding still.</param>
    public void Follow(CheckpointRequest failed, bool isOutstanding)
    {
        cause = failed.cause;
        count = failed.count;
        tries = failed.tries;
        dueNs = failed.dueNs;
        IsOutstanding = isOutstanding;
    }

    /// <summary>Begins a request; it goes out when it is due.</summary>
    /// <param name="cause">What it is for.</param>
    /// <param name="isOutstanding">Whether an answer is awaited; without a requester that makes checkpoints none is.</param>
    public void Begin(in CheckpointReport cause, bool isOutstanding)
    {
        Volatile.Write(ref count, count + 1);
        this.cause = cause;
        IsOutstanding = isOutstanding;
    }

    /// <summary>The checkpoint that it was for has broken off: only another one tells whether the secondary is a copy of the
    /// primary. That is asked for at once after the first that broke off, and like any other request that came to nothing after
    /// the next ones, because each of them stops the guest.</summary>
    /// <param name="broken">What it is for then.</param>
    /// <param name="nowNs">The engine's clock.</param>
    public void Replace(in CheckpointReport broken, long nowNs)
    {
        if (tries <= 1)
        {
            Begin(in broken, isOutstanding: true);
            dueNs = nowNs;
        }
    }

    /// <summary>An operator orders it: <c>checkpoint_interval_ms</c> is for what guests cause.</summary>
    public void SkipInterval(long nowNs)
    {
        if (tries == 0)
        {
            dueNs = nowNs;
        }
    }

    /// <summary>Whether it may go out now.</summary>
    public bool IsDue(long nowNs) => nowNs >= dueNs;

    /// <summary>It goes out.</summary>
    public void NoteTry(long nowNs)
    {
        tries++;
        dueNs = nowNs + times.RetryNs;
    }

    /// <summary>No checkpoint is wanted any more.</summary>
    public void End()
    {
        IsOutstanding = false;
        tries = 0;
        dueNs = long.MinValue;
    }

    /// <summary>A checkpoint has finished: the next request waits for <c>checkpoint_interval_ms</c>.</summary>
    public void HoldOff(long nowNs) => dueNs = nowNs + times.IntervalNs;
}
