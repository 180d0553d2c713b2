// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;

namespace ColoWire.Engine.Frames;

/// <summary>
/// A queue of frames of one side that a flow holds, linked through their descriptors, so that it needs no memory of its own.
/// Every operation is O(1).
/// </summary>
internal struct FrameQueue
{
    public FrameRef Head;
    public FrameRef Tail;
    public int Count;

    public static FrameQueue Empty => new() { Head = FrameRef.None, Tail = FrameRef.None };

    public readonly bool IsEmpty => Count == 0;

    public void Append(FrameArena arena, FrameRef frame) => InsertAfter(arena, Tail, frame);

    /// <summary>Inserts a frame behind another frame, or at the front when <paramref name="previous"/> is none.</summary>
    public void InsertAfter(FrameArena arena, FrameRef previous, FrameRef frame)
    {
        FrameRef next = previous.IsNone ? Head : arena[previous].Next;
        arena[frame].Previous = previous;
        arena[frame].Next = next;
        Join(arena, previous, frame);
        Join(arena, frame, next);
        Count++;
    }

    public void Remove(FrameArena arena, FrameRef frame)
    {
        Debug.Assert(Count > 0, "the removed frame is in this queue");
        ref Frame descriptor = ref arena[frame];
        Join(arena, descriptor.Previous, descriptor.Next);
        Count--;
    }

    private void Join(FrameArena arena, FrameRef left, FrameRef right)
    {
        if (left.IsNone)
        {
            Head = right;
        }
        else
        {
            arena[left].Next = right;
        }

        if (right.IsNone)
        {
            Tail = left;
        }
        else
        {
            arena[right].Previous = left;
        }
    }
}
