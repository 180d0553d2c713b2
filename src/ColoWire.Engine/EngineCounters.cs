// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace ColoWire.Engine;

/// <summary>
/// The counters of one shard. Only the shard's thread writes them; any thread may read them. Each value is consistent, but the
/// values are not a snapshot of one instant.
/// </summary>
public sealed class ShardCounters
{
    private readonly long[] notCompared = new long[Enum.GetValues<NotComparedReason>().Length];
    private readonly long[] malformed = new long[Enum.GetValues<MalformedKind>().Length];
    private readonly long[] unverified = new long[Enum.GetValues<UnverifiedReason>().Length];
    private readonly long[] tolerated = new long[Enum.GetValues<ToleratedField>().Length];
    private readonly long[] drops = new long[Enum.GetValues<DropReason>().Length];
    private readonly long[] divergences = new long[Enum.GetValues<DivergenceReason>().Length];

    /// <summary>Primary frames that were sent because the secondary had sent the same.</summary>
    public long Verified { get; internal set; }

    /// <summary>Primary frames that are held.</summary>
    public long Held { get; internal set; }

    /// <summary>Secondary frames that are held until the primary sends the same.</summary>
    public long SecondaryHeld { get; internal set; }

    /// <summary>Flows in the table.</summary>
    public long Flows { get; internal set; }

    /// <summary>Flows that were evicted for new ones.</summary>
    public long FlowsEvicted { get; internal set; }

    /// <summary>Secondary frames that repeated verified bytes.</summary>
    public long SecondaryRepeated { get; internal set; }

    /// <summary>Secondary frames that were sent after a fail-over to the secondary.</summary>
    public long SecondaryReleased { get; internal set; }

    /// <summary>
    /// Divergence reports that were lost because the ring to the gate was full; their flows are held nevertheless.
    /// </summary>
    public long ReportsLost { get; internal set; }

    /// <summary>Primary frames that are not compared and were sent at once, by reason.</summary>
    public ReadOnlySpan<long> NotCompared => notCompared;

    /// <summary>Primary frames that are malformed and were sent at once, by kind.</summary>
    public ReadOnlySpan<long> Malformed => malformed;

    /// <summary>Primary frames that were sent unverified, by reason.</summary>
    public ReadOnlySpan<long> Unverified => unverified;

    /// <summary>Tolerated differences, by field.</summary>
    public ReadOnlySpan<long> Tolerated => tolerated;

    /// <summary>Dropped frames, by reason.</summary>
    public ReadOnlySpan<long> Drops => drops;

    /// <summary>Divergences, by reason.</summary>
    public ReadOnlySpan<long> Divergences => divergences;

    /// <summary>Resets the gauges for the shard that replaces a failed one; the counts remain.</summary>
    internal void BeginAnew()
    {
        Held = 0;
        SecondaryHeld = 0;
        Flows = 0;
    }

    internal void Count(NotComparedReason reason, int frames) => notCompared[(int)reason] += frames;

    internal void Count(MalformedKind kind, int frames) => malformed[(int)kind] += frames;

    internal void Count(UnverifiedReason reason, int frames) => unverified[(int)reason] += frames;

    internal void Count(ToleratedField field) => tolerated[(int)field]++;

    /// <summary>Counts several fields, one bit per field.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Count(uint toleratedFields)
    {
        for (; toleratedFields != 0; toleratedFields &= toleratedFields - 1)
        {
            tolerated[BitOperations.TrailingZeroCount(toleratedFields)]++;
        }
    }

    internal void Count(DropReason reason, int frames = 1) => drops[(int)reason] += frames;

    internal void Count(DivergenceReason reason) => divergences[(int)reason]++;
}
