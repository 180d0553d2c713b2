// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;

namespace ColoWire.Engine;

/// <summary>When a frame of the primary leaves.</summary>
public enum CompareMode : byte
{
    /// <summary>When the secondary has produced the same output.</summary>
    Lockstep,

    /// <summary>At once; differences are only reported. The mode in which an operator tries ColoWire first.</summary>
    Observe,
}

/// <summary>What an operator may choose of the engine. The host validates against <see cref="EngineLimits"/>; the engine trusts.</summary>
public sealed record EngineOptions
{
    /// <summary>When a frame of the primary leaves.</summary>
    public CompareMode Mode { get; init; } = CompareMode.Lockstep;

    /// <summary>How long a frame waits for its partner before its flow counts as diverged, in milliseconds.</summary>
    public int CompareTimeoutMs { get; init; } = EngineLimits.CompareTimeoutMs.Default;

    /// <summary>How often flows are searched for frames that waited too long, in milliseconds.</summary>
    public int ExpiredScanCycleMs { get; init; } = EngineLimits.ExpiredScanCycleMs.Default;

    /// <summary>How long an unanswered checkpoint request stands before it is made again, in milliseconds.</summary>
    public int CheckpointRetryMs { get; init; } = EngineLimits.CheckpointRetryMs.Default;

    /// <summary>Frames that one flow may hold, for each side.</summary>
    public int MaxQueueSize { get; init; } = EngineLimits.MaxQueueSize.Default;

    /// <summary>Sets of flows that are compared independently.</summary>
    public int Shards { get; init; } = EngineLimits.Shards.Default;

    /// <summary>Flows that are known at a time, all shards together.</summary>
    public int Flows { get; init; } = EngineLimits.Flows.Default;

    /// <summary>Slots of 2 KiB for each side.</summary>
    public int SlotsPerSide { get; init; } = EngineLimits.SlotsPerSide.Default;

    /// <summary>Slots of 64 KiB for each side.</summary>
    public int LargeSlotsPerSide { get; init; } = EngineLimits.LargeSlotsPerSide.Default;

    /// <summary>
    /// The key of the flow hash. The host draws it at random, so that nobody outside can make flows collide; a replay fixes it, so
    /// that it repeats.
    /// </summary>
    public FlowHashKey HashKey { get; init; } = FlowHashKey.FromSeed(0);
}
