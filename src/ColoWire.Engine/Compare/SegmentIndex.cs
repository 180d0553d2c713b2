// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// A search tree over segments of one flow, by their sequence numbers: a treap (Aragon and Seidel, "Randomized search trees",
/// 1989), its links in the descriptors. Segments in order never need it; where it is built, a search costs O(log n) in whatever
/// order they come.
/// </summary>
internal sealed class SegmentIndex(FrameArena arena)
{
    /// <summary>Puts all segments of a flow into its index.</summary>
    public void Build(ref Flow flow)
    {
        flow.Tcp.IndexRoot = FrameRef.None;
        for (FrameRef at = flow.Secondary.Head; !at.IsNone; at = arena[at].Next)
        {
            Add(ref flow.Tcp.IndexRoot, at);
        }
    }

    /// <summary>Adds a segment. All segments in a tree must begin on less than half of the circle of sequence numbers. Several
    /// may begin at one place: such a segment stands in the right subtree of each that is nearer to the root, where
    /// <see cref="Remove"/> looks for it.</summary>
    public void Add(ref FrameRef root, FrameRef segment)
    {
        uint start = arena[segment].Segment.StreamStart;
        uint priority = Priority(segment);
        ref FrameRef link = ref root;
        while (!link.IsNone && Priority(link) >= priority)
        {
            link = ref ChildTowards(link, start);
        }

        FrameRef rest = link;
        link = segment;
        Split(rest, start, ref arena[segment].Segment.IndexLeft, ref arena[segment].Segment.IndexRight);
    }

    /// <summary>Takes a segment out.</summary>
    public void Remove(ref FrameRef root, FrameRef segment)
    {
        ref FrameRef link = ref root;
        while (link != segment)
        {
            link = ref ChildTowards(link, arena[segment].Segment.StreamStart);
        }

        FrameRef left = arena[segment].Segment.IndexLeft;
        FrameRef right = arena[segment].Segment.IndexRight;
        while (!left.IsNone && !right.IsNone)
        {
            if (Priority(left) >= Priority(right))
            {
                link = left;
                link = ref arena[left].Segment.IndexRight;
                left = link;
            }
            else
            {
                link = right;
                link = ref arena[right].Segment.IndexLeft;
                right = link;
            }
        }

        link = left.IsNone ? right : left;
    }

    /// <summary>Finds the last segment that begins at or before a position.</summary>
    /// <returns>The segment, or none.</returns>
    public FrameRef FindAtOrBefore(FrameRef root, uint position)
    {
        FrameRef found = FrameRef.None;
        while (!root.IsNone)
        {
            if (TcpSequence.Before(position, arena[root].Segment.StreamStart))
            {
                root = arena[root].Segment.IndexLeft;
            }
            else
            {
                found = root;
                root = arena[root].Segment.IndexRight;
            }
        }

        return found;
    }

    private void Split(FrameRef tree, uint start, ref FrameRef left, ref FrameRef right)
    {
        while (!tree.IsNone)
        {
            if (TcpSequence.Before(arena[tree].Segment.StreamStart, start))
            {
                left = tree;
                left = ref arena[tree].Segment.IndexRight;
                tree = left;
            }
            else
            {
                right = tree;
                right = ref arena[tree].Segment.IndexLeft;
                tree = right;
            }
        }

        left = FrameRef.None;
        right = FrameRef.None;
    }

    private ref FrameRef ChildTowards(FrameRef segment, uint start)
    {
        ref Frame frame = ref arena[segment];
        return ref TcpSequence.Before(start, frame.Segment.StreamStart) ? ref frame.Segment.IndexLeft : ref frame.Segment.IndexRight;
    }

    /// <summary>As good as random, and always the same for a slot (R10): the slots that a flow gets are nobody's choice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Priority(FrameRef segment)
    {
        uint mixed = segment.Slot * 0x9E3779B1;
        mixed = (mixed ^ (mixed >> 15)) * 0x85EBCA77;
        return mixed ^ (mixed >> 13);
    }
}
