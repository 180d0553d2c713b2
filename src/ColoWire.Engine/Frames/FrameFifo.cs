// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace ColoWire.Engine.Frames;

/// <summary>
/// A first-in, first-out queue of frames, linked through their descriptors, so that it needs no memory of its own.
/// </summary>
internal struct FrameFifo
{
    public FrameRef Head;
    public FrameRef Tail;
    public int Count;

    public static FrameFifo Empty => new() { Head = FrameRef.None, Tail = FrameRef.None };

    public readonly bool IsEmpty => Count == 0;

    /// <summary>Appends a frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(FrameArena arena, FrameRef frame)
    {
        arena[frame].Next = FrameRef.None;
        if (Count == 0)
        {
            Head = frame;
        }
        else
        {
            arena[Tail].Next = frame;
        }

        Tail = frame;
        Count++;
    }

    /// <summary>Removes the first frame of a queue that is not empty, and appends another one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Rotate(FrameArena arena, FrameRef frame)
    {
        Debug.Assert(Count > 0, "the queue is not empty");
        arena[frame].Next = FrameRef.None;
        // Before the head is read: in a queue of one frame, the tail is the head.
        arena[Tail].Next = frame;
        Tail = frame;
        Head = arena[Head].Next;
    }

    /// <summary>Removes the first frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void RemoveHead(FrameArena arena)
    {
        Debug.Assert(Count > 0, "the queue is not empty");
        Head = arena[Head].Next;
        Count--;
    }
}
