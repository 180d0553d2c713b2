// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Compares datagrams (UDP, ICMP and every other protocol over IP but TCP) by content. Each datagram of the primary is matched
/// with an equal one of the secondary, in whatever order the datagrams arrived. A matched datagram is released once all older
/// datagrams of its flow have been released (R6). A datagram without a twin is suspect when the secondary has sent other
/// datagrams: the twin is late, or the replicas differ.
/// </summary>
internal sealed class DatagramComparer(
    EngineOptions options, FrameArena arena, ShardCounters counters, RetransmitCache cache, Disposition disposition,
    StepMeter steps)
{
    private readonly HeaderDifferences headers = new(arena, counters, options.Strict);
    private readonly ContentIndex primaries = new(arena, options.HashKey);
    private readonly ContentIndex secondaries = new(arena, options.HashKey);
    private readonly int reorderWindow = options.ReorderWindow;
    private readonly bool passesDuplicates = options.Duplicate == DuplicatePolicy.Pass;

    private uint accepted;

    /// <summary>Bytes that the content indexes of one shard take: one index for the held datagrams of each side, and with
    /// <c>dup: pass</c> one for the cached datagrams.</summary>
    public static long ByteCount(EngineOptions options) =>
        (options.Duplicate == DuplicatePolicy.Pass ? 3 : 2)
        * ContentIndex.ByteCount(options.SlotsPerSide + options.LargeSlotsPerSide);

    /// <summary>Whether the oldest held datagram can only stay held: no datagram of the secondary is held, and no newer datagram
    /// of the primary has found its twin.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MustWait(in Flow flow) => (flow.Secondary.Count | flow.Datagrams.Agreed) == 0 && !passesDuplicates;

    /// <summary>
    /// Compares a new datagram of the secondary with the oldest held one of the primary, because the datagrams of both sides
    /// mostly arrive in the same order. No datagram of the secondary may be held.
    /// </summary>
    /// <returns>Whether the two are equal. If so, the secondary's slot has been returned and the caller owns the primary's frame;
    /// otherwise nothing has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMatch(FrameView primary, FrameView secondary)
    {
        bool isWhole = (primary.Descriptor.Marks & ~FrameMarks.SentAhead) == FrameMarks.None;
        if (!isWhole || passesDuplicates || !ByteEquality.AreEqual(primary.Payload, secondary.Payload)
            || !headers.TryCount(primary, secondary))
        {
            return false;
        }

        disposition.ReturnSecondary(secondary.Reference);
        return true;
    }

    /// <summary>Records a datagram of the primary that is held behind older ones, and matches it when its twin has already
    /// arrived.</summary>
    /// <returns>Whether the datagram was matched.</returns>
    public bool AcceptPrimary(ref Flow flow, FrameRef primary)
    {
        if (flow.Secondary.IsEmpty)
        {
            if (flow.Primary.Count >= EngineLimits.IndexedAtOnce)
            {
                IndexPrimaries(ref flow, primary);
            }

            return false;
        }

        IndexSecondaries(ref flow);
        IndexPrimaries(ref flow, primary);
        return TryAgree(ref flow, primary, Find(secondaries, primary));
    }

    /// <summary>Holds a datagram of the secondary until its twin is compared. A twin that is held behind older datagrams is
    /// matched at once.</summary>
    public void AcceptSecondary(ref Flow flow, FrameRef secondary)
    {
        arena[secondary].Datagram.Order = ++accepted;
        if (flow.Secondary.IsEmpty)
        {
            flow.Datagrams.OvertakenBefore = accepted;
        }

        flow.Secondary.Append(arena, secondary);
        counters.SecondaryHeld++;
        if (flow.Datagrams.Unindexed.IsNone)
        {
            flow.Datagrams.Unindexed = secondary;
        }

        if (flow.Secondary.Count >= EngineLimits.IndexedAtOnce)
        {
            IndexSecondaries(ref flow);
        }

        if (flow.Primary.Count > 1 && FirstDifference(flow.Primary.Head, secondary) >= 0)
        {
            IndexPrimaries(ref flow, flow.Primary.Tail);
            IndexSecondaries(ref flow);
            TryAgree(ref flow, Find(primaries, secondary), secondary);
        }
    }

    /// <summary>Decides what happens to the oldest held frame of the primary. When it is matched, the slot of its twin is
    /// returned; with <c>dup: pass</c> the twin is cached.</summary>
    public Verdict Compare(ref Flow flow, FrameRef primary)
    {
        if ((arena[primary].Marks & FrameMarks.Agreed) != 0)
        {
            return Verdict.Release;
        }

        FrameRef first = flow.Secondary.Head;
        int difference = first.IsNone ? 0 : FirstDifference(primary, first);
        FrameRef twin = difference < 0 ? first : FindTwin(ref flow, primary);
        if (!twin.IsNone)
        {
            return Match(ref flow, primary, twin);
        }

        if (passesDuplicates && IsRepeated(in flow, primary))
        {
            return Verdict.ReleaseUnverified;
        }

        // Matched datagrams count only when a twin arrived after this frame. Before that, the secondary need not have sent this
        // datagram yet.
        int overtaking = flow.Secondary.Count
            + (flow.Datagrams.LastAgreedNs >= arena[primary].ArrivalNs ? flow.Datagrams.Agreed : 0);
        if (overtaking == 0)
        {
            return Verdict.Hold(ReasonOf(primary, DivergenceReason.Timeout));
        }

        VerdictKind kind = overtaking > reorderWindow ? VerdictKind.Divergence : VerdictKind.Suspect;
        DivergenceReason reason = ReasonOf(primary, first.IsNone ? DivergenceReason.Timeout : DivergenceReason.Payload);
        return new Verdict(kind, reason, difference, first, difference);
    }

    /// <summary>Removes a datagram of the primary that is released or dropped from the index and from the matched
    /// datagrams.</summary>
    public void Forget(ref Flow flow, FrameRef primary)
    {
        ref Frame frame = ref arena[primary];
        if ((frame.Marks & (FrameMarks.Hashed | FrameMarks.Agreed)) == 0)
        {
            return;
        }

        primaries.Remove(primary);
        if (flow.Datagrams.LastIndexed == primary)
        {
            flow.Datagrams.LastIndexed = FrameRef.None;
        }

        if (flow.Datagrams.LastAgreed == primary)
        {
            flow.Datagrams.LastAgreed = FrameRef.None;
            flow.Datagrams.LastAgreedNs = long.MinValue;
        }

        flow.Datagrams.Agreed -= (frame.Marks & FrameMarks.Agreed) != 0 ? 1 : 0;
    }

    /// <summary>Decides what happens to the oldest held frame of the primary, which is suspect, when its grace has
    /// expired.</summary>
    public Verdict ResolveAfterGrace(ref Flow flow, FrameRef primary, in Verdict suspect)
    {
        bool dropped = false;
        while (!flow.Secondary.IsEmpty && TryDropRepeated(ref flow, flow.Secondary.Head))
        {
            dropped = true;
        }

        Verdict verdict = dropped ? Compare(ref flow, primary) : suspect;
        return verdict.Kind == VerdictKind.Suspect ? verdict with { Kind = VerdictKind.Divergence } : verdict;
    }

    /// <summary>Returns the slot of a datagram that the secondary repeats and the primary does not, where <c>dup</c> permits
    /// that.</summary>
    /// <returns>False when the datagram is no permitted repetition; nothing has changed then.</returns>
    public bool TryDropRepeated(ref Flow flow, FrameRef secondary)
    {
        bool isNothing = passesDuplicates && IsRepeated(in flow, secondary);
        if (isNothing)
        {
            Remove(ref flow, secondary);
            disposition.ReturnRepeated(secondary);
        }

        return isNothing;
    }

    /// <summary>Whether the secondary's oldest held datagram arrived before another one that has already found its
    /// twin.</summary>
    public bool IsOvertaken(in Flow flow) => !flow.IsStream && !flow.Secondary.IsEmpty
        && (int)(arena[flow.Secondary.Head].Datagram.Order - flow.Datagrams.OvertakenBefore) < 0;

    /// <summary>Removes a held datagram of the secondary from its flow; the caller owns it afterwards.</summary>
    public void Remove(ref Flow flow, FrameRef secondary)
    {
        if (flow.Datagrams.Unindexed == secondary)
        {
            flow.Datagrams.Unindexed = arena[secondary].Next;
        }

        secondaries.Remove(secondary);
        flow.Secondary.Remove(arena, secondary);
        counters.SecondaryHeld--;
    }

    private Verdict Match(ref Flow flow, FrameRef primary, FrameRef twin)
    {
        if (headers.Count(primary, twin) is { } strict)
        {
            return Verdict.StrictField(strict, twin);
        }

        Consume(ref flow, twin);
        return Verdict.Release;
    }

    /// <summary>Matches a datagram of the primary, which is held behind older ones, with an equal one of the secondary.</summary>
    private bool TryAgree(ref Flow flow, FrameRef primary, FrameRef twin)
    {
        // A difference in a field that strict names is reported when the datagram is the oldest held one.
        if (primary.IsNone || twin.IsNone || headers.Count(primary, twin) is not null)
        {
            return false;
        }

        primaries.Remove(primary);
        arena[primary].Marks |= FrameMarks.Agreed;
        flow.Datagrams.Agreed++;
        if (arena[twin].ArrivalNs >= flow.Datagrams.LastAgreedNs)
        {
            flow.Datagrams.LastAgreed = primary;
            flow.Datagrams.LastAgreedNs = arena[twin].ArrivalNs;
        }

        Consume(ref flow, twin);
        return true;
    }

    private void Consume(ref Flow flow, FrameRef twin)
    {
        uint order = arena[twin].Datagram.Order;
        flow.Datagrams.OvertakenBefore = (int)(order - flow.Datagrams.OvertakenBefore) > 0
            ? order
            : flow.Datagrams.OvertakenBefore;
        bool isHashed = (arena[twin].Marks & FrameMarks.Hashed) != 0;
        Remove(ref flow, twin);
        if (passesDuplicates)
        {
            arena[twin].Datagram.ContentHash = isHashed ? arena[twin].Datagram.ContentHash : Hash(twin);
            cache.KeepDatagram(ref flow, twin);
        }
        else
        {
            disposition.ReturnSecondary(twin);
        }
    }

    private FrameRef FindTwin(ref Flow flow, FrameRef primary)
    {
        if (flow.Secondary.Count <= 1)
        {
            // The caller has already compared the only one.
            return FrameRef.None;
        }

        IndexSecondaries(ref flow);
        IndexPrimaries(ref flow, primary);
        return Find(secondaries, primary);
    }

    private void IndexSecondaries(ref Flow flow)
    {
        for (FrameRef at = flow.Datagrams.Unindexed; !at.IsNone; at = arena[at].Next)
        {
            steps.Count();
            arena[at].Datagram.ContentHash = Hash(at);
            secondaries.Add(at);
        }

        flow.Datagrams.Unindexed = FrameRef.None;
    }

    /// <summary>Adds the primary's held datagrams to the index, oldest first, up to and including
    /// <paramref name="last"/>.</summary>
    private void IndexPrimaries(ref Flow flow, FrameRef last)
    {
        while (flow.Datagrams.LastIndexed != last && (arena[last].Marks & FrameMarks.Hashed) == 0)
        {
            steps.Count();
            FrameRef next = flow.Datagrams.LastIndexed.IsNone ? flow.Primary.Head : arena[flow.Datagrams.LastIndexed].Next;
            arena[next].Datagram.ContentHash = Hash(next);
            primaries.Add(next);
            flow.Datagrams.LastIndexed = next;
        }
    }

    /// <summary>Finds the first datagram of the other side that equals a frame, or none.</summary>
    private FrameRef Find(ContentIndex others, FrameRef frame)
    {
        FrameRef found = others.First(arena[frame].Datagram.ContentHash);
        while (!found.IsNone && !IsTwin(frame, found))
        {
            steps.Count();
            found = arena[found].Datagram.NextInBucket;
        }

        return found;
    }

    /// <summary>Whether two frames belong to the same flow and are equal. A bucket holds frames of every flow, and two flows with
    /// the same hash differ in their addresses or ports.</summary>
    private bool IsTwin(FrameRef primary, FrameRef secondary)
    {
        ref Frame left = ref arena[primary];
        ref Frame right = ref arena[secondary];
        return left.Datagram.ContentHash == right.Datagram.ContentHash && left.FlowHash == right.FlowHash
            && IsSameFlow(primary, secondary)
            && FirstDifference(primary, secondary) < 0;
    }

    private bool IsSameFlow(FrameRef primary, FrameRef secondary)
    {
        FlowKey.Read(arena.Bytes(primary), in arena[primary].Layout, out FlowKey left);
        FlowKey.Read(arena.Bytes(secondary), in arena[secondary].Layout, out FlowKey right);
        return left.Equals(right);
    }

    private bool IsRepeated(in Flow flow, FrameRef frame)
    {
        if (flow.Cached.IsEmpty)
        {
            return false;
        }

        if ((arena[frame].Marks & FrameMarks.Hashed) == 0)
        {
            arena[frame].Datagram.ContentHash = Hash(frame);
        }

        return !Find(cache.Repeats!, frame).IsNone;
    }

    private DivergenceReason ReasonOf(FrameRef primary, DivergenceReason ofDatagram) =>
        arena[primary].Layout.Kind == FrameKind.Fragment ? DivergenceReason.Fragment : ofDatagram;

    private int FirstDifference(FrameRef primary, FrameRef secondary)
    {
        ref FrameLayout layout = ref arena[primary].Layout;
        if (layout.Kind == FrameKind.Fragment)
        {
            return LooseFragments.FirstDifference(arena, primary, secondary);
        }

        ReadOnlySpan<byte> left = arena.Payload(primary);
        ReadOnlySpan<byte> right = arena.Payload(secondary);
        if (layout.Kind is not (FrameKind.Icmp or FrameKind.IcmpV6))
        {
            return ByteEquality.FirstDifference(left, right);
        }

        return ComparedParts.FirstDifference(
            left, ComparedParts.Of(in layout, left), right, ComparedParts.Of(in arena[secondary].Layout, right));
    }

    private uint Hash(FrameRef frame)
    {
        uint flowHash = arena[frame].FlowHash;
        if (arena[frame].Layout.Kind == FrameKind.Fragment)
        {
            return secondaries.Hash(flowHash + LooseFragments.PlaceOf(arena, frame), LooseFragments.BytesOf(arena, frame));
        }

        ReadOnlySpan<byte> payload = arena.Payload(frame);
        return secondaries.Hash(flowHash, payload, ComparedParts.Of(in arena[frame].Layout, payload));
    }
}
