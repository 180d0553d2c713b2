// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <content>
/// What is said again. Bytes that differ from what was said first at the same place are no difference between the two sides as long as
/// both say the same: a keepalive with a byte of garbage, a file that was changed between two transmissions of it. So what the secondary
/// has changed is kept beside what it said first, and what only the primary has changed waits a grace for the secondary's.
/// </content>
internal sealed partial class TcpStreamComparer
{
    /// <summary>
    /// Compares what the primary says again, from its first byte not yet looked at, with all that the secondary said there: in frames that
    /// are kept, or that wait because there is more in them. What is in neither any more is not looked at.
    /// </summary>
    private Verdict CompareRepeated(ref Flow flow, FrameRef primary, uint end)
    {
        uint from = arena[primary].Segment.StreamStart;
        if (TrySaid(ref flow, primary, from, end, out Change change))
        {
            if (change.IsSome)
            {
                counters.Count(IsKeepalive(in flow, primary) ? ToleratedField.Keepalive : ToleratedField.ConflictingRetransmission);
            }

            return Verdict.Release;
        }

        return Difference(DivergenceReason.Retransmit, primary, change.Against, change.At) with { Kind = VerdictKind.Suspect };
    }

    /// <summary>Says what becomes of bytes that only the primary has changed when the grace of that doubt is over.</summary>
    private Verdict ResolveChange(ref Flow flow, FrameRef primary, in Verdict suspect, long nowNs)
    {
        bool isSilent = nowNs - arena[suspect.Secondary].ArrivalNs >= EngineLimits.KeepaliveSilenceNs;
        if (!isSilent || !IsKeepalive(in flow, primary))
        {
            return suspect with { Kind = VerdictKind.Divergence };
        }

        counters.Count(ToleratedField.Keepalive);
        arena[primary].Segment.StreamStart = arena[primary].Segment.StreamEnd;
        return Compare(ref flow, primary);
    }

    /// <summary>Keeps what the secondary says again and otherwise than before; what it only repeats goes home.</summary>
    /// <returns>Whether it was otherwise.</returns>
    private bool TryKeepChange(ref Flow flow, FrameRef secondary)
    {
        ref Frame frame = ref arena[secondary];
        if (TrySaid(ref flow, secondary, frame.Segment.StreamStart, frame.Segment.StreamEnd, out Change change))
        {
            disposition.ReturnRepeated(secondary);
            return false;
        }

        if (flow.Tcp.Verified.Contains(change.At, out _))
        {
            // What contradicts a segment that waits was counted when the two met.
            counters.Count(ToleratedField.SecondaryOverlap);
        }

        cache.Keep(ref flow, secondary);
        if (!flow.Cached.IsEmpty && flow.Cached.Tail != secondary)
        {
            // There was no room for the changed segment. The older one alone would contradict the primary's equal change.
            cache.Clear(ref flow);
        }

        return true;
    }

    /// <summary>Whether the secondary has said each byte of a segment at its place, as far as that is still known.</summary>
    /// <param name="flow">Its flow.</param>
    /// <param name="segment">The segment, of either side.</param>
    /// <param name="from">The first sequence number to look at.</param>
    /// <param name="end">The sequence number behind the last one.</param>
    /// <param name="change">The first place at which the secondary has said something else, too, or nothing but that.</param>
    private bool TrySaid(ref Flow flow, FrameRef segment, uint from, uint end, out Change change)
    {
        ReadOnlySpan<FrameRef> known = cache.FindMeeting(ref flow, from, end);
        change = FindChange(ref flow, known, segment, from, end);
        Change next = change;
        for (int conflicts = 0; next.IsSome; conflicts++)
        {
            uint saidUntil = FindSaid(ref flow, known, segment, next.At, end);
            if (saidUntil == next.At || conflicts == EngineLimits.ConflictsPerSegment)
            {
                change = next;
                return false;
            }

            next = FindChange(ref flow, known, segment, saidUntil, end);
        }

        return true;
    }

    /// <summary>Finds the first byte of a segment that differs from the secondary's in any frame that is kept or waits.</summary>
    private Change FindChange(ref Flow flow, ReadOnlySpan<FrameRef> known, FrameRef segment, uint from, uint end)
    {
        Change first = new(FrameRef.None, end);
        foreach (FrameRef said in known)
        {
            NarrowChange(ref first, segment, said, from);
        }

        for (FrameRef said = segments.FindFrom(ref flow, from); StandsBefore(said, end); said = arena[said].Next)
        {
            NarrowChange(ref first, segment, said, from);
        }

        return first;
    }

    private void NarrowChange(ref Change first, FrameRef segment, FrameRef said, uint from)
    {
        // Compares only up to the first difference so far: a difference that is found then is an earlier one.
        int same = CountSame(segment, said, from, first.At, out uint start, out int count);
        if (same < count)
        {
            first = new Change(said, start + (uint)same);
        }
    }

    /// <summary>Finds how far from a byte on a segment says the same as one of the secondary's frames that are known.</summary>
    /// <returns>The first sequence number at which it does not; the first one of all when no frame has that byte.</returns>
    private uint FindSaid(ref Flow flow, ReadOnlySpan<FrameRef> known, FrameRef segment, uint from, uint end)
    {
        uint saidUntil = from;
        foreach (FrameRef said in known)
        {
            ExtendSaid(ref saidUntil, segment, said, from, end);
        }

        for (FrameRef said = segments.FindFrom(ref flow, from); StandsBefore(said, end); said = arena[said].Next)
        {
            ExtendSaid(ref saidUntil, segment, said, from, end);
        }

        return saidUntil;
    }

    private void ExtendSaid(ref uint saidUntil, FrameRef segment, FrameRef said, uint from, uint end)
    {
        int same = CountSame(segment, said, from, end, out uint start, out _);
        if (start == from && (uint)same > saidUntil - from)
        {
            saidUntil = from + (uint)same;
        }
    }

    private bool StandsBefore(FrameRef waiting, uint end) =>
        !waiting.IsNone && TcpSequence.Before(arena[waiting].Segment.StreamStart, end);

    /// <summary>Counts how many bytes two segments have in common where they meet.</summary>
    /// <param name="segment">The one.</param>
    /// <param name="said">The other one, of the secondary.</param>
    /// <param name="from">The first sequence number to look at.</param>
    /// <param name="end">The sequence number behind the last one.</param>
    /// <param name="start">Where they meet.</param>
    /// <param name="count">For how many bytes they do.</param>
    private int CountSame(FrameRef segment, FrameRef said, uint from, uint end, out uint start, out int count)
    {
        steps.Count();
        ref Frame other = ref arena[said];
        if (!TcpSequence.TryMeet(from, end, other.Segment.StreamStart, other.Segment.StreamEnd, out start, out count))
        {
            return 0;
        }

        int difference = ByteEquality.FirstDifference(
            segments.BytesFrom(segment, start)[..count], segments.BytesFrom(said, start)[..count]);
        return difference < 0 ? count : difference;
    }

    /// <summary>Whether a segment is a single byte at the end of all that the primary has said: a keepalive, where that byte is old.</summary>
    private bool IsKeepalive(in Flow flow, FrameRef primary) =>
        arena[primary].Layout.PayloadLength == 1 && arena[primary].Segment.StreamEnd == flow.Tcp.PrimaryNext;

    /// <summary>A place at which a segment differs from one of the secondary's, if any.</summary>
    private readonly record struct Change(FrameRef Against, uint At)
    {
        public bool IsSome => !Against.IsNone;
    }
}
