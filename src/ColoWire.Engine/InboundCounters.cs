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

/// <summary>What may happen to a client's frame. The first values count each frame once, by what the secondary receives; those
/// from <see cref="BadOptions"/> on count properties of frames.</summary>
public enum InboundCount : byte
{
    /// <summary>Both replicas receive the same bytes.</summary>
    Unchanged,

    /// <summary>The secondary receives a copy in its own numbers (R12).</summary>
    Translated,

    /// <summary>Only the primary receives it: no slot was free for the secondary's copy. TCP recovers by R2.</summary>
    NoSlot,

    /// <summary>Only the primary receives it: the secondary's numbers are not known (R17), or were not known for too long. The
    /// connection is not compared until a checkpoint or a SYN.</summary>
    MirrorLoss,

    /// <summary>Its TCP options are cut short: the acknowledgment is translated, the options are not.</summary>
    BadOptions,

    /// <summary>It is signed (TCP MD5, RFC 2385; TCP-AO, RFC 5925), so it cannot be translated.</summary>
    Signed,

    /// <summary>It is the first fragment of a segment whose TCP header continues in another fragment, so it cannot be
    /// translated.</summary>
    HeaderCut,

    /// <summary>It waited for the secondary's numbers before the secondary received it.</summary>
    Kept,

    /// <summary>It acknowledges bytes that the primary has not sent.</summary>
    AckBeyond,

    /// <summary>A SACK block of it ends behind the bytes that the primary has sent.</summary>
    SackBeyond,

    /// <summary>A RST that ends its connection (R13).</summary>
    Reset,

    /// <summary>A RST that the guests do not accept (RFC 5961 section 3.2), or whose sequence number cannot be checked.</summary>
    BlindReset,

    /// <summary>The first frame of a batch of the primary has a source address that clients use, too, so that the address is not
    /// learned (R15).</summary>
    AddressOfWorld,
}
