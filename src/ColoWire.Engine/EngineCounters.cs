// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace ColoWire.Engine;

/// <summary>Why a primary frame left without having been verified.</summary>
public enum UnverifiedReason : byte
{
    /// <summary>A finished checkpoint made the secondary a copy of the primary.</summary>
    Checkpoint,

    /// <summary>Its flow diverged earlier, and no checkpoint can mend it (requester <c>none</c>).</summary>
    AfterDivergence,

    /// <summary>Its flow held more than <c>max_queue_size</c>, or no slot or flow was left.</summary>
    Overflow,

    /// <summary>ColoWire stopped.</summary>
    Stop,

    /// <summary>It was captured before the checkpoint that has finished since.</summary>
    StaleEpoch,

    /// <summary>A policy (<c>rst</c>, <c>dup</c>) let it go.</summary>
    Policy,

    /// <summary>The secondary's port had no link, and the policy is to go on.</summary>
    SecondaryLost,

    /// <summary>The secondary may have said it before the comparison began: the beginning of its TCP connection was not seen, or
    /// the epoch has just begun without a checkpoint, and its twin may have come before that.</summary>
    Unseen,

    /// <summary>The guest was taken over by the primary alone.</summary>
    Failover,

    /// <summary>The operator has ordered it (a flush, or another mode).</summary>
    Order,

    /// <summary>Its flow has used up its share of checkpoints (<c>checkpoint_share</c>), and differed once more.</summary>
    KeepsDiffering,

    /// <summary>Its flow has made a duty fail, and is not compared any more.</summary>
    Quarantine,
}

/// <summary>A field that may differ without a divergence (R3).</summary>
public enum ToleratedField : byte
{
    /// <summary>Source or destination MAC address, or VLAN priority.</summary>
    Mac,

    /// <summary>IPv4 identification, IPv6 flow label.</summary>
    IpId,

    /// <summary>Time to live, hop limit.</summary>
    Ttl,

    /// <summary>DSCP and ECN.</summary>
    TrafficClass,

    /// <summary>The don't-fragment bit.</summary>
    DontFragment,

    /// <summary>IPv4 options or IPv6 extension headers.</summary>
    IpOptions,

    /// <summary>TCP window.</summary>
    Window,

    /// <summary>TCP window of zero on the primary only.</summary>
    ZeroWindow,

    /// <summary>TCP PSH.</summary>
    Push,

    /// <summary>TCP URG or urgent pointer.</summary>
    Urgent,

    /// <summary>TCP options, timestamps and SACK blocks among them; not those of a SYN.</summary>
    TcpOptions,

    /// <summary>What a SYN offers: maximum segment size, window scale, SACK (RFC 9293 section 3.2, RFC 7323, RFC 2018).</summary>
    SynOptions,

    /// <summary>Checksum of the transport: zero, partial or full.</summary>
    Checksum,

    /// <summary>The secondary contradicts what it has said itself; the first copy counts. The first of those that are no field of a
    /// header.</summary>
    SecondaryOverlap,

    /// <summary>The primary says bytes of a stream again of which the secondary has said more than one version, and this one among them: that
    /// is no difference between the two.</summary>
    ConflictingRetransmission,

    /// <summary>A keepalive of the primary whose one byte is another one than was verified there (RFC 1122 section 4.2.3.6): both sent the
    /// same, or nothing had been said for <see cref="EngineLimits.KeepaliveSilenceNs"/>.</summary>
    Keepalive,
}

/// <summary>Why a frame that arrived went nowhere.</summary>
public enum DropReason : byte
{
    /// <summary>Primary: a policy drops its flow.</summary>
    PrimaryPolicy,

    /// <summary>Primary: held when the secondary took over; the client never saw it and the secondary goes on without it.</summary>
    PrimaryFailover,

    /// <summary>Secondary: a policy drops its flow.</summary>
    SecondaryPolicy,

    /// <summary>Secondary: not comparable, see <see cref="Wire.NotComparedReason"/>.</summary>
    SecondaryPassed,

    /// <summary>Secondary: malformed.</summary>
    SecondaryMalformed,

    /// <summary>Secondary: captured before the checkpoint that has finished since (R7).</summary>
    SecondaryStale,

    /// <summary>Secondary: its flow has diverged for good.</summary>
    SecondaryAfterDivergence,

    /// <summary>Secondary: its flow held <c>max_queue_size</c> frames of it already.</summary>
    SecondaryQueueFull,

    /// <summary>Secondary: every flow holds something, and <c>overflow</c> says to hold.</summary>
    SecondaryTableFull,

    /// <summary>Secondary: its sequence number is farther from what its flow holds than any window reaches.</summary>
    SecondaryOutOfWindow,

    /// <summary>Secondary: a fragment whose datagram cannot be put together (missing, overlapping, or no memory left).</summary>
    SecondaryFragment,

    /// <summary>Secondary: the primary runs alone, or the secondary is not in step with it yet.</summary>
    SecondaryAlone,

    /// <summary>Secondary: the primary never said it; cleared by a checkpoint, a divergence or the stop.</summary>
    SecondaryUnmatched,

    /// <summary>Primary: it was under way when a duty failed.</summary>
    PrimaryFailure,

    /// <summary>Secondary: it was under way, or waited for its twin, when a duty failed.</summary>
    SecondaryFailure,
}

/// <summary>
/// What one shard has counted, or the sum of several. A shard's is written by the shard's thread only; any thread may read it: each
/// number is whole, all of them together are no snapshot.
/// </summary>
public sealed class ShardCounters
{
    private readonly long[] notCompared = new long[Enum.GetValues<Wire.NotComparedReason>().Length];
    private readonly long[] malformed = new long[Enum.GetValues<Wire.MalformedKind>().Length];
    private readonly long[] unverified = new long[Enum.GetValues<UnverifiedReason>().Length];
    private readonly long[] tolerated = new long[Enum.GetValues<ToleratedField>().Length];
    private readonly long[] drops = new long[Enum.GetValues<DropReason>().Length];
    private readonly long[] divergences = new long[Enum.GetValues<Compare.DivergenceReason>().Length];
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

    /// <summary>Primary frames that left because the secondary agreed.</summary>
    public long Verified
    {
        get => singles[(int)Single.Verified];
        internal set => singles[(int)Single.Verified] = value;
    }

    /// <summary>Primary frames that wait.</summary>
    public long Held
    {
        get => singles[(int)Single.Held];
        internal set => singles[(int)Single.Held] = value;
    }

    /// <summary>Secondary frames that wait for the primary to say the same.</summary>
    public long SecondaryHeld
    {
        get => singles[(int)Single.SecondaryHeld];
        internal set => singles[(int)Single.SecondaryHeld] = value;
    }

    /// <summary>Flows known.</summary>
    public long Flows
    {
        get => singles[(int)Single.Flows];
        internal set => singles[(int)Single.Flows] = value;
    }

    /// <summary>Idle flows that made room for new ones.</summary>
    public long FlowsEvicted
    {
        get => singles[(int)Single.FlowsEvicted];
        internal set => singles[(int)Single.FlowsEvicted] = value;
    }

    /// <summary>Secondary frames that repeated what had been verified.</summary>
    public long SecondaryRepeated
    {
        get => singles[(int)Single.SecondaryRepeated];
        internal set => singles[(int)Single.SecondaryRepeated] = value;
    }

    /// <summary>Secondary frames that left because it took over.</summary>
    public long SecondaryReleased
    {
        get => singles[(int)Single.SecondaryReleased];
        internal set => singles[(int)Single.SecondaryReleased] = value;
    }

    /// <summary>Divergence reports that the gate had no room for; their flows are held all the same.</summary>
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

    /// <summary>For the shard that goes on where one has failed: nothing is held any more, what was counted stays.</summary>
    internal void BeginAnew()
    {
        Held = 0;
        SecondaryHeld = 0;
        Flows = 0;
    }

    internal void Count(Wire.NotComparedReason reason, int frames) => notCompared[(int)reason] += frames;

    internal void Count(Wire.MalformedKind kind, int frames) => malformed[(int)kind] += frames;

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

    internal void Count(Compare.DivergenceReason reason) => divergences[(int)reason]++;

    // An element at a constant index is as cheap as a field, and all of them together are a span.
    [InlineArray((int)Single.Count)]
    private struct SingleNumbers
    {
        private long first;
    }
}
