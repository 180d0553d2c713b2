// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Fuzz.Cases;

/// <summary>The condition that must hold in a case beyond the invariants of every case.</summary>
internal enum Promise : byte
{
    None,

    /// <summary>Both sides send the same frames, the secondary a little later, and no limit is reached: no flow diverges, and all
    /// frames of the primary leave.</summary>
    Alike,

    /// <summary>As <see cref="Alike"/>, but both sides send segments that no conforming stack sends, or malformed
    /// frames.</summary>
    AlikeHostile,

    /// <summary>No checkpoint and no command of an operator makes the replicas equal: the secondary has sent all bytes of the
    /// primary that are verified.</summary>
    Spoken,
}

/// <summary>The ports and the requester of an appliance in a case, beside its options.</summary>
internal sealed record Shape
{
    public int Pipelines { get; init; } = 1;

    public int PrimaryVnetBytes { get; init; }

    public int SecondaryVnetBytes { get; init; }

    public bool OutputKeepsVnetHeader { get; init; }

    /// <summary>Number of calls for which the inject port keeps a slot that it has sent.</summary>
    public int OutputKeepsCalls { get; init; }

    /// <summary>Whether a checkpoint makes the secondary a copy of the primary (requester other than <c>none</c>).</summary>
    public bool Synchronises { get; init; } = true;

    /// <summary>Whether the requester answers each request with a finished checkpoint, without a step of the case.</summary>
    public bool Answers { get; init; }

    /// <summary>Whether all faults are repaired and all checkpoints finish before the stop, so that no frame has a reason to be
    /// held.</summary>
    public bool Heals { get; init; }

    /// <summary>The bytes of the virtio-net header before each frame of a side.</summary>
    public int VnetBytes(Side side) =>
        side == Side.Primary ? PrimaryVnetBytes : side == Side.Secondary ? SecondaryVnetBytes : 0;

    /// <summary>Whether the ports deliver their waiting frames at the stop.</summary>
    public bool HandsOver { get; init; }

    /// <summary>The longest frame that the ports towards the replicas send, in bytes behind the Ethernet header; 0 for
    /// any.</summary>
    public int ReplicaMaxBytes { get; init; }
}

/// <summary>An appliance and all events in order.</summary>
internal sealed class FuzzCase
{
    public ulong Seed { get; init; }

    public EngineOptions Options { get; set; } = new();

    public Shape Shape { get; set; } = new();

    public Promise Promise { get; init; }

    public List<Step> Steps { get; init; } = [];

    /// <summary>Whether both sides must send the same frames.</summary>
    public bool IsAlike => Promise is Promise.Alike or Promise.AlikeHostile;

    /// <summary>The bytes of all frames.</summary>
    public byte[] Bytes { get; set; } = [];

    public ReadOnlySpan<byte> Frame(in Step step) => Bytes.AsSpan(step.Offset, step.Length);

    /// <summary>The same appliance with other steps.</summary>
    public FuzzCase With(List<Step> steps) =>
        new() { Seed = Seed, Options = Options, Shape = Shape, Promise = Promise, Steps = steps, Bytes = Bytes };
}
