// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace ColoWire.Engine.Frames;

/// <summary>Frames that come in at one end and go at the other, each linked to the next through its descriptor: no memory of its own.</summary>
internal struct FrameFifo
{
    public FrameRef Head;
    public FrameRef Tail;
    public int Count;

    public static FrameFifo Empty => new() { Head = FrameRef.None, Tail = FrameRef.None };

    public readonly bool IsEmpty => Count == 0;

    /// <summary>Puts a frame behind all others.</summary>
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

    /// <summary>Takes the first frame out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void RemoveHead(FrameArena arena)
    {
        Debug.Assert(Count > 0, "there is a first frame");
        Head = arena[Head].Next;
        Count--;
    }
}
