// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace ColoWire.Engine;

/// <summary>
/// What one shard has counted. Written by the shard's thread only; any thread may read it, each number whole, together not a snapshot.
/// </summary>
public sealed class ShardCounters
{
    private readonly long[] notCompared = new long[Enum.GetValues<NotComparedReason>().Length];
    private readonly long[] malformed = new long[Enum.GetValues<MalformedKind>().Length];
    private readonly long[] unverified = new long[Enum.GetValues<UnverifiedReason>().Length];
    private readonly long[] soft = new long[Enum.GetValues<ToleratedField>().Length];
    private readonly long[] drops = new long[Enum.GetValues<DropReason>().Length];
    private readonly long[] divergences = new long[Enum.GetValues<DivergenceReason>().Length];

    /// <summary>Primary frames that left because the secondary agreed.</summary>
    public long Verified { get; internal set; }

    /// <summary>Primary frames that wait.</summary>
    public long Held { get; internal set; }

    /// <summary>Secondary frames that wait for the primary to say the same.</summary>
    public long SecondaryHeld { get; internal set; }

    /// <summary>Flows known.</summary>
    public long Flows { get; internal set; }

    /// <summary>Idle flows that made room for new ones.</summary>
    public long FlowsEvicted { get; internal set; }

    /// <summary>Secondary frames that repeated what had been verified.</summary>
    public long SecondaryRepeated { get; internal set; }

    /// <summary>Secondary frames that left because it took over.</summary>
    public long SecondaryReleased { get; internal set; }

    /// <summary>Divergence reports that the gate had no room for; their flows are held all the same.</summary>
    public long ReportsLost { get; internal set; }

    /// <summary>Primary frames that are not comparable and left at once, by reason.</summary>
    public ReadOnlySpan<long> NotCompared => notCompared;

    /// <summary>Primary frames that are malformed and left at once, by kind.</summary>
    public ReadOnlySpan<long> Malformed => malformed;

    /// <summary>Primary frames that left unverified, by reason.</summary>
    public ReadOnlySpan<long> Unverified => unverified;

    /// <summary>Tolerated differences, by field.</summary>
    public ReadOnlySpan<long> Tolerated => soft;

    /// <summary>Frames that went nowhere, by reason.</summary>
    public ReadOnlySpan<long> Drops => drops;

    /// <summary>Divergences, by reason.</summary>
    public ReadOnlySpan<long> Divergences => divergences;

    /// <summary>For the shard that goes on where one has failed: nothing is held any more, what was counted stays.</summary>
    internal void BeginAnew()
    {
        Held = 0;
        SecondaryHeld = 0;
        Flows = 0;
    }

    internal void Count(NotComparedReason reason, int frames) => notCompared[(int)reason] += frames;

    internal void Count(MalformedKind kind, int frames) => malformed[(int)kind] += frames;

    internal void Count(UnverifiedReason reason, int frames) => unverified[(int)reason] += frames;

    internal void Count(ToleratedField field) => soft[(int)field]++;

    /// <summary>Counts several fields, a bit for each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Count(uint toleratedFields)
    {
        for (; toleratedFields != 0; toleratedFields &= toleratedFields - 1)
        {
            soft[BitOperations.TrailingZeroCount(toleratedFields)]++;
        }
    }

    internal void Count(DropReason reason, int frames = 1) => drops[(int)reason] += frames;

    internal void Count(DivergenceReason reason) => divergences[(int)reason]++;
}
