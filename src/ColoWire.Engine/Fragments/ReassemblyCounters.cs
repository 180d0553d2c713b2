// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Engine.Fragments;

/// <summary>What became of a datagram that came in fragments.</summary>
public enum DatagramOutcome : byte
{
    /// <summary>Put together, and compared as if it had come whole.</summary>
    Reassembled,

    /// <summary>Given up: two fragments overlap and are not the same (RFC 5722).</summary>
    Overlapping,

    /// <summary>Given up: longer than IP allows, a fragment that ends within a unit of 8 bytes or beyond the last one, or headers too
    /// long to be kept (<see cref="EngineLimits.FragmentHeadroomBytes"/>).</summary>
    Malformed,

    /// <summary>Given up: a fragment did not come within <c>fragment_timeout</c>.</summary>
    TimedOut,

    /// <summary>Given up: the oldest when <c>fragment_memory</c>, slots or records ran out.</summary>
    OverBudget,

    /// <summary>Given up: a checkpoint finished before all of it had come.</summary>
    Checkpoint,

    /// <summary>Given up: ColoWire stopped.</summary>
    Stop,
}

/// <summary>
/// What one side's reassembly has counted, or the sum of several. That of a capture duty is written by its thread only; any thread may
/// read it: each number is whole, all of them together are no snapshot.
/// </summary>
public sealed class ReassemblyCounters
{
    private readonly long[] waiting = new long[1];
    private readonly long[] datagrams = new long[Enum.GetValues<DatagramOutcome>().Length];
    private readonly long[] drops = new long[Enum.GetValues<DropReason>().Length];
    private readonly long[][] all;

    /// <summary>Makes counters that are all zero.</summary>
    public ReassemblyCounters() => all = [waiting, datagrams, drops];

    /// <summary>Frames of datagrams of which fragments are missing.</summary>
    public long Waiting
    {
        get => waiting[0];
        internal set => waiting[0] = value;
    }

    /// <summary>Datagrams, by what became of them.</summary>
    public ReadOnlySpan<long> Datagrams => datagrams;

    /// <summary>Fragments of the secondary that went nowhere, by reason.</summary>
    public ReadOnlySpan<long> Drops => drops;

    /// <summary>Adds what another reassembly has counted so far.</summary>
    public void Add(ReassemblyCounters other) => CounterArrays.Add(all, other.all);

    /// <summary>Sets all numbers to zero. Only for a sum.</summary>
    public void Clear() => CounterArrays.Clear(all);

    /// <summary>All numbers, in an order that is always the same.</summary>
    public long[] ToArray() => [.. CounterArrays.Flatten(all)];

    internal void Count(DatagramOutcome outcome) => datagrams[(int)outcome]++;

    internal void Count(DropReason reason, int frames) => drops[(int)reason] += frames;
}
