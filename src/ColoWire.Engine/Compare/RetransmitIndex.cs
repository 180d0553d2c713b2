// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Finds the cached frames of a TCP flow that contain bytes of a range of sequence numbers. Most flows are never searched, so a
/// flow has no index until it is searched while it has more than <see cref="EngineLimits.RetransmitSearchSteps"/> cached frames.
/// From then on each cached frame costs O(log n), so the index is discarded after <c>retransmit_window</c> further frames without
/// a search.
/// </summary>
internal sealed class RetransmitIndex(FrameArena arena, StepMeter steps, int perFlow)
{
    private readonly SegmentIndex tree = new(arena);
    private readonly FrameRef[] meeting = new FrameRef[perFlow];
    private int count;

    /// <summary>Finds the cached frames of a flow that contain a byte of a range of sequence numbers.</summary>
    /// <returns>The frames, in no particular order; the span is valid until the next search.</returns>
    public ReadOnlySpan<FrameRef> FindMeeting(ref Flow flow, uint from, uint end)
    {
        count = 0;
        if (flow.Cached.Count > EngineLimits.RetransmitSearchSteps && TryIndex(ref flow))
        {
            flow.RetransmitIndex.Until = arena[flow.Cached.Tail].Number + (uint)perFlow;
            // A segment is shorter than 2^16 bytes, so none in the index reaches a range that is so far from the centre.
            if (TcpSequence.Distance(from, flow.RetransmitIndex.Centre) < 2 * EngineLimits.RetransmitIndexReachBytes)
            {
                Collect(flow.RetransmitIndex.Root, from - flow.RetransmitIndex.LongestBytes, from, end);
            }
        }
        else
        {
            for (FrameRef at = flow.Cached.Head; !at.IsNone; at = arena[at].Next)
            {
                Take(at, from, end);
            }
        }

        return meeting.AsSpan(0, count);
    }

    /// <summary>Adds a frame to the index of a flow that has one. Discards the index instead when the last search was more than
    /// <c>retransmit_window</c> frames ago, or when the frame begins too far from the centre of the index.</summary>
    public void Add(ref Flow flow, FrameRef kept)
    {
        if (!flow.RetransmitIndex.Exists)
        {
            return;
        }

        bool isInUse = (int)(arena[kept].Number - flow.RetransmitIndex.Until) <= 0;
        if (!isInUse || !TryInsert(ref flow, kept))
        {
            flow.RetransmitIndex.Root = FrameRef.None;
        }
    }

    /// <summary>Removes a frame from the index of a flow that has one.</summary>
    public void Remove(ref Flow flow, FrameRef kept)
    {
        if (flow.RetransmitIndex.Exists)
        {
            steps.Count();
            tree.Remove(ref flow.RetransmitIndex.Root, kept);
        }
    }

    /// <summary>Builds the index of a flow that has none.</summary>
    /// <returns>False when the flow's cached frames are too far apart for an index.</returns>
    private bool TryIndex(ref Flow flow)
    {
        if (flow.RetransmitIndex.Exists)
        {
            return true;
        }

        flow.RetransmitIndex.LongestBytes = 0;
        flow.RetransmitIndex.Centre = arena[flow.Cached.Head].Segment.StreamStart;
        for (FrameRef at = flow.Cached.Head; !at.IsNone; at = arena[at].Next)
        {
            steps.Count();
            if (!TryInsert(ref flow, at))
            {
                flow.RetransmitIndex.Root = FrameRef.None;
                return false;
            }
        }

        return true;
    }

    /// <summary>Inserts a frame into the index.</summary>
    /// <returns>False when the frame begins too far from the centre of the index.</returns>
    private bool TryInsert(ref Flow flow, FrameRef kept)
    {
        ref Frame frame = ref arena[kept];
        if (TcpSequence.Distance(frame.Segment.StreamStart, flow.RetransmitIndex.Centre) >= EngineLimits.RetransmitIndexReachBytes)
        {
            return false;
        }

        flow.RetransmitIndex.LongestBytes = Math.Max(
            flow.RetransmitIndex.LongestBytes, frame.Segment.StreamEnd - frame.Segment.StreamStart);
        tree.Add(ref flow.RetransmitIndex.Root, kept);
        return true;
    }

    /// <summary>Collects the frames of a subtree that contain a byte of the range. Only frames that begin at or after
    /// <paramref name="lowest"/>, and before the end of the range, can contain one.</summary>
    private void Collect(FrameRef at, uint lowest, uint from, uint end)
    {
        while (!at.IsNone)
        {
            ref Frame frame = ref arena[at];
            bool isBehind = !TcpSequence.Before(frame.Segment.StreamStart, end);
            bool isBefore = TcpSequence.Before(frame.Segment.StreamStart, lowest);
            if (isBehind || isBefore)
            {
                steps.Count();
                at = isBehind ? frame.Segment.IndexLeft : frame.Segment.IndexRight;
                continue;
            }

            Take(at, from, end);
            // The depth of the recursion is the height of the tree: about 30 calls for 4,096 frames, the most that a flow caches.
            Collect(frame.Segment.IndexLeft, lowest, from, end);
            at = frame.Segment.IndexRight;
        }
    }

    private void Take(FrameRef kept, uint from, uint end)
    {
        steps.Count();
        ref Frame frame = ref arena[kept];
        if (TcpSequence.TryIntersect(from, end, frame.Segment.StreamStart, frame.Segment.StreamEnd, out _, out _))
        {
            meeting[count++] = kept;
        }
    }
}
