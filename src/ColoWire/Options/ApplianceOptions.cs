// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;

namespace ColoWire.Options;

/// <summary>What becomes of the primary's frames while no ColoWire takes them.</summary>
public enum DeathPolicy
{
    /// <summary>The kernel sends them straight to the out interface: the guest goes on, unprotected.</summary>
    Wire,

    /// <summary>Nothing leaves that was not compared.</summary>
    Block,
}

/// <summary>All that an operator has chosen, validated.</summary>
public sealed record ApplianceOptions
{
    /// <summary>Bytes of a MiB.</summary>
    public const long BytesPerMiB = 1 << 20;

    /// <summary>The port where the primary's frames come in.</summary>
    public PortSpec? PrimaryIn { get; init; }

    /// <summary>The port where the secondary's frames come in.</summary>
    public PortSpec? SecondaryIn { get; init; }

    /// <summary>The port where the primary's frames leave.</summary>
    public PortSpec? OutDevice { get; init; }

    /// <summary>When a frame of the primary leaves.</summary>
    public CompareMode Mode { get; init; } = CompareMode.Lockstep;

    /// <summary>Who is asked for checkpoints.</summary>
    public RequesterSpec Requester { get; init; } = RequesterSpec.None;

    /// <summary>How long a frame waits for its partner, in milliseconds.</summary>
    public int CompareTimeoutMs { get; init; } = EngineLimits.CompareTimeoutMs.Default;

    /// <summary>How often flows are searched for frames that waited too long, in milliseconds.</summary>
    public int ExpiredScanCycleMs { get; init; } = EngineLimits.ExpiredScanCycleMs.Default;

    /// <summary>How long an unanswered checkpoint request stands, in milliseconds.</summary>
    public int CheckpointRetryMs { get; init; } = EngineLimits.CheckpointRetryMs.Default;

    /// <summary>How often a checkpoint request is made again before the requester counts as lost.</summary>
    public int CheckpointRetries { get; init; } = EngineLimits.CheckpointRetries.Default;

    /// <summary>How long both replicas may stand for a checkpoint before it counts as broken off, in milliseconds.</summary>
    public int CheckpointMaxMs { get; init; } = EngineLimits.CheckpointMaxMs.Default;

    /// <summary>Least time from the end of a checkpoint to the next request that no operator has ordered, in milliseconds.</summary>
    public int CheckpointIntervalMs { get; init; } = EngineLimits.CheckpointIntervalMs.Default;

    /// <summary>Checkpoints that one connection may cause within ten seconds; 0 for any number.</summary>
    public int CheckpointShare { get; init; } = EngineLimits.CheckpointShare.Default;

    /// <summary>How long the program of a <c>command:</c> requester may take, in milliseconds.</summary>
    public int CommandTimeoutMs { get; init; } = RequesterLimits.CommandTimeoutMs.Default;

    /// <summary>What is done with what differs while no checkpoint can be had.</summary>
    public RequesterLossPolicy RequesterLoss { get; init; }

    /// <summary>Frames that one flow may hold, for each side.</summary>
    public int MaxQueueSize { get; init; } = EngineLimits.MaxQueueSize.Default;

    /// <summary>How long a datagram may still turn out to be only late or out of order, in milliseconds.</summary>
    public int GraceMs { get; init; } = EngineLimits.GraceMs.Default;

    /// <summary>Datagrams of the secondary that may overtake the one that the primary sent first.</summary>
    public int ReorderWindow { get; init; } = EngineLimits.ReorderWindow.Default;

    /// <summary>Verified segments that a TCP connection keeps.</summary>
    public int RetransmitWindow { get; init; } = EngineLimits.RetransmitWindow.Default;

    /// <summary>Memory for datagrams of which fragments are missing, for each side of each pipeline, in KiB.</summary>
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

    /// <summary>What is done with checksums that guests have left to their NICs.</summary>
    public PartialChecksumPolicy PartialChecksums { get; init; }

    /// <summary>Tolerated fields that count as a divergence.</summary>
    public IReadOnlyList<ToleratedField> Strict { get; init; } = [];

    /// <summary>Which connections are compared, passed or dropped; the first rule that matches counts.</summary>
    public IReadOnlyList<PolicyRule> Policies { get; init; } = [];

    /// <summary>The same as the operator has written them.</summary>
    public IReadOnlyList<string> PolicyTexts { get; init; } = [];

    /// <summary>The CPUs that do the work; after validation never empty.</summary>
    public IReadOnlyList<int> Cores { get; init; } = [];

    /// <summary>The queues of <c>xdp:</c> ports, one pipeline for each; for live ports after validation never empty.</summary>
    public IReadOnlyList<int> XdpQueues { get; init; } = [];

    /// <summary>How many pipelines there are: ports without queues make one.</summary>
    public int Pipelines => Math.Max(1, XdpQueues.Count);

    /// <summary>What a thread does while no frame comes.</summary>
    public IdleStrategy Idle { get; init; }

    /// <summary>Sets of flows that are compared independently, in each pipeline.</summary>
    public int Shards { get; init; } = EngineLimits.Shards.Default;

    /// <summary>Flows known at a time, all pipelines and shards together.</summary>
    public int Flows { get; init; } = EngineLimits.Flows.Default;

    /// <summary>Slots of 2 KiB for each side of each pipeline.</summary>
    public int SlotsPerSide { get; init; } = EngineLimits.SlotsPerSide.Default;

    /// <summary>Slots of 68 KiB for each side of each pipeline: for frames and datagrams of up to 64 KiB.</summary>
    public int LargeSlotsPerSide { get; init; } = EngineLimits.LargeSlotsPerSide.Default;

    /// <summary>The kernel's buffer of each live capture port, in MiB.</summary>
    public int CaptureBufferMiB { get; init; } = PortLimits.BufferMiB.Default;

    /// <summary>Longest frame that live ports capture, in bytes, or <see cref="OptionTable.SnapLengthOfMtu"/>.</summary>
    public int SnapLengthBytes { get; init; } = OptionTable.SnapLengthOfMtu;

    /// <summary>Where the frames of <c>xdp:</c> ports leave the kernel's way.</summary>
    public XdpMode XdpMode { get; init; }

    /// <summary>Whether the kernel copies the frames of <c>xdp:</c> ports.</summary>
    public bool XdpCopy { get; init; }

    /// <summary>Entries of each ring of an <c>xdp:</c> port.</summary>
    public int XdpRingFrames { get; init; } = PortLimits.XdpRingFrames.Default;

    /// <summary>How long a frame waits for room in a full send queue, in milliseconds.</summary>
    public int SendRetryMs { get; init; } = PortLimits.SendRetryMs.Default;

    /// <summary>Whether the frames of <c>stream:</c> ports bear virtio-net headers.</summary>
    public bool HasVnetHeaders { get; init; }

    /// <summary>What becomes of the primary's frames while nobody takes them.</summary>
    public DeathPolicy OnDeath { get; init; }

    /// <summary>Whether the capture interfaces are taken even from another ColoWire that runs.</summary>
    public bool TakesOver { get; init; }

    /// <summary>How long the process may be silent before it counts as dead, in milliseconds; 0: what dies lets nothing pass.</summary>
    public int FailwireTimeoutMs { get; init; } = PortLimits.FailwireTimeoutMs.Default;

    /// <summary>What everything together may take, in MiB.</summary>
    public int MemoryLimitMiB { get; init; } = OptionTable.MemoryLimitMiB.Default;

    /// <summary>The path of the unix socket that takes orders; null where none does.</summary>
    public string? ControlSocket { get; init; }

    /// <summary>The folder in which is saved what made a duty fail; null where nothing is.</summary>
    public string? FailureFolder { get; init; }

    /// <summary>Whether divergences are logged with a hexdump.</summary>
    public bool Trace { get; init; }

    /// <summary>What of this is the engine's.</summary>
    /// <param name="hashKey">Drawn at random by a live host, fixed by a replay.</param>
    public EngineOptions ToEngineOptions(FlowHashKey hashKey) => new()
    {
        Mode = Mode,
        CompareTimeoutMs = CompareTimeoutMs,
        ExpiredScanCycleMs = ExpiredScanCycleMs,
        CheckpointRetryMs = CheckpointRetryMs,
        CheckpointRetries = CheckpointRetries,
        CheckpointMaxMs = CheckpointMaxMs,
        CheckpointIntervalMs = CheckpointIntervalMs,
        CheckpointShare = CheckpointShare,
        RequesterLoss = RequesterLoss,
        MaxQueueSize = MaxQueueSize,
        GraceMs = GraceMs,
        ReorderWindow = ReorderWindow,
        RetransmitWindow = RetransmitWindow,
        FragmentMemoryKiB = FragmentMemoryKiB,
        FragmentTimeoutMs = FragmentTimeoutMs,
        Overflow = Overflow,
        Reset = Reset,
        Duplicate = Duplicate,
        SecondaryLoss = SecondaryLoss,
        PartialChecksums = PartialChecksums,
        Strict = Strict,
        Policies = Policies,
        Shards = Shards,
        Flows = Flows,
        SlotsPerSide = SlotsPerSide,
        LargeSlotsPerSide = LargeSlotsPerSide,
        AdviseMemory = HugePages.Advise,
        HashKey = hashKey,
    };

    /// <summary>The memory that these options take, by what it is for.</summary>
    public IReadOnlyList<(string Name, long Bytes)> MemoryPlan()
    {
        List<(string Name, long Bytes)> plan = [.. FramePath.MemoryPlan(ToEngineOptions(default), Pipelines)];
        foreach ((string name, PortSpec? port) in ((string, PortSpec?)[])[("primary", PrimaryIn), ("secondary", SecondaryIn)])
        {
            if (port?.Kind == PortKind.Pcap)
            {
                plan.Add(($"kernel's buffer, {name}", CaptureBufferMiB * BytesPerMiB));
            }
        }

        return plan;
    }
}
