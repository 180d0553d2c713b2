// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Engine.Fragments;

/// <summary>The outcome of a fragmented datagram.</summary>
public enum DatagramOutcome : byte
{
    /// <summary>Reassembled, and compared like an unfragmented datagram.</summary>
    Reassembled,

    /// <summary>Given up: two fragments overlap and are not identical (RFC 5722).</summary>
    Overlapping,

    /// <summary>
    /// Given up: the datagram is longer than IP allows, a fragment ends inside a unit of 8 bytes or beyond the last fragment, or
    /// the headers exceed <see cref="EngineLimits.FragmentHeadroomBytes"/>.
    /// </summary>
    Malformed,

    /// <summary>Given up: a fragment did not arrive within <c>fragment_timeout</c>.</summary>
    TimedOut,

    /// <summary>Given up: it was the oldest datagram when <c>fragment_memory</c>, slots or records ran out.</summary>
    OverBudget,

    /// <summary>Given up: a checkpoint finished before all fragments had arrived.</summary>
    Checkpoint,

    /// <summary>Given up: ColoWire stopped.</summary>
    Stop,
}

/// <summary>
/// The counters of one side's reassembly, or the sum of several. Only the thread of the capture duty writes its own; any thread
/// may read them. Each value is consistent, but the values are not a snapshot of one instant.
/// </summary>
public sealed class ReassemblyCounters
{
    private readonly long[] waiting = new long[1];
    private readonly long[] datagrams = new long[Enum.GetValues<DatagramOutcome>().Length];
    private readonly long[] drops = new long[Enum.GetValues<DropReason>().Length];
    private readonly long[][] all;

    /// <summary>Makes counters that are all zero.</summary>
    public ReassemblyCounters() => all = [waiting, datagrams, drops];

    /// <summary>The number of frames that belong to incomplete datagrams.</summary>
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
