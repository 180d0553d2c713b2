// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Engine;

/// <summary>What a shard did with the frames of clients. Only the shard's thread writes; any thread may read.</summary>
public sealed class InboundCounters
{
    private readonly long[] counts = new long[Enum.GetValues<InboundCount>().Length];

    /// <summary>One count.</summary>
    public long this[InboundCount count] => counts[(int)count];

    /// <summary>All counts, in the order of <see cref="InboundCount"/>.</summary>
    public ReadOnlySpan<long> All => counts;

    internal void Count(InboundCount count) => counts[(int)count]++;

    /// <summary>Adds what another shard has counted so far.</summary>
    internal void Add(InboundCounters other) => CounterArrays.Add(counts, other.counts);

    internal void Clear() => Array.Clear(counts);
}

/// <summary>What may happen to a client's frame.</summary>
public enum InboundCount : byte
{
    /// <summary>Both replicas receive the same bytes.</summary>
    Unchanged,

    /// <summary>The secondary receives a copy in its own numbers (R12).</summary>
    Translated,

    /// <summary>Only the primary receives it: no slot was free for the secondary's copy, or the frame is longer than a small slot
    /// and needs a translation. TCP recovers by R2.</summary>
    NoSlot,

    /// <summary>Its TCP options are cut short: the acknowledgment is translated, the options are not.</summary>
    BadOptions,

    /// <summary>It is signed (TCP MD5, RFC 2385; TCP-AO, RFC 5925), so it cannot be translated.</summary>
    Signed,
}
