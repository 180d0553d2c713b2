// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Search tree over segments of one flow, by sequence number: a treap (Aragon and Seidel, "Randomized search trees", 1989) whose
/// links are in the frame descriptors. Segments that arrive in order need no tree; where it is built, a search costs O(log n) for
/// any order of arrival.
/// </summary>
internal sealed class SegmentIndex(FrameArena arena)
{
    /// <summary>Builds the index of a flow from all held segments of the secondary.</summary>
    public void Build(ref Flow flow)
    {
        flow.Tcp.IndexRoot = FrameRef.None;
        for (FrameRef at = flow.Secondary.Head; !at.IsNone; at = arena[at].Next)
        {
            Add(ref flow.Tcp.IndexRoot, at);
        }
    }

    /// <summary>Adds a segment. All segments of a tree must begin within less than half of the sequence number space. Several
    /// segments may begin at the same sequence number: such a segment is in the right subtree of each of the others that is
    /// nearer to the root, where <see cref="Remove"/> searches for it.</summary>
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

    /// <summary>Removes a segment, which must be in the tree.</summary>
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

    /// <summary>Finds the last segment that begins at or before a sequence number.</summary>
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
        return ref TcpSequence.Before(start, frame.Segment.StreamStart)
            ? ref frame.Segment.IndexLeft
            : ref frame.Segment.IndexRight;
    }

    /// <summary>The priority of a segment in the treap: pseudo-random, and always the same for a slot (R10). That suffices,
    /// because no sender can choose the slots of its frames.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Priority(FrameRef segment)
    {
        uint mixed = segment.Slot * 0x9E3779B1;
        mixed = (mixed ^ (mixed >> 15)) * 0x85EBCA77;
        return mixed ^ (mixed >> 13);
    }
}
