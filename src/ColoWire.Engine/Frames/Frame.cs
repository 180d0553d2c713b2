// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Frames;

/// <summary>
/// The descriptor of the frame in one slot: one cache line outside the arena's bytes, written by the capture duty, then owned by
/// the shard. A port sets <see cref="Offset"/>, <see cref="Length"/>, <see cref="Number"/> and <see cref="ArrivalNs"/>; the
/// engine sets everything else.
/// </summary>
/// <remarks>
/// Before a frame reaches its flow, the descriptor holds the epoch and what identifies the flow. While the flow holds the frame,
/// the same bytes hold its position: as a TCP segment (<see cref="Segment"/>) or as a datagram (<see cref="Datagram"/>). The
/// three overlap so that the descriptor fits a cache line.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = EngineLimits.CacheLineBytes)]
public struct Frame
{
    private const int StateOffset = 28;

    /// <summary>
    /// Time of arrival in nanoseconds of the engine's clock (live: monotonic; replay: the capture's timestamp).
    /// </summary>
    [FieldOffset(0)]
    public long ArrivalNs;

    /// <summary>The number of captured bytes.</summary>
    [FieldOffset(8)]
    public int Length;

    /// <summary>The offset of the first byte in the slot, in bytes (an AF_XDP chunk has headroom).</summary>
    [FieldOffset(12)]
    public ushort Offset;

    /// <summary>Properties and state of the frame.</summary>
    [FieldOffset(14)]
    internal FrameMarks Marks;

    /// <summary>The frame's number on its port, from 1 as in Wireshark; it wraps at 2^32 and is used in reports only.</summary>
    [FieldOffset(16)]
    public uint Number;

    /// <summary>The next frame in the queue of its flow; for a held fragment, the next to arrive.</summary>
    [FieldOffset(20)]
    internal FrameRef Next;

    /// <summary>The previous frame in the queue of its flow.</summary>
    [FieldOffset(24)]
    internal FrameRef Previous;

    /// <summary>
    /// The keyed hash of the frame's flow, which selects the shard and the bucket. Undefined for a held segment of the secondary.
    /// </summary>
    [FieldOffset(StateOffset)]
    public uint FlowHash;

    /// <summary>The epoch in which the frame was captured (R7). Undefined while a flow holds the frame.</summary>
    [FieldOffset(StateOffset + 4)]
    public uint Epoch;

    /// <summary>Word 10 of the key of the frame's flow (<c>FlowKey</c>): the VLAN identifiers. Undefined while a flow holds the
    /// frame.</summary>
    [FieldOffset(StateOffset + 8)]
    internal uint VlanIds;

    /// <summary>Words 8 and 9 of the key of the frame's flow (<c>FlowKey</c>): ports, protocol and IP version. Undefined while a
    /// flow holds the frame.</summary>
    [FieldOffset(StateOffset + 12)]
    internal ulong PortsAndProtocol;

    [FieldOffset(StateOffset)]
    private HeldSegment segment;

    [FieldOffset(StateOffset)]
    private HeldDatagram datagram;

    /// <summary>Who sent the frame.</summary>
    [FieldOffset(48)]
    public Side Side;

    /// <summary>Of a client's frame: how many more inject ports have to return the slot before it is free. Written by the shard
    /// before it passes the frame on, then by the clients' capture duty alone.</summary>
    [FieldOffset(49)]
    internal byte Awaited;

    /// <summary>The offsets of the frame's layers.</summary>
    [FieldOffset(50)]
    public FrameLayout Layout;

    /// <summary>Skips a header before the frame, such as that of virtio-net.</summary>
    /// <returns>False when the frame is shorter than the header.</returns>
    internal bool TrySkip(int headerBytes)
    {
        if (Length < headerBytes)
        {
            return false;
        }

        Offset += (ushort)headerBytes;
        Length -= headerBytes;
        return true;
    }

    /// <summary>The segment's position in its byte stream; for TCP segments only.</summary>
    [UnscopedRef]
    internal ref HeldSegment Segment
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            Debug.Assert(Layout.Kind == FrameKind.Tcp, "only a TCP segment has a position in a stream");
            return ref segment;
        }
    }

    /// <summary>The frame's position among the datagrams of its flow; for all compared frames other than TCP segments.</summary>
    [UnscopedRef]
    internal ref HeldDatagram Datagram
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            Debug.Assert(Layout.Kind is not (FrameKind.Tcp or FrameKind.NotCompared or FrameKind.Malformed),
                "only a frame that is compared as a datagram");
            return ref datagram;
        }
    }
}

/// <summary>
/// The position of a TCP segment in its stream and in the secondary's <c>SegmentIndex</c>. Sequence numbers are the primary's.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct HeldSegment
{
    /// <summary>Secondary only: the subtree of earlier segments in the index.</summary>
    public FrameRef IndexLeft;

    /// <summary>Secondary only: the subtree of later segments in the index.</summary>
    public FrameRef IndexRight;

    /// <summary>The sequence number of the first payload byte.</summary>
    public uint PayloadSequence;

    /// <summary>
    /// Primary: the first sequence number that is not verified. Secondary: the first that is used in the comparison.
    /// </summary>
    public uint StreamStart;

    /// <summary>
    /// Primary: the sequence number after the last payload byte. Secondary: the one after the last byte that is used in the
    /// comparison.
    /// </summary>
    public uint StreamEnd;
}

/// <summary>The position of a datagram in its flow and in the <c>ContentIndex</c> of its side.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct HeldDatagram
{
    /// <summary>The flow's hash from the descriptor, which the content index uses.</summary>
    private readonly uint flowHash;

    /// <summary>
    /// Secondary only: the datagram's number in the order in which the shard took the secondary's datagrams; wraps at 2^32.
    /// </summary>
    public uint Order;

    /// <summary>The hash of the compared bytes.</summary>
    public uint ContentHash;

    /// <summary>The next frame in its bucket.</summary>
    public FrameRef NextInBucket;

    /// <summary>The frame before it in its bucket.</summary>
    public FrameRef PreviousInBucket;
}

/// <summary>
/// Properties and state of a frame. In observe mode a primary frame is sent before it is compared; its slot is free once both
/// have happened.
/// </summary>
[Flags]
internal enum FrameMarks : ushort
{
    None = 0,

    /// <summary>Observe mode: the shard has compared the frame.</summary>
    Compared = 1 << 0,

    /// <summary>Observe mode: egress has injected the frame and returned it to the shard.</summary>
    Injected = 1 << 1,

    /// <summary>
    /// Reassembled from fragments (<see cref="FragmentChain"/>): the frame itself is never sent; it counts as the number of its
    /// fragments.
    /// </summary>
    Assembled = 1 << 2,

    /// <summary>Observe mode: a fragment that is only sent; the reassembled frame is compared and counted instead.</summary>
    ForwardOnly = 1 << 3,

    /// <summary>
    /// Fragments that do not complete a datagram: the received fragments of a datagram that was given up (then also Assembled),
    /// or a single fragment that arrived later or is invalid. The other side may have sent the same.
    /// </summary>
    Incomplete = 1 << 4,

    /// <summary>
    /// Primary: a part of the frame precedes the first observed segment of the secondary in the connection, and is assumed equal.
    /// </summary>
    Assumed = 1 << 5,

    /// <summary>Datagram: the content hash is set, and the frame is in the content index of its side.</summary>
    Hashed = 1 << 6,

    /// <summary>
    /// Primary, observe mode: the frame was passed to egress before its comparison; egress returns the slot to the shard.
    /// </summary>
    SentAhead = 1 << 7,

    /// <summary>Primary datagram: its twin was found; it is held until older frames of the flow have left (R6).</summary>
    Agreed = 1 << 8,

    /// <summary>
    /// Secondary: fragments of a datagram that timed out, so that the primary's fragments must already have arrived.
    /// </summary>
    Overdue = 1 << 9,

    /// <summary>The slot is one that the clients' capture duty lends to a shard, for a translated copy of a client's
    /// frame.</summary>
    Spare = 1 << 10,

    /// <summary>Observe mode: both conditions for freeing the slot.</summary>
    Done = Compared | Injected,
}
