// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Engine.Frames;

/// <summary>A port that receives frames. One thread uses it; any thread may read <see cref="Statistics"/>.</summary>
public interface ICapturePort : IDisposable
{
    /// <summary>The name from the configuration, for example <c>pcap:eth1</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Receives the frames that have arrived, at most as many as <paramref name="batch"/> has room for, and never blocks. Each
    /// frame is in a slot of <paramref name="pool"/>, with <see cref="Frame.Offset"/>, <see cref="Frame.Length"/>,
    /// <see cref="Frame.Number"/> and <see cref="Frame.ArrivalNs"/> set. Frames that the port counts and does not deliver are
    /// numbered too. A frame for which no slot is free stays in the port and is the first at the next call.
    /// </summary>
    /// <param name="pool">The free slots of this side.</param>
    /// <param name="batch">The received frames, filled from index 0.</param>
    /// <param name="nowNs">The engine's clock in nanoseconds; a port that replays a capture delivers the frames with a timestamp
    /// up to it.</param>
    /// <returns>The number of received frames.</returns>
    int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs);

    /// <summary>Whether frames can arrive: false while the interface has no carrier or is down. Any thread may read it.</summary>
    bool HasLink => true;

    /// <summary>
    /// Whether arriving frames bypass the port, because the kernel program that redirects them to the port was detached or
    /// replaced by another process. Any thread may read it.
    /// </summary>
    bool IsBypassed => false;

    /// <summary>The number of slots of the pool that the port has posted for frames that have not arrived yet.</summary>
    int PostedSlots => 0;

    /// <summary>Whether a slot is one of <see cref="PostedSlots"/>. Called only while no duty runs.</summary>
    /// <param name="slot">A small slot of the pool.</param>
    bool Keeps(FrameRef slot) => false;

    /// <summary>
    /// Whether the port holds the only copy of frames that arrived before, because new frames now bypass the port or because
    /// their sender has discarded its copies. On a stop such frames are all received first. Any thread may read it.
    /// </summary>
    bool HasHandedOver => false;

    /// <summary>
    /// The length in bytes of the virtio-net header before each frame of the last <see cref="Receive"/>: 10, 12 or 20 (virtio 1.2
    /// section 5.1.6), or 0. The engine skips this header, because it is metadata and not part of the frame on the wire. A frame
    /// shorter than this length is malformed.
    /// </summary>
    int VnetHeaderBytes => 0;

    /// <summary>The counters since the port was opened.</summary>
    CaptureStatistics Statistics { get; }
}

/// <summary>The counters of a capture port since it was opened.</summary>
/// <param name="Frames">Frames delivered to the engine.</param>
/// <param name="Bytes">Bytes of the delivered frames.</param>
/// <param name="KernelDropped">Frames that the kernel dropped for lack of buffer space.</param>
/// <param name="InterfaceDropped">Frames that the interface dropped.</param>
/// <param name="Oversize">Frames beyond <see cref="EngineLimits.MaxFrameBytes"/>: counted, not delivered.</param>
/// <param name="Truncated">Frames that were captured in part: counted, not delivered, because a part of a frame cannot be
/// sent.</param>
/// <param name="BadLengths">The part of <paramref name="Oversize"/> for which a length that no frame can have was read from a
/// socket.</param>
public readonly record struct CaptureStatistics(
    long Frames, long Bytes, long KernelDropped, long InterfaceDropped, long Oversize, long Truncated, long BadLengths = 0)
{
    /// <summary>The sum of the counters of two ports.</summary>
    public static CaptureStatistics operator +(CaptureStatistics left, CaptureStatistics right) => new(
        left.Frames + right.Frames,
        left.Bytes + right.Bytes,
        left.KernelDropped + right.KernelDropped,
        left.InterfaceDropped + right.InterfaceDropped,
        left.Oversize + right.Oversize,
        left.Truncated + right.Truncated,
        left.BadLengths + right.BadLengths);
}
