// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Finds the kept frames of a stream that hold a range of sequence numbers. Few flows search at all, so a flow has no index until
/// a search meets more than <see cref="EngineLimits.RetransmitSearchSteps"/> kept frames. From then on each kept frame costs O(log n),
/// so the index is given up after <c>retransmit_window</c> further frames without a search.
/// </summary>
internal sealed class RetransmitIndex(FrameArena arena, StepMeter steps, int perFlow)
{
    private readonly SegmentIndex tree = new(arena);
    private readonly FrameRef[] meeting = new FrameRef[perFlow];
    private int count;

    /// <summary>Finds the kept frames of a flow that hold a byte of a range.</summary>
    /// <returns>The frames, in no order; the span is valid until the next search.</returns>
    public ReadOnlySpan<FrameRef> FindMeeting(ref Flow flow, uint from, uint end)
    {
        count = 0;
        if (flow.Cached.Count > EngineLimits.RetransmitSearchSteps && TryIndex(ref flow))
        {
            flow.RetransmitIndex.Until = arena[flow.Cached.Tail].Number + (uint)perFlow;
            // A frame is shorter than 2^16 bytes, so none reaches so far.
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

    /// <summary>Adds a frame to the index of a flow that has one.</summary>
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

    /// <summary>Takes a frame out of the index of a flow that has one.</summary>
    public void Remove(ref Flow flow, FrameRef kept)
    {
        if (flow.RetransmitIndex.Exists)
        {
            steps.Count();
            tree.Remove(ref flow.RetransmitIndex.Root, kept);
        }
    }

    /// <summary>Builds the index of a flow that has none.</summary>
    /// <returns>False when its frames are too far apart for one.</returns>
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

    /// <summary>Inserts a frame.</summary>
    /// <returns>False when it begins too far from the centre of the index.</returns>
    private bool TryInsert(ref Flow flow, FrameRef kept)
    {
        ref Frame frame = ref arena[kept];
        if (TcpSequence.Distance(frame.Segment.StreamStart, flow.RetransmitIndex.Centre) >= EngineLimits.RetransmitIndexReachBytes)
        {
            return false;
        }

        flow.RetransmitIndex.LongestBytes = Math.Max(flow.RetransmitIndex.LongestBytes, frame.Segment.StreamEnd - frame.Segment.StreamStart);
        tree.Add(ref flow.RetransmitIndex.Root, kept);
        return true;
    }

    /// <summary>Takes the frames that hold a byte of the range, from the part of the tree whose frames begin at
    /// <paramref name="lowest"/> or behind it, and before the range ends.</summary>
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
            // The recursion is as deep as the tree is high: for 4,096 frames, the most that a flow keeps, some 30 calls.
            Collect(frame.Segment.IndexLeft, lowest, from, end);
            at = frame.Segment.IndexRight;
        }
    }

    private void Take(FrameRef kept, uint from, uint end)
    {
        steps.Count();
        ref Frame frame = ref arena[kept];
        if (TcpSequence.TryMeet(from, end, frame.Segment.StreamStart, frame.Segment.StreamEnd, out _, out _))
        {
            meeting[count++] = kept;
        }
    }
}
