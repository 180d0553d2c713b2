// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Engine.Frames;

/// <summary>A port that sends frames. One thread uses it; any thread may read <see cref="Statistics"/>.</summary>
public interface IInjectPort : IDisposable
{
    /// <summary>The name from the configuration, for example <c>pcap:eth3</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Sends frames in order, unchanged, and never blocks. A frame that fails permanently (too long, link down) counts as taken
    /// and as failed. At a temporary failure (a full queue) the frame and those after it are not taken. The duty also calls this
    /// method without frames, so that the port can check its link.
    /// </summary>
    /// <param name="arena">The arena of the frames.</param>
    /// <param name="frames">The frames to send, oldest first.</param>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    /// <returns>The number of frames taken from the front; the caller offers the rest again.</returns>
    int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs);

    /// <summary>Returns frames that were taken and whose bytes the port no longer needs.</summary>
    /// <returns>The number of frames in <paramref name="frames"/>.</returns>
    int Reclaim(Span<FrameRef> frames);

    /// <summary>The longest frame that the port sends, in bytes behind the Ethernet header and the VLAN tags: the interface's
    /// MTU; <see cref="int.MaxValue"/> when the port has no limit or does not know it. It may change, and is read at each
    /// poll.</summary>
    int MaxPayloadBytes => int.MaxValue;

    /// <summary>
    /// Returns frames that were taken and then lost (too long, link down, failed). From the first call on, <see cref="Reclaim"/>
    /// returns only frames that were sent. A port that does not know which frames were lost returns none here.
    /// </summary>
    /// <returns>The number of frames in <paramref name="frames"/>.</returns>
    int ReclaimLost(Span<FrameRef> frames) => 0;

    /// <summary>
    /// Whether the port still needs the bytes of a taken frame, which it has yet to return by <see cref="Reclaim"/>. Called only
    /// while no duty runs.
    /// </summary>
    /// <param name="slot">A small slot of either side.</param>
    bool Keeps(FrameRef slot) => false;

    /// <summary>
    /// Discards, after a duty has failed, the offered frames that were not taken: they are not offered again. Called only while
    /// no duty runs.
    /// </summary>
    /// <returns>The number of frames that were taken or partly sent, and that are not yet sent or counted.</returns>
    int Abandon() => 0;

    /// <summary>
    /// Whether frames are sent with the virtio-net header that they arrived with. The receiver then completes partial checksums
    /// as the header requests, so that the engine must not complete them before.
    /// </summary>
    bool KeepsVnetHeader => false;

    /// <summary>The counters since the port was opened.</summary>
    InjectStatistics Statistics { get; }
}

/// <summary>The counters of an inject port since it was opened.</summary>
/// <param name="Frames">Frames sent.</param>
/// <param name="Bytes">Bytes of the sent frames.</param>
/// <param name="Retries">The number of times that a frame was not taken because a queue was full.</param>
/// <param name="TooLong">Frames lost because they exceed the interface's MTU.</param>
/// <param name="LinkDown">Frames lost because the link was down.</param>
/// <param name="Failed">Frames lost for any other reason.</param>
public readonly record struct InjectStatistics(
    long Frames, long Bytes, long Retries, long TooLong, long LinkDown, long Failed)
{
    /// <summary>Frames lost for any reason.</summary>
    public long Lost => TooLong + LinkDown + Failed;

    /// <summary>The sum of the counters of two ports.</summary>
    public static InjectStatistics operator +(InjectStatistics left, InjectStatistics right) => new(
        left.Frames + right.Frames,
        left.Bytes + right.Bytes,
        left.Retries + right.Retries,
        left.TooLong + right.TooLong,
        left.LinkDown + right.LinkDown,
        left.Failed + right.Failed);
}
