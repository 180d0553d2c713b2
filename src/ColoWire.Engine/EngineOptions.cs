// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Engine;

/// <summary>When a frame of the primary is sent.</summary>
public enum CompareMode : byte
{
    /// <summary>After the secondary has sent the same.</summary>
    Lockstep,

    /// <summary>At once; differences are only reported. The mode for an operator's first trial.</summary>
    Observe,
}

/// <summary>How the frames of clients reach the replicas.</summary>
public enum InboundMode : byte
{
    /// <summary>Not through ColoWire: a mirror in front of the replicas, or QEMU's netfilter.</summary>
    None,

    /// <summary>ColoWire passes each client frame to both replicas, and translates the secondary's copy (R11, R12).</summary>
    Mirror,
}

/// <summary>The action when a flow holds its maximum number of primary frames, or when slots or flows run out.</summary>
public enum OverflowPolicy : byte
{
    /// <summary>The held frames are sent in order, unverified, and a checkpoint is requested.</summary>
    Flush,

    /// <summary>
    /// Nothing more is read from the primary until the secondary has caught up or a checkpoint has made room; frames that exceed
    /// the capture's buffer are lost and counted there.
    /// </summary>
    Hold,
}

/// <summary>The action for a RST of the primary (<c>rst</c>).</summary>
public enum ResetPolicy : byte
{
    /// <summary>It is sent after the secondary has sent a RST too.</summary>
    Compare,

    /// <summary>It is sent at once, because it ends a connection and carries no stream data.</summary>
    Pass,
}

/// <summary>The action for a datagram that the primary repeats and the secondary does not (<c>dup</c>).</summary>
public enum DuplicatePolicy : byte
{
    /// <summary>It is held until a twin of its own arrives.</summary>
    Hold,

    /// <summary>
    /// It is sent at once when it equals one of the last verified datagrams of its flow
    /// (<see cref="EngineOptions.RetransmitWindow"/>, at least one).
    /// </summary>
    Pass,
}

/// <summary>The action for the primary's frames while the secondary's port has no link.</summary>
public enum SecondaryLossPolicy : byte
{
    /// <summary>They are sent unverified: the guest runs without protection.</summary>
    Bypass,

    /// <summary>They are held until the link is back and a checkpoint has finished.</summary>
    Hold,
}

/// <summary>The action for a divergence while no checkpoint can be made (<c>requester_loss</c>).</summary>
public enum RequesterLossPolicy : byte
{
    /// <summary>
    /// The frames of a diverged flow are sent unverified, as without a requester; all other flows are compared and held as
    /// before.
    /// </summary>
    Bypass,

    /// <summary>The frames of a diverged flow are held until a checkpoint has finished.</summary>
    Hold,
}

/// <summary>The action for a TCP or UDP checksum that the guest has offloaded to its NIC (<c>partial_checksums</c>).</summary>
public enum PartialChecksumPolicy : byte
{
    /// <summary>It is completed at the capture, as the NIC would have done.</summary>
    Complete,

    /// <summary>It is not completed: frames are sent as they arrived.</summary>
    Pass,
}

/// <summary>
/// The configurable options of the engine. The host validates them against <see cref="EngineLimits"/>; the engine does not check
/// them again.
/// </summary>
public sealed record EngineOptions
{
    /// <summary>When a frame of the primary is sent; the mode at the start.</summary>
    public CompareMode Mode { get; init; } = CompareMode.Lockstep;

    /// <summary>How long a frame waits for its twin before its flow counts as diverged, in milliseconds.</summary>
    public int CompareTimeoutMs { get; init; } = EngineLimits.CompareTimeoutMs.Default;

    /// <summary>The interval at which flows are scanned for frames that have waited too long, in milliseconds.</summary>
    public int ExpiredScanCycleMs { get; init; } = EngineLimits.ExpiredScanCycleMs.Default;

    /// <summary>The time after which an unanswered checkpoint request is repeated, in milliseconds.</summary>
    public int CheckpointRetryMs { get; init; } = EngineLimits.CheckpointRetryMs.Default;

    /// <summary>The number of repetitions of a request before the requester counts as lost.</summary>
    public int CheckpointRetries { get; init; } = EngineLimits.CheckpointRetries.Default;

    /// <summary>
    /// How long both replicas may be stopped for a checkpoint before the checkpoint counts as aborted, in milliseconds.
    /// </summary>
    public int CheckpointMaxMs { get; init; } = EngineLimits.CheckpointMaxMs.Default;

    /// <summary>
    /// The minimum time from the end of a checkpoint to the next request, except a request of the operator, in milliseconds.
    /// </summary>
    public int CheckpointIntervalMs { get; init; } = EngineLimits.CheckpointIntervalMs.Default;

    /// <summary>The maximum number of flows of one shard.</summary>
    internal int FlowsPerShard => Math.Max(1, Flows / Shards);

    /// <summary>
    /// The number of checkpoints that one flow may cause within <see cref="EngineLimits.CheckpointShareNs"/>; at one more
    /// difference its frames are sent unverified. 0 for no limit.
    /// </summary>
    public int CheckpointShare { get; init; } = EngineLimits.CheckpointShare.Default;

    /// <summary>
    /// Whether predicted frames (see the engine's README) take the inlined path. Only tests turn it off: the results are the
    /// same.
    /// </summary>
    internal bool Predicts { get; init; } = true;

    /// <summary>The maximum number of frames that one flow may hold, for each side.</summary>
    public int MaxQueueSize { get; init; } = EngineLimits.MaxQueueSize.Default;

    /// <summary>
    /// How long a datagram that differs from its counterpart may still turn out to be late or reordered, in milliseconds; after
    /// that it is a divergence. It also limits how long the first segments of a stream whose beginning was not seen wait for
    /// their alignment, and how long changed bytes in a retransmission of the primary wait for the same retransmission of the
    /// secondary.
    /// </summary>
    public int GraceMs { get; init; } = EngineLimits.GraceMs.Default;

    /// <summary>
    /// The number of the secondary's datagrams that may overtake the one that the primary sent first; one more is a divergence at
    /// once.
    /// </summary>
    public int ReorderWindow { get; init; } = EngineLimits.ReorderWindow.Default;

    /// <summary>
    /// The number of verified segments that a TCP flow caches, so that a retransmission with other bytes is detected; 0 caches
    /// none. All flows together cache at most a quarter of the secondary's slots.
    /// </summary>
    public int RetransmitWindow { get; init; } = EngineLimits.RetransmitWindow.Default;

    /// <summary>
    /// The memory for incomplete datagrams, for each side of each pipeline, in KiB; never more than half of the side's slots.
    /// Beyond it the oldest datagram is given up.
    /// </summary>
    public int FragmentMemoryKiB { get; init; } = EngineLimits.FragmentMemoryKiB.Default;

    /// <summary>How long an incomplete datagram waits for further fragments, in milliseconds.</summary>
    public int FragmentTimeoutMs { get; init; } = EngineLimits.FragmentTimeoutMs.Default;

    /// <summary>How the frames of clients reach the replicas.</summary>
    public InboundMode Inbound { get; init; }

    /// <summary>The MAC addresses of the guest, each as a number with the first byte in the highest place; empty when they are
    /// learned from the primary's frames. At most <see cref="EngineLimits.GuestAddresses"/>.</summary>
    public ReadOnlyMemory<ulong> GuestAddresses { get; init; }

    /// <summary>The action when a limit is reached.</summary>
    public OverflowPolicy Overflow { get; init; }

    /// <summary>The action for a RST that only the primary sends.</summary>
    public ResetPolicy Reset { get; init; }

    /// <summary>The action for a datagram that only the primary repeats.</summary>
    public DuplicatePolicy Duplicate { get; init; }

    /// <summary>The action while the secondary's port has no link.</summary>
    public SecondaryLossPolicy SecondaryLoss { get; init; }

    /// <summary>The action for a divergence while no checkpoint can be made.</summary>
    public RequesterLossPolicy RequesterLoss { get; init; }

    /// <summary>The action for checksums that guests have offloaded to their NICs.</summary>
    public PartialChecksumPolicy PartialChecksums { get; init; }

    /// <summary>The tolerated fields in which a difference is nevertheless a divergence.</summary>
    public IReadOnlyList<ToleratedField> Strict { get; init; } = [];

    /// <summary><see cref="Strict"/>, and where clients' frames pass the options of SYNs: after a fail-over, the client would be
    /// answered by other rules than it has agreed to (scenario 115a).</summary>
    internal IReadOnlyList<ToleratedField> StrictFields =>
        Inbound == InboundMode.Mirror ? [.. Strict, ToleratedField.SynOptions] : Strict;

    /// <summary>
    /// The rules that select which flows are compared, passed or dropped. The first matching rule counts; after the rules, the
    /// protocols that differ between any two hosts (IGMP, SCTP, ESP, AH) are passed, and all other flows are compared.
    /// </summary>
    public IReadOnlyList<PolicyRule> Policies { get; init; } = [];

    /// <summary>The number of shards in each pipeline: sets of flows that are compared independently.</summary>
    public int Shards { get; init; } = EngineLimits.Shards.Default;

    /// <summary>The maximum number of flows, all pipelines and shards together.</summary>
    public int Flows { get; init; } = EngineLimits.Flows.Default;

    /// <summary>The number of slots of 2 KiB for each side of each pipeline.</summary>
    public int SlotsPerSide { get; init; } = EngineLimits.SlotsPerSide.Default;

    /// <summary>The number of slots of 68 KiB for each side of each pipeline.</summary>
    public int LargeSlotsPerSide { get; init; } = EngineLimits.LargeSlotsPerSide.Default;

    /// <summary>
    /// Called with the address and the length in bytes of each large memory region before its first access, so that the host can
    /// request huge pages: with small pages, a table of a hundred thousand flows exceeds the TLB. May be null.
    /// </summary>
    public Action<nint, nuint>? AdviseMemory { get; init; }

    /// <summary>
    /// The key of the flow hash. The host generates it at random, so that an attacker cannot make flows collide; a replay sets
    /// it, so that it is repeatable.
    /// </summary>
    public FlowHashKey HashKey { get; init; } = FlowHashKey.FromSeed(0);
}
