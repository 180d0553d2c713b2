// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;

namespace ColoWire.Engine.Frames;

/// <summary>
/// Frames of one side that a flow holds, linked through their descriptors: no memory of its own, every operation O(1).
/// </summary>
internal struct FrameQueue
{
    public FrameRef Head;
    public FrameRef Tail;
    public int Count;

    public static FrameQueue Empty => new() { Head = FrameRef.None, Tail = FrameRef.None };

    public readonly bool IsEmpty => Count == 0;

    public void Append(FrameArena arena, FrameRef frame) => InsertAfter(arena, Tail, frame);

    /// <summary>Puts a frame behind another one, or first when that is none.</summary>
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
        Debug.Assert(Count > 0, "only a frame of this queue is removed");
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
