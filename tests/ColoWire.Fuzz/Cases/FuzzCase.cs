// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;

namespace ColoWire.Fuzz.Cases;

/// <summary>What must hold of a case beyond the invariants of every case.</summary>
internal enum Promise : byte
{
    None,

    /// <summary>Both sides say the same, frame by frame, the secondary a little later, and no bound is reached: nothing diverges, and all
    /// that the primary says leaves.</summary>
    Alike,

    /// <summary>The same where both say what no sound stack says, or frames that are no sound ones.</summary>
    AlikeHostile,

    /// <summary>Nothing becomes the secondary's word but what it has said (no checkpoint, no order): what is verified of the primary's the
    /// secondary has said before.</summary>
    Spoken,
}

/// <summary>How an appliance stands in a case, beside its options.</summary>
internal sealed record Shape
{
    public int Pipelines { get; init; } = 1;

    public int PrimaryVnetBytes { get; init; }

    public int SecondaryVnetBytes { get; init; }

    public bool OutputKeepsVnetHeader { get; init; }

    /// <summary>Calls for which the way out keeps a slot that it has sent.</summary>
    public int OutputKeepsCalls { get; init; }

    /// <summary>Whether a checkpoint makes the secondary a copy of the primary (requester other than <c>none</c>).</summary>
    public bool Synchronises { get; init; } = true;

    /// <summary>Whether the requester answers each request by itself with a finished checkpoint.</summary>
    public bool Answers { get; init; }

    /// <summary>Whether what was begun comes to a good end before the stop, so that nothing may wait any more.</summary>
    public bool Heals { get; init; }

    /// <summary>Whether the ports hand over at the stop what they have.</summary>
    public bool HandsOver { get; init; }
}

/// <summary>An appliance and all that happens to it.</summary>
internal sealed class FuzzCase
{
    public ulong Seed { get; init; }

    public EngineOptions Options { get; set; } = new();

    public Shape Shape { get; set; } = new();

    public Promise Promise { get; init; }

    public List<Step> Steps { get; init; } = [];

    /// <summary>Whether both sides must say the same.</summary>
    public bool IsAlike => Promise is Promise.Alike or Promise.AlikeHostile;

    /// <summary>The bytes of all frames.</summary>
    public byte[] Bytes { get; set; } = [];

    public ReadOnlySpan<byte> Frame(in Step step) => Bytes.AsSpan(step.Offset, step.Length);

    /// <summary>The same appliance with other steps.</summary>
    public FuzzCase With(List<Step> steps) =>
        new() { Seed = Seed, Options = Options, Shape = Shape, Promise = Promise, Steps = steps, Bytes = Bytes };
}
