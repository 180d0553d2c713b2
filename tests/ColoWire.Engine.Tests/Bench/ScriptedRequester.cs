// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine.Checkpoint;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>A requester whose checkpoint events come from the test.</summary>
public sealed class ScriptedRequester : ICheckpointRequester
{
    private readonly Queue<CheckpointEvent> events = new();

    public bool Synchronises => true;

    public bool IsReady { get; set; } = true;

    /// <summary>Whether the next poll throws.</summary>
    public bool BreaksNext { get; set; }

    /// <summary>Every request, retries included.</summary>
    public int Asked { get; private set; }

    /// <summary>What the last request was for.</summary>
    public CheckpointCause LastCause { get; private set; }

    public void Happen(CheckpointEvent happened) => events.Enqueue(happened);

    public void Request(in CheckpointReport cause, long nowNs)
    {
        Asked++;
        LastCause = cause.Cause;
    }

    public CheckpointEvent Poll(long nowNs)
    {
        if (BreaksNext)
        {
            BreaksNext = false;
            throw new System.InvalidOperationException("the requester is broken");
        }

        return events.TryDequeue(out CheckpointEvent happened) ? happened : CheckpointEvent.None;
    }
}
