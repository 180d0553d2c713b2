// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Frames;

/// <summary>
/// What an assembled frame knows of the fragments that it was made of. It stands at the front of the frame's slot, before its bytes,
/// because the descriptor is a full cache line.
/// </summary>
/// <param name="First">The first one to arrive, the others linked behind it; none where they went their own way.</param>
/// <param name="Count">How many frames it is made of.</param>
/// <param name="EndBytes">Where the payload ends that has come.</param>
/// <param name="TotalBytes">Where the datagram's payload ends, or 0 where the last fragment did not come.</param>
internal readonly record struct FragmentChain(FrameRef First, int Count, int EndBytes, int TotalBytes)
{
    /// <summary>Bytes at the front of the slot that are kept for it: all of it, and a multiple of a word, so that what follows is aligned.</summary>
    public const int RoomBytes = 16;

    public static FragmentChain Read(ReadOnlySpan<byte> slot) => MemoryMarshal.Read<FragmentChain>(slot);

    public void Write(Span<byte> slot) => MemoryMarshal.Write(slot, this);
}
