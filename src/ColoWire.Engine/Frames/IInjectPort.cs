// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Engine.Frames;

/// <summary>Where frames leave. Used by one thread, but for <see cref="Statistics"/>, which any thread may read.</summary>
public interface IInjectPort : IDisposable
{
    /// <summary>The name that the operator gave, for example <c>pcap:eth3</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Sends frames in order, unchanged, and never blocks. A frame that cannot be sent for a lasting reason (too long, link down)
    /// counts as taken and as failed; for a passing one (a full queue) it and those after it are not taken. Called with no frames
    /// too, so that the port can look after its link.
    /// </summary>
    /// <param name="arena">Where the frames lie.</param>
    /// <param name="frames">Frames, oldest first.</param>
    /// <param name="nowNs">The engine's clock.</param>
    /// <returns>How many frames from the front were taken; the rest is offered again.</returns>
    int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs);

    /// <summary>Hands back frames that were taken and whose bytes the port no longer needs.</summary>
    /// <returns>How many stand in <paramref name="frames"/>.</returns>
    int Reclaim(Span<FrameRef> frames);

    /// <summary>Whether the port still needs the bytes of a frame that it took: it comes back by <see cref="Reclaim"/>. Asked
    /// only while no duty runs.</summary>
    /// <param name="slot">A small slot of either side.</param>
    bool Keeps(FrameRef slot) => false;

    /// <summary>A duty has failed: frames that were offered and not taken are not offered again. Called only while no duty
    /// runs.</summary>
    /// <returns>How many frames were taken, or begun, that have yet to leave and to be counted.</returns>
    int Abandon() => 0;

    /// <summary>Whether frames leave with the virtio-net header that they came with. Whoever takes them does what it says, completes their
    /// checksums for example: nobody else may have done it before.</summary>
    bool KeepsVnetHeader => false;

    /// <summary>What the port has counted since it was opened.</summary>
    InjectStatistics Statistics { get; }
}

/// <summary>What an inject port has counted since it was opened.</summary>
/// <param name="Frames">Frames sent.</param>
/// <param name="Bytes">Bytes of those.</param>
/// <param name="Retries">Times that a full queue made a frame wait.</param>
/// <param name="TooLong">Frames lost because they exceed the interface's MTU.</param>
/// <param name="LinkDown">Frames lost because the link was down.</param>
/// <param name="Failed">Frames lost for any other reason.</param>
public readonly record struct InjectStatistics(
    long Frames, long Bytes, long Retries, long TooLong, long LinkDown, long Failed)
{
    /// <summary>Frames lost for whatever reason.</summary>
    public long Lost => TooLong + LinkDown + Failed;

    /// <summary>What two ports have counted together.</summary>
    public static InjectStatistics operator +(InjectStatistics left, InjectStatistics right) => new(
        left.Frames + right.Frames,
        left.Bytes + right.Bytes,
        left.Retries + right.Retries,
        left.TooLong + right.TooLong,
        left.LinkDown + right.LinkDown,
        left.Failed + right.Failed);
}
