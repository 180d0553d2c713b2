// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.Rig.Qemu;

/// <summary>Counts the frames of a stream of length and bytes that comes in pieces of any size.</summary>
internal sealed class FrameCounter
{
    private readonly byte[] length = new byte[4];
    private int lengthBytes;
    private int bytesToSkip;

    /// <summary>Frames that were there as a whole.</summary>
    public int Frames { get; private set; }

    /// <summary>Takes the next piece.</summary>
    public void Add(ReadOnlySpan<byte> piece)
    {
        while (!piece.IsEmpty)
        {
            piece = lengthBytes < length.Length ? TakeLength(piece) : Skip(piece);
        }
    }

    private ReadOnlySpan<byte> TakeLength(ReadOnlySpan<byte> piece)
    {
        int taken = Math.Min(length.Length - lengthBytes, piece.Length);
        piece[..taken].CopyTo(length.AsSpan(lengthBytes));
        lengthBytes += taken;
        if (lengthBytes == length.Length)
        {
            bytesToSkip = BinaryPrimitives.ReadInt32BigEndian(length);
            if (bytesToSkip <= 0)
            {
                throw new RigException($"outdev: QEMU sent a frame of {bytesToSkip} bytes");
            }
        }

        return piece[taken..];
    }

    private ReadOnlySpan<byte> Skip(ReadOnlySpan<byte> piece)
    {
        int skipped = Math.Min(bytesToSkip, piece.Length);
        bytesToSkip -= skipped;
        if (bytesToSkip == 0)
        {
            Frames++;
            lengthBytes = 0;
        }

        return piece[skipped..];
    }
}
