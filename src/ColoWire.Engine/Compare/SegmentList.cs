// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// The secondary's segments of one flow, in the order of their sequence numbers and without overlap: of two copies of a byte the
/// first one counts (RFC 9293 section 3.10.7.4 leaves the choice; guests keep the first). A search starts at the ends and at the
/// place of the last one, so that in-order, reversed and interleaved arrivals all cost O(1); only where that is not near enough, the
/// flow gets an index, and costs O(log n) from then on until nothing waits in it.
/// </summary>
internal sealed class SegmentList(FrameArena arena, ShardCounters counters, Disposition disposition, EpochStart epochStart, StepMeter steps)
{
    private readonly SegmentIndex index = new(arena);

    /// <summary>Takes a segment in, trimmed to what is new.</summary>
    public Insertion Insert(ref Flow flow, FrameRef segment)
    {
        ref Frame frame = ref arena[segment];
        if (!IsInWindow(in flow, frame.Segment.StreamStart) && flow.Tcp.Has(TcpFlags.SynPending) && !flow.Tcp.Has(TcpFlags.OlderDropped))
        {
            // It belongs to the connection that is about to begin; the one before must not stand in its way.
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
            previous = MeetPrevious(ref flow, previous, segment);
        }

        ClearTheWay(ref flow, previous, segment);
        bool isEmpty = !TcpSequence.Before(frame.Segment.StreamStart, frame.Segment.StreamEnd);
        // What is verified while a SYN waits for the primary's belongs to the connection before.
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

    /// <summary>Finds the segment that holds a position.</summary>
    /// <returns>The segment, or none.</returns>
    public FrameRef Find(ref Flow flow, uint position)
    {
        FrameRef found = FindAtOrBefore(ref flow, position);
        return !found.IsNone && TcpSequence.Before(position, arena[found].Segment.StreamEnd) ? found : FrameRef.None;
    }

    /// <summary>Finds the first segment that could hold a position or one behind it; the others follow in order.</summary>
    /// <returns>The segment, or none.</returns>
    public FrameRef FindFrom(ref Flow flow, uint position)
    {
        FrameRef found = FindAtOrBefore(ref flow, position);
        return found.IsNone ? flow.Secondary.Head : found;
    }

    /// <summary>The bytes of a segment from a position on, as far as they count.</summary>
    public ReadOnlySpan<byte> BytesFrom(FrameRef segment, uint position) => Bytes(segment, position, arena[segment].Segment.StreamEnd);

    /// <summary>
    /// Sends home what came before the secondary's last SYN and the primary has not said; but what stands right behind that SYN was only
    /// faster on its way.
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
            if (isOlder && IsBehindSyn(in flow.Tcp, arena[at].Segment.StreamStart) && overtaking < EngineLimits.OvertakenSynSegments)
            {
                overtaking++;
            }
            else if (isOlder)
            {
                Drop(ref flow, at, DropReason.SecondaryUnmatched);
            }
        }

        // What comes from now on came behind the SYN.
        flow.Tcp.Set(TcpFlags.OlderDropped);
    }

    /// <summary>Takes a segment out; it belongs to the caller then.</summary>
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

    /// <summary>Whether a position is so near behind the last SYN that it belongs to the connection which that opens.</summary>
    public static bool IsBehindSyn(in TcpState tcp, uint start) =>
        start - tcp.SecondaryIsn - 1 < EngineLimits.OvertakenSynBytes
        || (tcp.Has(TcpFlags.PrimarySyn) && start - tcp.PrimaryIsn - 1 < EngineLimits.OvertakenSynBytes);

    /// <summary>Whether a segment may continue the segments that wait: it begins near the end of the last one.</summary>
    public bool MayContinueAt(in Flow flow, uint start) =>
        !flow.Secondary.IsEmpty
        && TcpSequence.Distance(start, arena[flow.Secondary.Tail].Segment.StreamEnd) < EngineLimits.OvertakenSynBytes;

    /// <summary>Whether a position is near enough to all segments that "before" and "after" order it among them: whoever sends
    /// sequence numbers from all around the circle must not confuse the order that searches rely on.</summary>
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

    /// <summary>Walks a few steps from where the last search ended. The position lies between the ends of the list.</summary>
    /// <returns>The last segment that begins at or before it, or none when that is farther away.</returns>
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

    /// <summary>The first copy counts, and cuts the second one; but a straggler's word gives way to that of the new secondary.</summary>
    /// <returns>The segment behind which the new one goes.</returns>
    private FrameRef MeetPrevious(ref Flow flow, FrameRef previous, FrameRef segment)
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

            // What the new secondary repeats is its own word from now on.
            arena[previous].ArrivalNs = arena[segment].ArrivalNs;
        }

        arena[segment].Segment.StreamStart = arena[previous].Segment.StreamEnd;
        return previous;
    }

    /// <summary>Removes later segments that the new one repeats, and cuts it where it runs into one that says more or otherwise.</summary>
    private void ClearTheWay(ref Flow flow, FrameRef previous, FrameRef segment)
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
        bool meet = TcpSequence.TryMeet(
            arena[first].Segment.StreamStart, arena[first].Segment.StreamEnd, arena[second].Segment.StreamStart, arena[second].Segment.StreamEnd, out uint start, out int count);
        bool differs = meet && !Bytes(first, start, start + (uint)count).SequenceEqual(Bytes(second, start, start + (uint)count));
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

/// <summary>What became of a segment of the secondary.</summary>
internal enum Insertion : byte
{
    /// <summary>It waits for the primary to say the same.</summary>
    Waits,

    /// <summary>It says nothing that was not said before, alike or not; it belongs to the caller, untrimmed.</summary>
    SaidBefore,

    /// <summary>It is too far from what waits, and has gone home.</summary>
    OutOfWindow,
}
