// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Frames;

/// <summary>
/// Describes the fragments of a reassembled frame. It is stored at the front of the frame's slot, before the frame's bytes,
/// because the frame's descriptor already fills a cache line.
/// </summary>
/// <param name="First">The first fragment to arrive, with the others linked behind it; none where the fragments have been
/// forwarded already or were returned to the pool.</param>
/// <param name="Count">The number of fragments.</param>
/// <param name="EndBytes">The end of the received payload, in bytes.</param>
/// <param name="TotalBytes">The length of the datagram's payload in bytes, or 0 where the last fragment did not arrive.</param>
internal readonly record struct FragmentChain(FrameRef First, int Count, int EndBytes, int TotalBytes)
{
    /// <summary>The size at the front of the slot in bytes; a multiple of 8, so that the data behind it is aligned.</summary>
    public const int RoomBytes = 16;

    public static FragmentChain Read(ReadOnlySpan<byte> slot) => MemoryMarshal.Read<FragmentChain>(slot);

    public void Write(Span<byte> slot) => MemoryMarshal.Write(slot, this);
}
