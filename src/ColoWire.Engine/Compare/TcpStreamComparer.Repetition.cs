// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <content>
/// Retransmissions. Retransmitted bytes that differ from those verified at the same sequence numbers are no divergence as long as
/// both sides send them: a keepalive with a byte of garbage (RFC 1122 section 4.2.3.6), or a file that changed between two
/// transmissions of it. So a segment in which the secondary has changed bytes is cached beside the first one, and a segment in
/// which only the primary has changed bytes waits for the secondary's for as long as the grace.
/// </content>
internal sealed partial class TcpStreamComparer
{
    /// <summary>
    /// Compares bytes that the primary retransmits, from the first byte not yet compared, with all bytes that the secondary has
    /// sent at the same sequence numbers: in cached segments, and in held segments that contain newer bytes as well. Bytes that
    /// are in neither are not compared.
    /// </summary>
    private Verdict CompareRepeated(ref Flow flow, FrameRef primary, uint end)
    {
        uint from = arena[primary].Segment.StreamStart;
        if (TrySaid(ref flow, primary, from, end, out Change change))
        {
            if (change.IsSome)
            {
                counters.Count(
                    IsKeepalive(in flow, primary) ? ToleratedField.Keepalive : ToleratedField.ConflictingRetransmission);
            }

            return Verdict.Release;
        }

        return Difference(DivergenceReason.Retransmit, primary, change.Against, change.At) with { Kind = VerdictKind.Suspect };
    }

    /// <summary>Decides what happens, when the grace has expired, to a segment in which only the primary has changed
    /// retransmitted bytes.</summary>
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

    /// <summary>Caches a segment in which the secondary has changed retransmitted bytes; returns the slot of a segment that only
    /// repeats them.</summary>
    /// <returns>Whether bytes have changed.</returns>
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
            // A contradiction to a held segment was counted when the segment was inserted.
            counters.Count(ToleratedField.SecondaryOverlap);
        }

        cache.Keep(ref flow, secondary);
        if (!flow.Cached.IsEmpty && flow.Cached.Tail != secondary)
        {
            // There was no room for the changed segment. The older segment alone would contradict the primary's equal change.
            cache.Clear(ref flow);
        }

        return true;
    }

    /// <summary>Whether the secondary has sent each byte of a segment at the same sequence number, as far as its segments are
    /// cached or held.</summary>
    /// <param name="flow">Its flow.</param>
    /// <param name="segment">The segment, of either side.</param>
    /// <param name="from">The first sequence number to compare.</param>
    /// <param name="end">The sequence number behind the last one to compare.</param>
    /// <param name="change">If true is returned, the first sequence number at which the secondary has sent another byte as well,
    /// if any; otherwise the first one at which it has sent only other bytes.</param>
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

    /// <summary>Finds the first byte of a segment that differs from a cached or held segment of the secondary.</summary>
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
        // The comparison ends at the first difference found so far, so that a difference found here is an earlier one.
        int same = CountSame(segment, said, from, first.At, out uint start, out int count);
        if (same < count)
        {
            first = new Change(said, start + (uint)same);
        }
    }

    /// <summary>Finds how far the bytes of a segment, from a sequence number on, equal those of one cached or held segment of the
    /// secondary.</summary>
    /// <returns>The first sequence number at which they differ; <paramref name="from"/> when no segment has an equal byte
    /// there.</returns>
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

    /// <summary>Counts the bytes that are equal from the beginning of the overlap of two segments.</summary>
    /// <param name="segment">The first segment, of either side.</param>
    /// <param name="said">The second segment, of the secondary.</param>
    /// <param name="from">The first sequence number to compare.</param>
    /// <param name="end">The sequence number behind the last one to compare.</param>
    /// <param name="start">The first sequence number of the overlap.</param>
    /// <param name="count">The length of the overlap in bytes.</param>
    private int CountSame(FrameRef segment, FrameRef said, uint from, uint end, out uint start, out int count)
    {
        steps.Count();
        ref Frame other = ref arena[said];
        if (!TcpSequence.TryIntersect(from, end, other.Segment.StreamStart, other.Segment.StreamEnd, out start, out count))
        {
            return 0;
        }

        int difference = ByteEquality.FirstDifference(
            segments.BytesFrom(segment, start)[..count], segments.BytesFrom(said, start)[..count]);
        return difference < 0 ? count : difference;
    }

    /// <summary>Whether a segment is a single byte at the end of all bytes that the primary has sent: a keepalive, if that byte
    /// was sent before (RFC 1122 section 4.2.3.6).</summary>
    private bool IsKeepalive(in Flow flow, FrameRef primary) =>
        arena[primary].Layout.PayloadLength == 1 && arena[primary].Segment.StreamEnd == flow.Tcp.PrimaryNext;

    /// <summary>The first sequence number at which a segment differs from one of the secondary's, if any.</summary>
    private readonly record struct Change(FrameRef Against, uint At)
    {
        public bool IsSome => !Against.IsNone;
    }
}
