// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>The time limits of checkpoints.</summary>
/// <param name="RetryNs">The time after which a request is repeated, in nanoseconds (<c>checkpoint_retry_ms</c>).</param>
/// <param name="Retries">How often a request is repeated before the requester counts as lost
/// (<c>checkpoint_retries</c>).</param>
/// <param name="IntervalNs">Least time from the end of a checkpoint to the next request, in nanoseconds
/// (<c>checkpoint_interval_ms</c>).</param>
/// <param name="LongestStopNs">How long both replicas may be stopped before the checkpoint counts as broken off, in nanoseconds
/// (<c>checkpoint_max_ms</c>).</param>
internal readonly record struct CheckpointTimes(long RetryNs, int Retries, long IntervalNs, long LongestStopNs)
{
    private const long NanosecondsPerMs = 1_000_000;

    /// <summary>Reads the limits from the options.</summary>
    public static CheckpointTimes Of(EngineOptions options) => new(
        options.CheckpointRetryMs * NanosecondsPerMs,
        options.CheckpointRetries,
        options.CheckpointIntervalMs * NanosecondsPerMs,
        options.CheckpointMaxMs * NanosecondsPerMs);
}
