// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports.Checkpoint;

/// <summary>What a requester has counted since its start.</summary>
public readonly record struct RequesterCounts
{
    /// <summary>Requests that were sent, repeated ones included.</summary>
    public long Requests { get; init; }

    /// <summary>Checkpoints that have finished, requested or not.</summary>
    public long Completed { get; init; }

    /// <summary>Requests that were refused, and checkpoints that began and did not finish.</summary>
    public long Failed { get; init; }

    /// <summary>Messages without a meaning here: invalid ones, and unknown ones.</summary>
    public long Ignored { get; init; }

    /// <summary>The time from the last request to the end of its checkpoint, in nanoseconds; 0 before the first one.</summary>
    public long LastNs { get; init; }

    /// <summary>The longest such time, in nanoseconds.</summary>
    public long LongestNs { get; init; }

    /// <summary>How long both replicas were stopped for the last checkpoint, in nanoseconds; 0 where the requester does not learn
    /// it.</summary>
    public long LastStopNs { get; init; }

    /// <summary>The longest such time, in nanoseconds.</summary>
    public long LongestStopNs { get; init; }
}
