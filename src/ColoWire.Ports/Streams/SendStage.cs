// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Streams;

/// <summary>
/// Frames as they go on the wire, one behind the other, so that one system call sends them all: copies of those that wait longest. It knows
/// how far they were sent and where each of them ends.
/// </summary>
/// <param name="hasVnetHeaders">Whether frames bear virtio-net headers.</param>
internal sealed unsafe class SendStage(bool hasVnetHeaders)
{
    private readonly byte[] memory = GC.AllocateArray<byte>(PortLimits.StreamBufferBytes, pinned: true);
    private readonly int[] ends = new int[PortLimits.SendFrames];
    private int from;
    private int to;
    private int first;
    private int count;

    /// <summary>Frames that stand here, without one of which only the rest does.</summary>
    public int Frames => count - first;

    /// <summary>Whether there is anything to send.</summary>
    public bool IsEmpty => from == to;

    /// <summary>Whether only the end of a frame stands here that was given back already.</summary>
    public bool IsRest => !IsEmpty && Frames == 0;

    /// <summary>Whether a part of the first frame has been sent, and a part has not.</summary>
    public bool IsFirstBegun => Frames != 0 && from > (first == 0 ? 0 : ends[first - 1]);

    /// <summary>The first byte to be sent.</summary>
    public byte* First => (byte*)Unsafe.AsPointer(ref memory[from]);

    /// <summary>How many.</summary>
    public int Bytes => to - from;

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        from = 0;
        to = 0;
        first = 0;
        count = 0;
    }

    /// <summary>Puts frames here, as many as there is room for, and none behind one that cannot be sent; it must be empty.</summary>
    public void Fill(FrameArena arena, ReadOnlySpan<FrameRef> frames)
    {
        Debug.Assert(IsEmpty, "what stands here is sent first");
        Clear();
        while (count < Math.Min(frames.Length, ends.Length) && TryPut(arena, frames[count]))
        {
            ends[count++] = to;
        }
    }

    /// <summary>So many bytes have been sent.</summary>
    /// <returns>How many frames have left with them as a whole.</returns>
    public int Sent(int bytes)
    {
        from += bytes;
        int before = first;
        while (first < count && ends[first] <= from)
        {
            first++;
        }

        return first - before;
    }

    /// <summary>Keeps nothing but the rest of the first frame, which has been begun.</summary>
    public void KeepRest()
    {
        to = ends[first];
        first = count;
    }

    private bool TryPut(FrameArena arena, FrameRef frameRef)
    {
        ref Frame frame = ref arena[frameRef];
        byte* bytes = arena.Pointer(frameRef);
        // A frame of another port has no header: what it says of a checksum or of segments is nothing.
        bool isOfStream = frame.Offset == StreamFormat.FrameOffset;
        int ownHeader = hasVnetHeaders && isOfStream ? bytes[-StreamFormat.FrameOffset] : 0;
        int madeHeader = hasVnetHeaders && !isOfStream ? StreamFormat.MadeVnetHeaderBytes : 0;
        int length = ownHeader + madeHeader + frame.Length;
        int prefixBytes = StreamFormat.PrefixBytes(hasVnetHeaders);
        // QEMU ends itself at the sight of a frame of no bytes.
        if (length == 0 || prefixBytes + length > memory.Length - to)
        {
            return false;
        }

        Span<byte> room = memory.AsSpan(to, prefixBytes + length);
        BinaryPrimitives.WriteInt32BigEndian(room, length);
        if (hasVnetHeaders)
        {
            BinaryPrimitives.WriteInt32BigEndian(room[StreamFormat.WordBytes..], ownHeader + madeHeader);
            room.Slice(prefixBytes, madeHeader).Clear();
        }

        new ReadOnlySpan<byte>(bytes - ownHeader, ownHeader + frame.Length).CopyTo(room[(prefixBytes + madeHeader)..]);
        to += room.Length;
        return true;
    }
}
