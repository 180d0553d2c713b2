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
internal readonly record struct FragmentChain(FrameRef First, int Count)
{
    /// <summary>Bytes at the front of the slot that are kept for it: a multiple of a word, so that what follows is aligned.</summary>
    public const int RoomBytes = 16;

    public static FragmentChain Read(ReadOnlySpan<byte> slot) => MemoryMarshal.Read<FragmentChain>(slot);

    public void Write(Span<byte> slot) => MemoryMarshal.Write(slot, this);
}
