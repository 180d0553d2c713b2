// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace ColoWire.Engine;

/// <summary>
/// The counters of one shard, or the sum of several. Only the shard's thread writes those of a shard; any thread may read them.
/// Each value is consistent, but the values are not a snapshot of one instant.
/// </summary>
public sealed class ShardCounters
{
    private readonly long[] notCompared = new long[Enum.GetValues<NotComparedReason>().Length];
    private readonly long[] malformed = new long[Enum.GetValues<MalformedKind>().Length];
    private readonly long[] unverified = new long[Enum.GetValues<UnverifiedReason>().Length];
    private readonly long[] tolerated = new long[Enum.GetValues<ToleratedField>().Length];
    private readonly long[] drops = new long[Enum.GetValues<DropReason>().Length];
    private readonly long[] divergences = new long[Enum.GetValues<DivergenceReason>().Length];
    private readonly long[][] byReason;
    private SingleNumbers singles;

    /// <summary>Makes counters that are all zero.</summary>
    public ShardCounters() => byReason = [notCompared, malformed, unverified, tolerated, drops, divergences];

    // The list of the counters that are single numbers. With byReason it is the only list of all counters.
    private enum Single
    {
        Verified,
        Held,
        SecondaryHeld,
        Flows,
        FlowsEvicted,
        SecondaryRepeated,
        SecondaryReleased,
        ReportsLost,
        Count,
    }

    /// <summary>Primary frames that were sent because the secondary had sent the same.</summary>
    public long Verified
    {
        get => singles[(int)Single.Verified];
        internal set => singles[(int)Single.Verified] = value;
    }

    /// <summary>Primary frames that are held.</summary>
    public long Held
    {
        get => singles[(int)Single.Held];
        internal set => singles[(int)Single.Held] = value;
    }

    /// <summary>Secondary frames that are held until the primary sends the same.</summary>
    public long SecondaryHeld
    {
        get => singles[(int)Single.SecondaryHeld];
        internal set => singles[(int)Single.SecondaryHeld] = value;
    }

    /// <summary>Flows in the table.</summary>
    public long Flows
    {
        get => singles[(int)Single.Flows];
        internal set => singles[(int)Single.Flows] = value;
    }

    /// <summary>Flows that were evicted for new ones.</summary>
    public long FlowsEvicted
    {
        get => singles[(int)Single.FlowsEvicted];
        internal set => singles[(int)Single.FlowsEvicted] = value;
    }

    /// <summary>Secondary frames that repeated verified bytes.</summary>
    public long SecondaryRepeated
    {
        get => singles[(int)Single.SecondaryRepeated];
        internal set => singles[(int)Single.SecondaryRepeated] = value;
    }

    /// <summary>Secondary frames that were sent after a fail-over to the secondary.</summary>
    public long SecondaryReleased
    {
        get => singles[(int)Single.SecondaryReleased];
        internal set => singles[(int)Single.SecondaryReleased] = value;
    }

    /// <summary>Divergence reports that were lost because the ring to the gate was full; their flows are held
    /// nevertheless.</summary>
    public long ReportsLost
    {
        get => singles[(int)Single.ReportsLost];
        internal set => singles[(int)Single.ReportsLost] = value;
    }

    /// <summary>Primary frames that are not comparable and left at once, by reason.</summary>
    public ReadOnlySpan<long> NotCompared => notCompared;

    /// <summary>Primary frames that are malformed and left at once, by kind.</summary>
    public ReadOnlySpan<long> Malformed => malformed;

    /// <summary>Primary frames that left unverified, by reason.</summary>
    public ReadOnlySpan<long> Unverified => unverified;

    /// <summary>Tolerated differences, by field.</summary>
    public ReadOnlySpan<long> Tolerated => tolerated;

    /// <summary>Frames that went nowhere, by reason.</summary>
    public ReadOnlySpan<long> Drops => drops;

    /// <summary>Divergences, by reason.</summary>
    public ReadOnlySpan<long> Divergences => divergences;

    /// <summary>Adds what another shard has counted so far.</summary>
    public void Add(ShardCounters other)
    {
        CounterArrays.Add(singles, other.singles);
        CounterArrays.Add(byReason, other.byReason);
    }

    /// <summary>Sets all numbers to zero. Only for a sum: the counters of a running shard only grow.</summary>
    public void Clear()
    {
        singles = default;
        CounterArrays.Clear(byReason);
    }

    /// <summary>All numbers, in an order that is always the same.</summary>
    public long[] ToArray() => [.. (ReadOnlySpan<long>)singles, .. CounterArrays.Flatten(byReason)];

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

    /// <summary>Counts several fields, a bit for each.</summary>
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

    // An element at a constant index is as cheap as a field, and all of them together are a span.
    [InlineArray((int)Single.Count)]
    private struct SingleNumbers
    {
        private long first;
    }
}
