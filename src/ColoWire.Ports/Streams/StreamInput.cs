// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace ColoWire.Ports.Streams;

/// <summary>What stands at the front of what was received.</summary>
internal enum StreamContent
{
    /// <summary>A part of a frame, or nothing.</summary>
    Part,

    /// <summary>A whole frame.</summary>
    Frame,

    /// <summary>A length that cannot be meant.</summary>
    BadLength,
}

/// <summary>The bytes that came and were not yet taken, and where in them the next frame is.</summary>
/// <param name="hasVnetHeaders">Whether a second number stands before each frame.</param>
internal sealed unsafe class StreamInput(bool hasVnetHeaders)
{
    private readonly byte[] memory = GC.AllocateArray<byte>(PortLimits.StreamBufferBytes, pinned: true);
    private readonly int prefixBytes = StreamFormat.PrefixBytes(hasVnetHeaders);
    private int from;
    private int to;

    /// <summary>What <see cref="Look"/> found.</summary>
    public StreamContent Content { get; private set; }

    /// <summary>The length before the next frame.</summary>
    public uint Length { get; private set; }

    /// <summary>What is said to be its virtio-net header's length.</summary>
    public uint VnetHeaderBytes { get; private set; }

    /// <summary>The first byte that the length counts.</summary>
    public byte* Bytes => First + from + prefixBytes;

    /// <summary>Whether the last frame is not there as a whole.</summary>
    public bool HasPart => from != to;

    /// <summary>Where more is received to, after <see cref="MakeRoom"/>.</summary>
    public byte* Room => First + to;

    /// <summary>How much.</summary>
    public int RoomBytes => memory.Length - to;

    private byte* First => (byte*)Unsafe.AsPointer(ref memory[0]);

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        from = 0;
        to = 0;
        Content = StreamContent.Part;
    }

    /// <summary>Moves the part of a frame that is there to the front.</summary>
    public void MakeRoom()
    {
        new ReadOnlySpan<byte>(First + from, to - from).CopyTo(memory);
        to -= from;
        from = 0;
    }

    /// <summary>So many bytes have been received.</summary>
    public void Received(int bytes)
    {
        to += bytes;
        Look();
    }

    /// <summary>The frame that stands at the front is done with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Pass()
    {
        from += prefixBytes + (int)Length;
        Look();
    }

    private void Look()
    {
        while (to - from >= prefixBytes)
        {
            Length = BinaryPrimitives.ReadUInt32BigEndian(memory.AsSpan(from));
            if (Length > StreamFormat.MaxLength)
            {
                Content = StreamContent.BadLength;
                return;
            }

            if (Length != 0)
            {
                VnetHeaderBytes = hasVnetHeaders ? BinaryPrimitives.ReadUInt32BigEndian(memory.AsSpan(from + StreamFormat.WordBytes)) : 0;
                Content = to - from - prefixBytes >= Length ? StreamContent.Frame : StreamContent.Part;
                return;
            }

            // A frame of no bytes is none. Its numbers are stepped over, and whatever follows is right.
            from += prefixBytes;
        }

        Content = StreamContent.Part;
    }
}
