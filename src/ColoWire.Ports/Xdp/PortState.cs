// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// What ColoWire and the XDP program share: <c>struct state</c> of native-config/xdp/port.bpf.c, in memory that both have or in a copy.
/// </summary>
internal readonly unsafe struct PortState(nint start)
{
    /// <summary>All of it: what concerns the port, then the queues.</summary>
    public const int Bytes = PortBytes + (PortProgram.MaxQueues * QueueBytes);

    private const int PortBytes = 64;
    private const int QueueBytes = 128;

    private const int ToSocketAt = 64;
    private const int PassedAt = 72;
    private const int ToWireAt = 80;
    private const int DroppedAt = 88;

    /// <summary>How old a beat may become; 0 means that it does not age.</summary>
    public ref long TimeoutNs => ref At(0);

    /// <summary>1 where the frames go through the kernel's stack, else 0.</summary>
    public ref long PassWhenAlive => ref At(8);

    /// <summary>Since when frames go past because ColoWire wants it so.</summary>
    public ref long HandedOverAtNs => ref At(16);

    /// <summary>Frames to the wire that ColoWire has reported.</summary>
    public ref long ToldToWire => ref At(24);

    /// <summary>Dropped frames that ColoWire has reported.</summary>
    public ref long ToldDropped => ref At(32);

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
    public ref long Beat(int queue) => ref At(PortBytes + (queue * QueueBytes));

    private long Sum(int counterAt)
    {
        long sum = 0;
        for (int queue = 0; queue < PortProgram.MaxQueues; queue++)
        {
            sum += Volatile.Read(ref At(PortBytes + (queue * QueueBytes) + counterAt));
        }

        return sum;
    }

    private ref long At(int offset) => ref *(long*)(start + offset);
}
