// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Streams;

/// <summary>
/// Copies of the oldest frames that wait to be sent, in the stream's format (<see cref="StreamFormat"/>) one behind the other, so
/// that one system call sends them all; and how much of them was sent.
/// </summary>
/// <param name="hasVnetHeaders">Whether frames have virtio-net headers.</param>
internal sealed unsafe class StreamOutput(bool hasVnetHeaders)
{
    private readonly byte[] memory = GC.AllocateArray<byte>(PortLimits.StreamBufferBytes, pinned: true);
    private readonly int[] ends = new int[PortLimits.SendFrames];
    private int from;
    private int to;
    private int first;
    private int count;

    /// <summary>Whether there is nothing to send.</summary>
    public bool IsEmpty => from == to;

    /// <summary>Whether only the end of a frame is left that the engine has got back already (<see cref="KeepRest"/>).</summary>
    public bool IsRest => !IsEmpty && first == count;

    /// <summary>Whether a part of the first frame was sent, and a part was not.</summary>
    public bool IsFirstBegun => first != count && from > (first == 0 ? 0 : ends[first - 1]);

    /// <summary>The first byte to send.</summary>
    public byte* First => (byte*)Unsafe.AsPointer(ref memory[from]);

    /// <summary>Bytes to send.</summary>
    public int Bytes => to - from;

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        from = 0;
        to = 0;
        first = 0;
        count = 0;
    }

    /// <summary>Copies frames from the front, as many as there is room for, up to the first one that cannot be sent. The buffer
    /// must be empty.</summary>
    public void Fill(FrameArena arena, ReadOnlySpan<FrameRef> frames)
    {
        Debug.Assert(IsEmpty, "what is in the buffer is sent first");
        Clear();
        while (count < Math.Min(frames.Length, ends.Length) && TryPut(arena, frames[count]))
        {
            ends[count++] = to;
        }
    }

    /// <summary>Removes bytes that were sent.</summary>
    /// <returns>How many frames were sent to their end with them.</returns>
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

    /// <summary>Keeps only the rest of the first frame, of which a part was sent.</summary>
    public void KeepRest()
    {
        to = ends[first];
        first = count;
    }

    private bool TryPut(FrameArena arena, FrameRef frameRef)
    {
        ref Frame frame = ref arena[frameRef];
        byte* bytes = arena.Pointer(frameRef);
        // A frame of another kind of port has no header. It gets one of zeros, which asks for no checksum and no segmentation.
        bool isOfStream = frame.Offset == StreamFormat.FrameOffset;
        int ownHeader = hasVnetHeaders && isOfStream ? bytes[-StreamFormat.FrameOffset] : 0;
        int madeHeader = hasVnetHeaders && !isOfStream ? StreamFormat.MadeVnetHeaderBytes : 0;
        int length = ownHeader + madeHeader + frame.Length;
        int prefixBytes = StreamFormat.PrefixBytes(hasVnetHeaders);
        // QEMU exits when it reads a frame of 0 bytes.
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
