// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// What ColoWire and the XDP program share: <c>struct queue</c> of native-config/xdp/port.bpf.c, once for each queue, in memory that
/// both have. What concerns the port stands in the first one.
/// </summary>
internal readonly unsafe struct PortState(nint start)
{
    /// <summary>Bytes of a queue, and of all of them.</summary>
    public const int QueueBytes = 128;
    public const int Bytes = PortProgram.MaxQueues * QueueBytes;

    private const int BeatAt = 0;
    private const int TimeoutAt = 8;
    private const int PassWhenAliveAt = 16;
    private const int HandedOverAt = 24;
    private const int ToldToWireAt = 32;
    private const int ToldDroppedAt = 40;
    private const int OwnerAt = 48;
    private const int OwnedSinceAt = 56;
    private const int ToSocketAt = 64;
    private const int PassedAt = 72;
    private const int ToWireAt = 80;
    private const int DroppedAt = 88;

    /// <summary>Since when frames go past because ColoWire wants it so.</summary>
    public ref long HandedOverAtNs => ref At(0, HandedOverAt);

    /// <summary>Frames to the wire that ColoWire has reported.</summary>
    public ref long ToldToWire => ref At(0, ToldToWireAt);

    /// <summary>Dropped frames that ColoWire has reported.</summary>
    public ref long ToldDropped => ref At(0, ToldDroppedAt);

    /// <summary>The process that beats: its id in the lower 32 bits, and in the upper ones a number that it drew. 0 where an older ColoWire has
    /// not said it.</summary>
    public ref long Owner => ref At(0, OwnerAt);

    /// <summary>Since when it does, by CLOCK_MONOTONIC.</summary>
    public ref long OwnedSinceNs => ref At(0, OwnedSinceAt);

    /// <summary>Frames that went to a socket.</summary>
    public long ToSocket => Sum(ToSocketAt);

    /// <summary>Frames that went through the kernel's stack.</summary>
    public long Passed => Sum(PassedAt);

    /// <summary>Frames that went past ColoWire.</summary>
    public long ToWire => Sum(ToWireAt);

    /// <summary>Frames that were dropped.</summary>
    public long Dropped => Sum(DroppedAt);

    /// <summary>The last beat of any queue; 0 when all are handed over.</summary>
    public long LastBeatNs
    {
        get
        {
            long last = 0;
            for (int queue = 0; queue < PortProgram.MaxQueues; queue++)
            {
                last = Math.Max(last, Volatile.Read(ref Beat(queue)));
            }

            return last;
        }
    }

    /// <summary>When ColoWire beat last for a queue; 0 means handed over.</summary>
    public ref long Beat(int queue) => ref At(queue, BeatAt);

    /// <summary>How old a beat may become, where 0 means that it does not age; and whether the frames go through the kernel's stack.</summary>
    public void Set(long timeoutNs, bool passWhenAlive)
    {
        for (int queue = 0; queue < PortProgram.MaxQueues; queue++)
        {
            At(queue, TimeoutAt) = timeoutNs;
            At(queue, PassWhenAliveAt) = passWhenAlive ? 1 : 0;
        }
    }

    private long Sum(int counterAt)
    {
        long sum = 0;
        for (int queue = 0; queue < PortProgram.MaxQueues; queue++)
        {
            sum += Volatile.Read(ref At(queue, counterAt));
        }

        return sum;
    }

    private ref long At(int queue, int offset) => ref *(long*)(start + (queue * QueueBytes) + offset);
}
