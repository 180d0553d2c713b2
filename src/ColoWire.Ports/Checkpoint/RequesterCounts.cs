// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports.Checkpoint;

/// <summary>What a requester has done since its start.</summary>
public readonly record struct RequesterCounts
{
    /// <summary>Requests that were sent, those that were made again too.</summary>
    public long Requests { get; init; }

    /// <summary>Checkpoints that have finished, asked for or not.</summary>
    public long Completed { get; init; }

    /// <summary>Requests that were refused, and checkpoints that began and did not finish.</summary>
    public long Failed { get; init; }

    /// <summary>Messages that mean nothing here: garbage, and words that are not known.</summary>
    public long Ignored { get; init; }

    /// <summary>From the last request to the end of its checkpoint, in nanoseconds; 0 before the first one.</summary>
    public long LastNs { get; init; }

    /// <summary>The longest such time.</summary>
    public long LongestNs { get; init; }

    /// <summary>How long both replicas were stopped for the last checkpoint, in nanoseconds; 0 where nobody says.</summary>
    public long LastStopNs { get; init; }

    /// <summary>The longest such time.</summary>
    public long LongestStopNs { get; init; }
}
