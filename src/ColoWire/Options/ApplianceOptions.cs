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

/// <summary>What happens to the primary's frames while no ColoWire captures them.</summary>
public enum DeathPolicy
{
    /// <summary>The kernel sends them straight to the out interface: the guest goes on, unprotected.</summary>
    Wire,

    /// <summary>No frame leaves that was not compared.</summary>
    Block,
}

/// <summary>All options of an appliance, validated.</summary>
public sealed record ApplianceOptions
{
    /// <summary>Bytes of a MiB.</summary>
    public const long BytesPerMiB = 1 << 20;

    /// <summary>The options of the engine.</summary>
    public EngineOptions Engine { get; init; } = new() { AdviseMemory = HugePages.Advise };

    /// <summary>The port where the primary's frames come in.</summary>
    public PortSpec? PrimaryIn { get; init; }

    /// <summary>The port where the secondary's frames come in.</summary>
    public PortSpec? SecondaryIn { get; init; }

    /// <summary>The port where the primary's frames leave.</summary>
    public PortSpec? OutDevice { get; init; }

    /// <summary>The requester of checkpoints.</summary>
    public RequesterSpec Requester { get; init; } = RequesterSpec.None;

    /// <summary>How long the program of a <c>command:</c> requester may take, in milliseconds.</summary>
    public int CommandTimeoutMs { get; init; } = RequesterLimits.CommandTimeoutMs.Default;

    /// <summary>The engine's policies as the operator has written them.</summary>
    public IReadOnlyList<string> PolicyTexts { get; init; } = [];

    /// <summary>The CPUs that do the work; after validation never empty.</summary>
    public IReadOnlyList<int> Cores { get; init; } = [];

    /// <summary>The queues of <c>xdp:</c> ports, one pipeline for each; for live ports after validation never empty.</summary>
    public IReadOnlyList<int> XdpQueues { get; init; } = [];

    /// <summary>How many pipelines there are: ports without queues make one.</summary>
    public int Pipelines => Math.Max(1, XdpQueues.Count);

    /// <summary>What a thread does while no frame arrives.</summary>
    public IdleStrategy Idle { get; init; }

    /// <summary>The kernel's buffer of each live capture port, in MiB.</summary>
    public int CaptureBufferMiB { get; init; } = PortLimits.BufferMiB.Default;

    /// <summary>Longest frame that live ports capture, in bytes, or <see cref="OptionTable.SnapLengthOfMtu"/>.</summary>
    public int SnapLengthBytes { get; init; } = OptionTable.SnapLengthOfMtu;

    /// <summary>Where the kernel hands frames to <c>xdp:</c> ports.</summary>
    public XdpMode XdpMode { get; init; }

    /// <summary>Whether the kernel copies the frames of <c>xdp:</c> ports.</summary>
    public bool XdpCopy { get; init; }

    /// <summary>Entries of each ring of an <c>xdp:</c> port.</summary>
    public int XdpRingFrames { get; init; } = PortLimits.XdpRingFrames.Default;

    /// <summary>How long a frame waits for room in a full send queue, in milliseconds.</summary>
    public int SendRetryMs { get; init; } = PortLimits.SendRetryMs.Default;

    /// <summary>Whether the frames of <c>stream:</c> ports have virtio-net headers.</summary>
    public bool HasVnetHeaders { get; init; }

    /// <summary>What happens to the primary's frames while no ColoWire captures them.</summary>
    public DeathPolicy OnDeath { get; init; }

    /// <summary>Whether the capture interfaces are taken over even from another running ColoWire.</summary>
    public bool TakesOver { get; init; }

    /// <summary>How old the heartbeat may grow before the process counts as dead, in milliseconds; 0 stands for
    /// <see cref="DeathPolicy.Block"/>.</summary>
    public int FailwireTimeoutMs { get; init; } = PortLimits.FailwireTimeoutMs.Default;

    /// <summary>The memory that everything together may take, in MiB.</summary>
    public int MemoryLimitMiB { get; init; } = OptionTable.MemoryLimitMiB.Default;

    /// <summary>The path of the control socket; null for none.</summary>
    public string? ControlSocket { get; init; }

    /// <summary>The folder of saved failures; null for none.</summary>
    public string? FailureFolder { get; init; }

    /// <summary>Whether divergences are logged with a hexdump.</summary>
    public bool Trace { get; init; }

    /// <summary>The memory that these options take, by what it is for.</summary>
    public IReadOnlyList<(string Name, long Bytes)> MemoryPlan()
    {
        List<(string Name, long Bytes)> plan = [.. FramePath.MemoryPlan(Engine, Pipelines)];
        PortSpec? world = Engine.Inbound == InboundMode.Mirror ? OutDevice : null;
        foreach ((string name, PortSpec? port) in
            ((string, PortSpec?)[])[("primary", PrimaryIn), ("secondary", SecondaryIn), ("clients", world)])
        {
            if (port?.Kind == PortKind.Pcap)
            {
                plan.Add(($"kernel's buffer, {name}", CaptureBufferMiB * BytesPerMiB));
            }
        }

        return plan;
    }
}
