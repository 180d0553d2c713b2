// SPDX-License-Identifier: GPL-2.0-or-later

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
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct Frame
{
    /// <summary>Time of arrival in nanoseconds of the engine's clock (live: monotonic; replay: the capture's timestamp).</summary>
    public long ArrivalNs;

    /// <summary>Length of the captured bytes.</summary>
    public int Length;

    /// <summary>Where in the slot the bytes begin (an AF_XDP chunk has headroom).</summary>
    public ushort Offset;

    /// <summary>Who sent it.</summary>
    public Side Side;

    /// <summary>What else is to be known of it.</summary>
    internal FrameMarks Marks;

    /// <summary>Number of the frame on its port, from 1 as Wireshark counts; wraps at 2^32, it is used in reports only.</summary>
    public uint Number;

    /// <summary>The epoch in which it was captured (R7).</summary>
    public uint Epoch;

    /// <summary>The keyed hash of its flow: chooses the shard and the bucket.</summary>
    public uint FlowHash;

    /// <summary>Next frame in the queue of its flow; of a fragment that is kept, the one that came next.</summary>
    internal FrameRef Next;

    /// <summary>Previous frame in the queue of its flow.</summary>
    internal FrameRef Previous;

    /// <summary>TCP: the sequence number of the first payload byte; the secondary's in the primary's numbers.</summary>
    internal uint PayloadSequence;

    /// <summary>TCP: the first sequence number not yet verified (primary) or of the part that counts (secondary).</summary>
    internal uint StreamStart;

    /// <summary>TCP: the sequence number after the last payload byte, or after the part that counts (secondary).</summary>
    internal uint StreamEnd;

    /// <summary>Where its layers are.</summary>
    public FrameLayout Layout;

    /// <summary>
    /// TCP, the secondary's: the earlier segments in the segment index. In the place of what is not needed any more once a frame has
    /// found its flow.
    /// </summary>
    [UnscopedRef]
    internal ref FrameRef IndexLeft => ref Unsafe.As<uint, FrameRef>(ref FlowHash);

    /// <summary>TCP, the secondary's: the later segments in the segment index.</summary>
    [UnscopedRef]
    internal ref FrameRef IndexRight => ref Unsafe.As<uint, FrameRef>(ref Epoch);

    /// <summary>Datagrams, the secondary's: its number among all that its shard has taken; wraps. In the place of what is not needed any more
    /// once a frame has found its flow.</summary>
    internal uint Order
    {
        readonly get => Epoch;
        set => Epoch = value;
    }

    /// <summary>Datagrams: the hash of what is compared. In the place of what only TCP needs, for a descriptor is one cache line.</summary>
    internal uint ContentHash
    {
        readonly get => PayloadSequence;
        set => PayloadSequence = value;
    }

    /// <summary>Datagrams: the next frame in its bucket of the content index.</summary>
    internal FrameRef NextInBucket
    {
        readonly get => new(StreamStart);
        set => StreamStart = value.Slot;
    }

    /// <summary>Datagrams: the frame before it in its bucket of the content index.</summary>
    internal FrameRef PreviousInBucket
    {
        readonly get => new(StreamEnd);
        set => StreamEnd = value.Slot;
    }
}

/// <summary>What else is to be known of a frame. In observe mode a primary frame leaves before it is judged: its slot comes back when
/// both have happened.</summary>
[System.Flags]
internal enum FrameMarks : byte
{
    None = 0,

    /// <summary>Observe: the shard has said what it thinks of it.</summary>
    Compared = 1,

    /// <summary>Observe: egress has injected it and gave it back.</summary>
    Injected = 2,

    /// <summary>Made of fragments (<see cref="FragmentChain"/>): it never leaves itself, and counts as as many frames as they are.</summary>
    Assembled = 4,

    /// <summary>Observe: a fragment that only has to leave; the frame that it is a part of is judged, and counted, in its place.</summary>
    ForwardOnly = 8,

    /// <summary>Fragments that do not make a datagram: what had come of one before it was given up (then also Assembled), or one that came
    /// later or is wrong by itself. The other side may have sent the same.</summary>
    Incomplete = 16,

    /// <summary>Primary: a part of it was sent before the secondary's part of the connection was first seen, and is taken for equal.</summary>
    Assumed = 32,

    /// <summary>Datagram: its content hash is set, and it is in the content index of its side.</summary>
    Hashed = 64,

    /// <summary>Primary, observe: it has gone to egress already, and its slot comes back to the shard from there.</summary>
    SentAhead = 128,

    /// <summary>Primary datagram: it has found its twin, and waits only for older ones to leave (R6). In the place of what never enters a
    /// flow.</summary>
    Agreed = ForwardOnly,

    /// <summary>Secondary: fragments of which no more came in time, so that the primary's must be there by now. In the place of what only
    /// the primary's segments can be.</summary>
    Overdue = Assumed,

    /// <summary>Observe: all that its slot waits for.</summary>
    Done = Compared | Injected,
}
