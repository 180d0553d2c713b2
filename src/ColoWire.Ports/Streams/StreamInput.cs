// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace ColoWire.Ports.Streams;

/// <summary>What is at the front of the bytes that were received.</summary>
internal enum StreamContent
{
    /// <summary>A part of a frame, or nothing.</summary>
    Part,

    /// <summary>A whole frame.</summary>
    Frame,

    /// <summary>A length that no frame can have.</summary>
    BadLength,
}

/// <summary>The bytes that were received and not yet taken, and where the next frame is in them
/// (<see cref="StreamFormat"/>).</summary>
/// <param name="hasVnetHeaders">Whether the length of a virtio-net header precedes each frame.</param>
internal sealed unsafe class StreamInput(bool hasVnetHeaders)
{
    private readonly byte[] memory = GC.AllocateArray<byte>(PortLimits.StreamBufferBytes, pinned: true);
    private readonly int prefixBytes = StreamFormat.PrefixBytes(hasVnetHeaders);
    private int from;
    private int to;

    /// <summary>What is at the front.</summary>
    public StreamContent Content { get; private set; }

    /// <summary>The length field of the next frame: bytes of its virtio-net header and of the frame.</summary>
    public uint Length { get; private set; }

    /// <summary>The length field of the next frame's virtio-net header, in bytes; 0 where there is none.</summary>
    public uint VnetHeaderBytes { get; private set; }

    /// <summary>The first byte behind the length fields.</summary>
    public byte* Bytes => First + from + prefixBytes;

    /// <summary>Whether a frame was received in part.</summary>
    public bool HasPart => from != to;

    /// <summary>Where the next bytes are received to, after <see cref="MakeRoom"/>.</summary>
    public byte* Room => First + to;

    /// <summary>How many bytes there is room for.</summary>
    public int RoomBytes => memory.Length - to;

    private byte* First => (byte*)Unsafe.AsPointer(ref memory[0]);

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        from = 0;
        to = 0;
        Content = StreamContent.Part;
    }

    /// <summary>Moves the part of a frame that was received to the front of the buffer.</summary>
    public void MakeRoom()
    {
        new ReadOnlySpan<byte>(First + from, to - from).CopyTo(memory);
        to -= from;
        from = 0;
    }

    /// <summary>Adds bytes that were received to <see cref="Room"/>.</summary>
    public void Received(int bytes)
    {
        to += bytes;
        Parse();
    }

    /// <summary>Removes the frame at the front.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Remove()
    {
        from += prefixBytes + (int)Length;
        Parse();
    }

    private void Parse()
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
                VnetHeaderBytes = hasVnetHeaders
                    ? BinaryPrimitives.ReadUInt32BigEndian(memory.AsSpan(from + StreamFormat.WordBytes))
                    : 0;
                Content = to - from - prefixBytes >= Length ? StreamContent.Frame : StreamContent.Part;
                return;
            }

            // A frame of 0 bytes is skipped: its length fields are valid, and so is what follows them.
            from += prefixBytes;
        }

        Content = StreamContent.Part;
    }
}
