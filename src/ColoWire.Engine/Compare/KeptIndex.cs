// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Finds which of a stream's kept frames say something about a range of sequence numbers. Most flows never ask, and keep no index; one
/// that asks with many frames kept gets one, which is given up when nobody has asked for as many frames as are kept.
/// </summary>
internal sealed class KeptIndex(FrameArena arena, StepMeter steps, int perFlow)
{
    private readonly SegmentIndex tree = new(arena);
    private readonly FrameRef[] meeting = new FrameRef[perFlow];
    private int count;

    /// <summary>Finds the kept frames of a flow that hold a byte of a range.</summary>
    /// <returns>Them, in no order; valid until the next search.</returns>
    public ReadOnlySpan<FrameRef> FindMeeting(ref Flow flow, uint from, uint end)
    {
        count = 0;
        if (flow.Kept.Count > EngineLimits.KeptSearchSteps && TryIndex(ref flow))
        {
            flow.KeptIndexUntil = arena[flow.Kept.Tail].Number + (uint)perFlow;
            if (IsInWindow(flow.KeptIndexRoot, from))
            {
                Collect(flow.KeptIndexRoot, from - flow.KeptLongestBytes, from, end);
            }
        }
        else
        {
            for (FrameRef at = flow.Kept.Head; !at.IsNone; at = arena[at].Next)
            {
                Take(at, from, end);
            }
        }

        return meeting.AsSpan(0, count);
    }

    /// <summary>A frame is kept from now on.</summary>
    public void Add(ref Flow flow, FrameRef kept)
    {
        ref FrameRef root = ref flow.KeptIndexRoot;
        if (root.IsNone)
        {
            return;
        }

        bool isWanted = (int)(arena[kept].Number - flow.KeptIndexUntil) <= 0 && IsInWindow(root, arena[kept].StreamStart);
        if (!isWanted)
        {
            root = FrameRef.None;
            return;
        }

        AddWanted(ref flow, kept);
    }

    /// <summary>A frame is not kept any more.</summary>
    public void Remove(ref Flow flow, FrameRef kept)
    {
        if (!flow.KeptIndexRoot.IsNone)
        {
            steps.Count();
            tree.Remove(ref flow.KeptIndexRoot, kept);
        }
    }

    /// <summary>Makes sure that a flow has its index.</summary>
    /// <returns>False when its frames are so far apart that nothing orders them.</returns>
    private bool TryIndex(ref Flow flow)
    {
        if (!flow.KeptIndexRoot.IsNone)
        {
            return true;
        }

        flow.KeptLongestBytes = 0;
        for (FrameRef at = flow.Kept.Head; !at.IsNone; at = arena[at].Next)
        {
            steps.Count();
            if (!IsInWindow(flow.Kept.Head, arena[at].StreamStart))
            {
                flow.KeptIndexRoot = FrameRef.None;
                return false;
            }

            AddWanted(ref flow, at);
        }

        return true;
    }

    private void AddWanted(ref Flow flow, FrameRef kept)
    {
        ref Frame frame = ref arena[kept];
        flow.KeptLongestBytes = Math.Max(flow.KeptLongestBytes, frame.StreamEnd - frame.StreamStart);
        tree.Add(ref flow.KeptIndexRoot, kept);
    }

    /// <summary>Walks the part of the tree of which the frames begin at or behind <paramref name="lowest"/> and before the range ends.</summary>
    private void Collect(FrameRef at, uint lowest, uint from, uint end)
    {
        while (!at.IsNone)
        {
            ref Frame frame = ref arena[at];
            bool isBehind = !TcpSequence.Before(frame.StreamStart, end);
            bool isBefore = TcpSequence.Before(frame.StreamStart, lowest);
            if (isBehind || isBefore)
            {
                steps.Count();
                at = isBehind ? frame.IndexLeft : frame.IndexRight;
                continue;
            }

            Take(at, from, end);
            // As deep as the tree is high: about twice the logarithm of the frames that one flow may keep.
            Collect(frame.IndexLeft, lowest, from, end);
            at = frame.IndexRight;
        }
    }

    private void Take(FrameRef kept, uint from, uint end)
    {
        steps.Count();
        ref Frame frame = ref arena[kept];
        if (TcpSequence.TryMeet(from, end, frame.StreamStart, frame.StreamEnd, out _, out _))
        {
            meeting[count++] = kept;
        }
    }

    /// <summary>Half as far as serial arithmetic could order two frames on both sides of the first.</summary>
    private bool IsInWindow(FrameRef first, uint position) =>
        TcpSequence.Distance(arena[first].StreamStart, position) < EngineLimits.MaxWindowBytes / 2;
}
