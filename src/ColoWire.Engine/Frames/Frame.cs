// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Frames;

/// <summary>
/// What is known of the bytes in one slot: one cache line beside the arena, written by the capture duty, then owned by the shard.
/// A port sets <see cref="Offset"/>, <see cref="Length"/>, <see cref="Number"/> and <see cref="ArrivalNs"/>; everything else is the
/// engine's.
/// </summary>
/// <remarks>
/// A frame on its way to its flow needs its hash and its epoch. One that its flow holds needs its place there instead: as a TCP segment
/// (<see cref="Segment"/>) or as a datagram (<see cref="Datagram"/>). The three share their bytes, for a descriptor is one cache line.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = EngineLimits.CacheLineBytes)]
public struct Frame
{
    private const int StateOffset = 28;

    /// <summary>Time of arrival in nanoseconds of the engine's clock (live: monotonic; replay: the capture's timestamp).</summary>
    [FieldOffset(0)]
    public long ArrivalNs;

    /// <summary>Length of the captured bytes.</summary>
    [FieldOffset(8)]
    public int Length;

    /// <summary>Where in the slot the bytes begin (an AF_XDP chunk has headroom).</summary>
    [FieldOffset(12)]
    public ushort Offset;

    /// <summary>What is particular about it.</summary>
    [FieldOffset(14)]
    internal FrameMarks Marks;

    /// <summary>Number of the frame on its port, from 1 as Wireshark counts; wraps at 2^32, it is used in reports only.</summary>
    [FieldOffset(16)]
    public uint Number;

    /// <summary>Next frame in the queue of its flow; of a fragment that is kept, the one that came next.</summary>
    [FieldOffset(20)]
    internal FrameRef Next;

    /// <summary>Previous frame in the queue of its flow.</summary>
    [FieldOffset(24)]
    internal FrameRef Previous;

    /// <summary>The keyed hash of its flow: chooses the shard and the bucket. Of a held segment of the secondary it is not known.</summary>
    [FieldOffset(StateOffset)]
    public uint FlowHash;

    /// <summary>The epoch in which it was captured (R7). Of a frame that its flow holds it is not known.</summary>
    [FieldOffset(StateOffset + 4)]
    public uint Epoch;

    [FieldOffset(StateOffset)]
    private HeldSegment segment;

    [FieldOffset(StateOffset)]
    private HeldDatagram datagram;

    /// <summary>Who sent it.</summary>
    [FieldOffset(48)]
    public Side Side;

    /// <summary>Where its layers are.</summary>
    [FieldOffset(50)]
    public FrameLayout Layout;

    /// <summary>Its place in the stream; for TCP segments only.</summary>
    [UnscopedRef]
    internal ref HeldSegment Segment
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            Debug.Assert(Layout.Kind == FrameKind.Tcp, "only a TCP segment has a place in a stream");
            return ref segment;
        }
    }

    /// <summary>Its place among the datagrams of its flow; for all that is no TCP segment.</summary>
    [UnscopedRef]
    internal ref HeldDatagram Datagram
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            Debug.Assert(Layout.Kind is not (FrameKind.Tcp or FrameKind.NotCompared or FrameKind.Malformed), "a datagram is compared as one");
            return ref datagram;
        }
    }
}

/// <summary>The place of a TCP segment in its stream, and in the secondary's <c>SegmentIndex</c>. Sequence numbers are the
/// primary's.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct HeldSegment
{
    /// <summary>The secondary's: the earlier segments in the index.</summary>
    public FrameRef IndexLeft;

    /// <summary>The secondary's: the later segments in the index.</summary>
    public FrameRef IndexRight;

    /// <summary>The sequence number of the first payload byte.</summary>
    public uint PayloadSequence;

    /// <summary>The first sequence number not yet verified (primary) or of the part that counts (secondary).</summary>
    public uint StreamStart;

    /// <summary>The sequence number after the last payload byte, or after the part that counts (secondary).</summary>
    public uint StreamEnd;
}

/// <summary>The place of a datagram among those of its flow, and in the <c>ContentIndex</c> of its side.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct HeldDatagram
{
    /// <summary>The flow's hash, as it came with the frame: the content index asks for it.</summary>
    private readonly uint flowHash;

    /// <summary>The secondary's: its number among all that its shard has taken; wraps.</summary>
    public uint Order;

    /// <summary>The hash of what is compared.</summary>
    public uint ContentHash;

    /// <summary>The next frame in its bucket.</summary>
    public FrameRef NextInBucket;

    /// <summary>The frame before it in its bucket.</summary>
    public FrameRef PreviousInBucket;
}

/// <summary>What is particular about a frame. In observe mode a primary frame leaves before it is compared: its slot comes back when
/// both have happened.</summary>
[Flags]
internal enum FrameMarks : ushort
{
    None = 0,

    /// <summary>Observe: the shard has compared it.</summary>
    Compared = 1 << 0,

    /// <summary>Observe: egress has injected it and gave it back.</summary>
    Injected = 1 << 1,

    /// <summary>Assembled from fragments (<see cref="FragmentChain"/>): it never leaves itself, and counts as as many frames as they are.</summary>
    Assembled = 1 << 2,

    /// <summary>Observe: a fragment that only has to leave; the frame that it is a part of is compared, and counted, in its place.</summary>
    ForwardOnly = 1 << 3,

    /// <summary>Fragments that do not make a datagram: what had come of one before it was given up (then also Assembled), or one that came
    /// later or is wrong by itself. The other side may have sent the same.</summary>
    Incomplete = 1 << 4,

    /// <summary>Primary: a part of it was sent before the secondary's part of the connection was first seen, and is taken for equal.</summary>
    Assumed = 1 << 5,

    /// <summary>Datagram: its content hash is set, and it is in the content index of its side.</summary>
    Hashed = 1 << 6,

    /// <summary>Primary, observe: it has gone to egress already, and its slot comes back to the shard from there.</summary>
    SentAhead = 1 << 7,

    /// <summary>Primary datagram: it has found its twin, and waits only for older ones to leave (R6).</summary>
    Agreed = 1 << 8,

    /// <summary>Secondary: fragments of which no more came in time, so that the primary's must be there by now.</summary>
    Overdue = 1 << 9,

    /// <summary>Observe: all that its slot waits for.</summary>
    Done = Compared | Injected,
}
