// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// The held segments of the secondary in one flow, ordered by sequence number and without overlap. Of two copies of a byte the
/// first one counts (RFC 9293 section 3.10.7.4 leaves the choice; guests keep the first). A search starts at both ends of the
/// list and at the segment where the last search ended, so that in-order, reversed and interleaved arrivals all cost O(1). When
/// the segment is farther away than a few steps, the flow gets an index; each search then costs O(log n) until the flow holds no
/// segment of the secondary.
/// </summary>
internal sealed class SegmentList(
    FrameArena arena, ShardCounters counters, Disposition disposition, EpochStart epochStart, StepMeter steps)
{
    private readonly SegmentIndex index = new(arena);

    /// <summary>Inserts a segment, trimmed to the bytes that no held segment has.</summary>
    public Insertion Insert(ref Flow flow, FrameRef segment)
    {
        ref Frame frame = ref arena[segment];
        if (!IsInWindow(in flow, frame.Segment.StreamStart) && flow.Tcp.Has(TcpFlags.SynPending)
            && !flow.Tcp.Has(TcpFlags.OlderDropped))
        {
            // The segment belongs to the connection that the pending SYN opens. Held segments of the connection before would
            // reject it.
            DropOlderConnection(ref flow);
        }

        if (!IsInWindow(in flow, frame.Segment.StreamStart) && !IsStraggler(segment) && flow.Tcp.Has(TcpFlags.HoldsStragglers))
        {
            DropStragglers(ref flow);
        }

        if (!IsInWindow(in flow, frame.Segment.StreamStart))
        {
            disposition.DropSecondary(segment, DropReason.SecondaryOutOfWindow);
            return Insertion.OutOfWindow;
        }

        FrameRef previous = FindAtOrBefore(ref flow, frame.Segment.StreamStart);
        if (!previous.IsNone && TcpSequence.After(arena[previous].Segment.StreamEnd, frame.Segment.StreamStart))
        {
            previous = ResolveOverlapBefore(ref flow, previous, segment);
        }

        ResolveOverlapsBehind(ref flow, previous, segment);
        bool isEmpty = !TcpSequence.Before(frame.Segment.StreamStart, frame.Segment.StreamEnd);
        // While the secondary's SYN waits for the primary's, the verified ranges belong to the connection before.
        bool begins = flow.Tcp.Has(TcpFlags.SynPending) && IsBehindSyn(in flow.Tcp, frame.Segment.StreamStart);
        if (isEmpty || (!begins && flow.Tcp.Verified.Covers(frame.Segment.StreamStart, frame.Segment.StreamEnd)))
        {
            frame.Segment.StreamStart = frame.Segment.PayloadSequence;
            frame.Segment.StreamEnd = frame.Segment.PayloadSequence + frame.Layout.PayloadLength;
            return Insertion.SaidBefore;
        }

        flow.Secondary.InsertAfter(arena, previous, segment);
        if (!flow.Tcp.IndexRoot.IsNone)
        {
            index.Add(ref flow.Tcp.IndexRoot, segment);
        }
        else if (flow.Secondary.Count >= EngineLimits.IndexedAtOnce)
        {
            BuildIndex(ref flow);
        }

        if (IsStraggler(segment))
        {
            flow.Tcp.Set(TcpFlags.HoldsStragglers);
        }

        counters.SecondaryHeld++;
        flow.Tcp.Cursor = segment;
        return Insertion.Waits;
    }

    /// <summary>Finds the held segment that contains a sequence number.</summary>
    /// <returns>The segment, or none.</returns>
    public FrameRef Find(ref Flow flow, uint position)
    {
        FrameRef found = FindAtOrBefore(ref flow, position);
        return !found.IsNone && TcpSequence.Before(position, arena[found].Segment.StreamEnd) ? found : FrameRef.None;
    }

    /// <summary>Finds the first held segment that can contain a sequence number or a later one; the list continues with the later
    /// segments.</summary>
    /// <returns>The segment, or none.</returns>
    public FrameRef FindFrom(ref Flow flow, uint position)
    {
        FrameRef found = FindAtOrBefore(ref flow, position);
        return found.IsNone ? flow.Secondary.Head : found;
    }

    /// <summary>The bytes of a segment from a sequence number to the end of the part that was not trimmed.</summary>
    public ReadOnlySpan<byte> BytesFrom(FrameRef segment, uint position) =>
        Bytes(segment, position, arena[segment].Segment.StreamEnd);

    /// <summary>
    /// Drops the held segments that arrived before the secondary's last SYN. Segments that begin directly behind that SYN are
    /// kept, because they belong to the new connection and only overtook the SYN.
    /// </summary>
    public void DropOlderConnection(ref Flow flow)
    {
        int overtaking = 0;
        FrameRef next;
        for (FrameRef at = flow.Secondary.Head; !at.IsNone; at = next)
        {
            steps.Count();
            next = arena[at].Next;
            bool isOlder = (int)(arena[at].Number - flow.Tcp.SecondarySynNumber) < 0;
            if (isOlder && IsBehindSyn(in flow.Tcp, arena[at].Segment.StreamStart)
                && overtaking < EngineLimits.OvertakenSynSegments)
            {
                overtaking++;
            }
            else if (isOlder)
            {
                Drop(ref flow, at, DropReason.SecondaryUnmatched);
            }
        }

        // Segments that arrive from now on arrive after the SYN.
        flow.Tcp.Set(TcpFlags.OlderDropped);
    }

    /// <summary>Removes a segment from the list; the caller owns it afterwards.</summary>
    public void Take(ref Flow flow, FrameRef segment)
    {
        ref Frame frame = ref arena[segment];
        if (flow.Tcp.Cursor == segment)
        {
            flow.Tcp.Cursor = frame.Next.IsNone ? frame.Previous : frame.Next;
        }

        if (!flow.Tcp.IndexRoot.IsNone)
        {
            index.Remove(ref flow.Tcp.IndexRoot, segment);
        }

        flow.Secondary.Remove(arena, segment);
        counters.SecondaryHeld--;
    }

    /// <summary>Whether a segment begins so close behind the secondary's last SYN, or the primary's SYN that may be its twin,
    /// that it belongs to the connection that this SYN opens. A SYN of the primary that has found its twin opened the connection
    /// before.</summary>
    public static bool IsBehindSyn(in TcpState tcp, uint start) =>
        start - tcp.SecondaryIsn - 1 < EngineLimits.OvertakenSynBytes
        || (tcp.Has(TcpFlags.PrimarySyn) && !tcp.Has(TcpFlags.SynMatched)
            && start - tcp.PrimaryIsn - 1 < EngineLimits.OvertakenSynBytes);

    /// <summary>Whether a segment may continue the held segments: it begins near the end of the last one.</summary>
    public bool MayContinueAt(in Flow flow, uint start) =>
        !flow.Secondary.IsEmpty
        && TcpSequence.Distance(start, arena[flow.Secondary.Tail].Segment.StreamEnd) < EngineLimits.OvertakenSynBytes;

    /// <summary>Whether a sequence number is close enough to both ends of the list for serial arithmetic (RFC 1982) to order it
    /// among the segments. Without this check, a sender that uses numbers from the whole sequence number space would break the
    /// order on which searches rely.</summary>
    private bool IsInWindow(in Flow flow, uint position) =>
        flow.Secondary.IsEmpty
        || (TcpSequence.Distance(position, arena[flow.Secondary.Head].Segment.StreamStart) < EngineLimits.MaxWindowBytes
            && TcpSequence.Distance(position, arena[flow.Secondary.Tail].Segment.StreamStart) < EngineLimits.MaxWindowBytes);

    private bool IsStraggler(FrameRef segment) => epochStart.IsStraggler(in arena[segment]);

    private void DropStragglers(ref Flow flow)
    {
        FrameRef next;
        for (FrameRef at = flow.Secondary.Head; !at.IsNone; at = next)
        {
            steps.Count();
            next = arena[at].Next;
            if (IsStraggler(at))
            {
                Drop(ref flow, at, DropReason.SecondaryStale);
            }
        }

        flow.Tcp.Clear(TcpFlags.HoldsStragglers);
    }

    private void Drop(ref Flow flow, FrameRef segment, DropReason reason)
    {
        Take(ref flow, segment);
        disposition.DropSecondary(segment, reason);
    }

    private FrameRef FindAtOrBefore(ref Flow flow, uint position)
    {
        if (flow.Secondary.IsEmpty || TcpSequence.Before(position, arena[flow.Secondary.Head].Segment.StreamStart))
        {
            return FrameRef.None;
        }

        if (!TcpSequence.Before(position, arena[flow.Secondary.Tail].Segment.StreamStart))
        {
            return flow.Secondary.Tail;
        }

        flow.Tcp.Cursor = FindNear(flow.Tcp.Cursor, position) is { IsNone: false } near ? near : FindFar(ref flow, position);
        return flow.Tcp.Cursor;
    }

    /// <summary>Walks a few steps from the segment where the last search ended. The sequence number lies between the ends of the
    /// list.</summary>
    /// <returns>The last segment that begins at or before the sequence number, or none when that segment is more steps
    /// away.</returns>
    private FrameRef FindNear(FrameRef at, uint position)
    {
        int steps = EngineLimits.SegmentSearchSteps;
        for (; steps != 0 && TcpSequence.Before(position, arena[at].Segment.StreamStart); steps--)
        {
            at = arena[at].Previous;
        }

        FrameRef next = arena[at].Next;
        for (; steps != 0 && !TcpSequence.Before(position, arena[next].Segment.StreamStart); steps--)
        {
            at = next;
            next = arena[at].Next;
        }

        return steps != 0 ? at : FrameRef.None;
    }

    private FrameRef FindFar(ref Flow flow, uint position)
    {
        if (flow.Tcp.IndexRoot.IsNone)
        {
            BuildIndex(ref flow);
        }

        return index.FindAtOrBefore(flow.Tcp.IndexRoot, position);
    }

    private void BuildIndex(ref Flow flow)
    {
        steps.Count(flow.Secondary.Count);
        index.Build(ref flow);
    }

    /// <summary>Resolves the overlap of a new segment with the one before it. The first copy counts, and the new segment is cut.
    /// A straggler that differs from a segment of the new secondary is dropped instead.</summary>
    /// <returns>The segment behind which the new one is inserted.</returns>
    private FrameRef ResolveOverlapBefore(ref Flow flow, FrameRef previous, FrameRef segment)
    {
        bool differs = NoteConflict(previous, segment);
        if (IsStraggler(previous) && !IsStraggler(segment))
        {
            if (differs)
            {
                FrameRef before = arena[previous].Previous;
                Drop(ref flow, previous, DropReason.SecondaryStale);
                return before;
            }

            // The new secondary has repeated the straggler's bytes, so that they count as its own from now on.
            arena[previous].ArrivalNs = arena[segment].ArrivalNs;
        }

        arena[segment].Segment.StreamStart = arena[previous].Segment.StreamEnd;
        return previous;
    }

    /// <summary>Resolves the overlap of a new segment with later ones. A later segment that the new one repeats in full is
    /// removed. The new segment is cut where a later one differs or extends beyond it. A straggler that differs is
    /// dropped.</summary>
    private void ResolveOverlapsBehind(ref Flow flow, FrameRef previous, FrameRef segment)
    {
        ref Frame frame = ref arena[segment];
        FrameRef next = previous.IsNone ? flow.Secondary.Head : arena[previous].Next;
        while (!next.IsNone && TcpSequence.Before(arena[next].Segment.StreamStart, frame.Segment.StreamEnd))
        {
            bool differs = NoteConflict(next, segment);
            if (differs && IsStraggler(next) && !IsStraggler(segment))
            {
                FrameRef straggler = next;
                next = arena[next].Next;
                Drop(ref flow, straggler, DropReason.SecondaryStale);
                continue;
            }

            if (differs || TcpSequence.After(arena[next].Segment.StreamEnd, frame.Segment.StreamEnd))
            {
                frame.Segment.StreamEnd = arena[next].Segment.StreamStart;
                return;
            }

            FrameRef repeated = next;
            next = arena[next].Next;
            Take(ref flow, repeated);
            disposition.ReturnRepeated(repeated);
        }
    }

    private bool NoteConflict(FrameRef first, FrameRef second)
    {
        bool overlap = TcpSequence.TryIntersect(
            arena[first].Segment.StreamStart, arena[first].Segment.StreamEnd, arena[second].Segment.StreamStart,
            arena[second].Segment.StreamEnd, out uint start, out int count);
        bool differs =
            overlap && !Bytes(first, start, start + (uint)count).SequenceEqual(Bytes(second, start, start + (uint)count));
        if (differs)
        {
            counters.Count(ToleratedField.SecondaryOverlap);
        }

        return differs;
    }

    private ReadOnlySpan<byte> Bytes(FrameRef segment, uint start, uint end)
    {
        ref Frame frame = ref arena[segment];
        int offset = frame.Layout.PayloadOffset + (int)(start - frame.Segment.PayloadSequence);
        return arena.Bytes(segment).Slice(offset, (int)(end - start));
    }
}

/// <summary>Result of inserting a segment of the secondary.</summary>
internal enum Insertion : byte
{
    /// <summary>The segment is held until the primary has sent the same bytes.</summary>
    Waits,

    /// <summary>All bytes of the segment were sent before, with the same values or others. The caller owns the segment,
    /// untrimmed.</summary>
    SaidBefore,

    /// <summary>The segment is too far from the held ones, and was dropped.</summary>
    OutOfWindow,
}
