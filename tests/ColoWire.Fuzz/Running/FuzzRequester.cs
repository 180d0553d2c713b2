// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine.Checkpoint;

namespace ColoWire.Fuzz.Running;

/// <summary>A hypervisor whose events come from the case; it checks that it gets no more requests than allowed (R5).</summary>
internal sealed class FuzzRequester(bool synchronises, long retryNs) : ICheckpointRequester
{
    private readonly Queue<CheckpointEvent> events = new();
    private long askedAtNs = long.MinValue / 2;
    private int allowed;

    public bool Synchronises => synchronises;

    public bool IsReady { get; private set; } = true;

    /// <summary>Whether each request is answered with a finished checkpoint.</summary>
    public bool Answers { get; set; }

    public void Happen(CheckpointEvent happened) => events.Enqueue(happened);

    public void SetReady(bool isReady)
    {
        IsReady = isReady;
        MayBeAsked();
    }

    /// <summary>An event has happened that allows one more request at once.</summary>
    public void MayBeAsked() => allowed++;

    public void Request(in CheckpointReport cause, long nowNs)
    {
        // The requester none receives each divergence as a report, so that the limit does not apply.
        if (synchronises && nowNs - askedAtNs < retryNs && allowed-- <= 0)
        {
            throw new InvariantException("requested too soon", $"again after {nowNs - askedAtNs} ns, checkpoint_retry_ms is {retryNs / 1_000_000}");
        }

        askedAtNs = nowNs;
        if (Answers)
        {
            events.Enqueue(CheckpointEvent.Completed);
        }
    }

    public CheckpointEvent Poll(long nowNs)
    {
        if (!events.TryDequeue(out CheckpointEvent happened))
        {
            return CheckpointEvent.None;
        }

        MayBeAsked();
        return happened;
    }
}
