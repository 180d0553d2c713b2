// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Engine;

/// <summary>When a frame of the primary leaves.</summary>
public enum CompareMode : byte
{
    /// <summary>When the secondary has produced the same output.</summary>
    Lockstep,

    /// <summary>At once; differences are only reported. The mode in which an operator tries ColoWire first.</summary>
    Observe,
}

/// <summary>What happens when a flow holds as many frames of the primary as it may, or slots or flows run out.</summary>
public enum OverflowPolicy : byte
{
    /// <summary>They leave in order, unverified, and a checkpoint is asked for.</summary>
    Flush,

    /// <summary>Nothing more is read from the primary until the secondary has caught up or a checkpoint has made room; what the
    /// capture's buffer cannot take meanwhile is lost there, and counted.</summary>
    Hold,
}

/// <summary>What is done with a RST of the primary (<c>rst</c>).</summary>
public enum ResetPolicy : byte
{
    /// <summary>It leaves when the secondary has sent one too.</summary>
    Compare,

    /// <summary>It leaves at once: it ends a connection and bears no data.</summary>
    Pass,
}

/// <summary>What is done with a datagram that the primary repeats and the secondary does not (<c>dup</c>).</summary>
public enum DuplicatePolicy : byte
{
    /// <summary>It waits for a twin of its own.</summary>
    Hold,

    /// <summary>It leaves at once when it equals one of the datagrams of its flow that were verified last
    /// (<see cref="EngineOptions.RetransmitWindow"/>, at least one).</summary>
    Pass,
}

/// <summary>What is done with the primary's frames while the secondary's port has no link.</summary>
public enum SecondaryLossPolicy : byte
{
    /// <summary>They leave unverified: the guest goes on without protection.</summary>
    Bypass,

    /// <summary>They wait until it is back and a checkpoint has finished.</summary>
    Hold,
}

/// <summary>What is done with what differs while no checkpoint can be had (<c>requester_loss</c>).</summary>
public enum RequesterLossPolicy : byte
{
    /// <summary>A flow that differs leaves unverified, as without a requester; all else is compared and held as before.</summary>
    Bypass,

    /// <summary>It waits until a checkpoint has finished.</summary>
    Hold,
}

/// <summary>What is done with a TCP or UDP checksum that the guest has left to its NIC (<c>partial_checksums</c>).</summary>
public enum PartialChecksumPolicy : byte
{
    /// <summary>It is completed where the frame comes in, as the NIC would have done.</summary>
    Complete,

    /// <summary>Nobody looks for one: frames leave as they came.</summary>
    Pass,
}

/// <summary>What an operator may choose of the engine. The host validates against <see cref="EngineLimits"/>; the engine trusts.</summary>
public sealed record EngineOptions
{
    /// <summary>When a frame of the primary leaves, at the start.</summary>
    public CompareMode Mode { get; init; } = CompareMode.Lockstep;

    /// <summary>How long a frame waits for its partner before its flow counts as diverged, in milliseconds.</summary>
    public int CompareTimeoutMs { get; init; } = EngineLimits.CompareTimeoutMs.Default;

    /// <summary>How often flows are searched for frames that waited too long, in milliseconds.</summary>
    public int ExpiredScanCycleMs { get; init; } = EngineLimits.ExpiredScanCycleMs.Default;

    /// <summary>How long an unanswered checkpoint request stands before it is made again, in milliseconds.</summary>
    public int CheckpointRetryMs { get; init; } = EngineLimits.CheckpointRetryMs.Default;

    /// <summary>How often a request is made again before nobody is believed to answer it.</summary>
    public int CheckpointRetries { get; init; } = EngineLimits.CheckpointRetries.Default;

    /// <summary>How long both replicas may stand for a checkpoint before it counts as broken off, in milliseconds.</summary>
    public int CheckpointMaxMs { get; init; } = EngineLimits.CheckpointMaxMs.Default;

    /// <summary>Least time from the end of a checkpoint to the next request that no operator has ordered, in milliseconds.</summary>
    public int CheckpointIntervalMs { get; init; } = EngineLimits.CheckpointIntervalMs.Default;

    /// <summary>Flows that one shard knows at most.</summary>
    internal int FlowsPerShard => Math.Max(1, Flows / Shards);

    /// <summary>Checkpoints that one flow may cause within <see cref="EngineLimits.CheckpointShareNs"/>; with one more difference it leaves
    /// unverified. 0 for any number.</summary>
    public int CheckpointShare { get; init; } = EngineLimits.CheckpointShare.Default;

    /// <summary>Whether frames that are predicted (see the engine's README) take the inlined heads. Off in tests alone: the outcome is
    /// the same.</summary>
    internal bool Predicts { get; init; } = true;

    /// <summary>Frames that one flow may hold, for each side.</summary>
    public int MaxQueueSize { get; init; } = EngineLimits.MaxQueueSize.Default;

    /// <summary>
    /// How long a datagram that stands against another one may still turn out to be only late or out of order, in milliseconds; then it
    /// is a divergence. It also bounds how long the first segments of a stream whose beginning was not seen wait for their alignment, and how
    /// long bytes that the primary says again, and otherwise than before, wait for the secondary to do so, too.
    /// </summary>
    public int GraceMs { get; init; } = EngineLimits.GraceMs.Default;

    /// <summary>Datagrams of the secondary that may overtake the one that the primary sent first; one more is a divergence at once.</summary>
    public int ReorderWindow { get; init; } = EngineLimits.ReorderWindow.Default;

    /// <summary>
    /// Verified segments that a TCP flow keeps, so that a retransmission with other bytes is found; 0 keeps none. All flows together
    /// keep at most a quarter of the secondary's slots.
    /// </summary>
    public int RetransmitWindow { get; init; } = EngineLimits.RetransmitWindow.Default;

    /// <summary>
    /// Memory for datagrams of which fragments are missing, for each side of each pipeline, in KiB; never more than half of the side's slots. Beyond it the
    /// oldest is given up.
    /// </summary>
    public int FragmentMemoryKiB { get; init; } = EngineLimits.FragmentMemoryKiB.Default;

    /// <summary>How long fragments wait for the rest of their datagram, in milliseconds.</summary>
    public int FragmentTimeoutMs { get; init; } = EngineLimits.FragmentTimeoutMs.Default;

    /// <summary>What happens when a bound is reached.</summary>
    public OverflowPolicy Overflow { get; init; }

    /// <summary>What is done with a RST that only the primary sends.</summary>
    public ResetPolicy Reset { get; init; }

    /// <summary>What is done with a datagram that only the primary repeats.</summary>
    public DuplicatePolicy Duplicate { get; init; }

    /// <summary>What is done while the secondary's port has no link.</summary>
    public SecondaryLossPolicy SecondaryLoss { get; init; }

    /// <summary>What is done with what differs while no checkpoint can be had.</summary>
    public RequesterLossPolicy RequesterLoss { get; init; }

    /// <summary>What is done with checksums that guests have left to their NICs.</summary>
    public PartialChecksumPolicy PartialChecksums { get; init; }

    /// <summary>Tolerated fields that are promoted: a difference in one of them is a divergence.</summary>
    public IReadOnlyList<ToleratedField> Strict { get; init; } = [];

    /// <summary>Which flows are compared, passed or dropped; the first rule that matches counts, then
    /// the protocols that no two hosts send alike (IGMP, SCTP, ESP, AH) pass; the rest is compared.</summary>
    public IReadOnlyList<PolicyRule> Policies { get; init; } = [];

    /// <summary>Sets of flows that are compared independently, in each pipeline.</summary>
    public int Shards { get; init; } = EngineLimits.Shards.Default;

    /// <summary>Flows that are known at a time, all pipelines and shards together.</summary>
    public int Flows { get; init; } = EngineLimits.Flows.Default;

    /// <summary>Slots of 2 KiB for each side of each pipeline.</summary>
    public int SlotsPerSide { get; init; } = EngineLimits.SlotsPerSide.Default;

    /// <summary>Slots of 68 KiB for each side of each pipeline.</summary>
    public int LargeSlotsPerSide { get; init; } = EngineLimits.LargeSlotsPerSide.Default;

    /// <summary>
    /// Told of each large piece of memory (its address, its length in bytes) before it is touched, so that the host can ask the kernel for
    /// huge pages: a table of a hundred thousand flows does not fit what the processor remembers of small ones. May be null.
    /// </summary>
    public Action<nint, nuint>? AdviseMemory { get; init; }

    /// <summary>
    /// The key of the flow hash. The host draws it at random, so that nobody outside can make flows collide; a replay fixes it, so
    /// that it repeats.
    /// </summary>
    public FlowHashKey HashKey { get; init; } = FlowHashKey.FromSeed(0);
}
