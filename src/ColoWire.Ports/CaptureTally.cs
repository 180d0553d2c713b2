// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using System.Threading;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports;

/// <summary>Frames that were lost before they reached a capture port, as the kernel counts them for one open handle.</summary>
/// <param name="ByKernel">Frames for which the kernel's ring had no free entry or buffer.</param>
/// <param name="ByInterface">Frames that the interface itself dropped.</param>
/// <param name="TooLong">Frames that are longer than a buffer of the ring.</param>
internal readonly record struct HandleDrops(long ByKernel, long ByInterface, long TooLong);

/// <summary>
/// The counters of a capture port and the numbers of its frames. The port's thread writes them, any thread may read
/// <see cref="Statistics"/>. No counter ever decreases, also when the port's handle is replaced.
/// </summary>
internal sealed class CaptureTally
{
    private uint number;
    private long frames;
    private long byteCount;
    private long oversize;
    private long truncated;
    private long badLengths;
    private HandleDrops earlierHandles;
    private long droppedByKernel;
    private long droppedByInterface;
    private long droppedTooLong;

    /// <summary>The number of the newest frame; 0 before the first one.</summary>
    public uint LastNumber => number;

    /// <summary>What was counted since the port was opened; any thread may read it.</summary>
    public CaptureStatistics Statistics => new(
        Volatile.Read(ref frames),
        Volatile.Read(ref byteCount),
        Volatile.Read(ref droppedByKernel),
        Volatile.Read(ref droppedByInterface),
        Volatile.Read(ref oversize) + Volatile.Read(ref droppedTooLong),
        Volatile.Read(ref truncated),
        Volatile.Read(ref badLengths));

    /// <summary>Numbers the next frame, from 1 in the order of arrival. A frame that is counted and not delivered has a number,
    /// too, as in Wireshark.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint NextNumber() => ++number;

    /// <summary>Counts frames that were handed to the engine.</summary>
    /// <param name="count">How many.</param>
    /// <param name="bytes">Their bytes together.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Delivered(int count, long bytes)
    {
        Volatile.Write(ref byteCount, byteCount + bytes);
        Volatile.Write(ref frames, frames + count);
    }

    /// <summary>Counts a frame that is longer than the engine or a slot can hold; it is not delivered.</summary>
    public void Oversize() => Volatile.Write(ref oversize, oversize + 1);

    /// <summary>Counts a frame of which only a part was captured; it is not delivered.</summary>
    public void Truncated() => Volatile.Write(ref truncated, truncated + 1);

    /// <summary>Counts a length field that no frame can have. It counts as <see cref="Oversize"/>, too.</summary>
    public void BadLength()
    {
        Volatile.Write(ref badLengths, badLengths + 1);
        Oversize();
    }

    /// <summary>Publishes the kernel's counters of the open handle.</summary>
    public void SetDrops(in HandleDrops drops)
    {
        Volatile.Write(ref droppedByKernel, earlierHandles.ByKernel + drops.ByKernel);
        Volatile.Write(ref droppedByInterface, earlierHandles.ByInterface + drops.ByInterface);
        Volatile.Write(ref droppedTooLong, earlierHandles.TooLong + drops.TooLong);
    }

    /// <summary>The port replaces its handle: the kernel's counters of the next one begin at 0.</summary>
    public void HandleReplaced() => earlierHandles = new HandleDrops(droppedByKernel, droppedByInterface, droppedTooLong);
}
