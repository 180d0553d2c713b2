// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// The memory that ColoWire and the XDP program share: <c>struct queue</c> of native-config/xdp/port.bpf.c, once per queue. What
/// concerns the whole port is in the first one. ColoWire writes the first cache line of a queue, the program the second.
/// </summary>
/// <param name="start">The address of the memory.</param>
internal readonly unsafe struct PortState(nint start)
{
    /// <summary>Bytes of a queue, and of all queues.</summary>
    public const int QueueBytes = 128;
    public const int Bytes = PortProgram.MaxQueues * QueueBytes;

    private const long NanosecondsPerMs = 1_000_000;

    private const int BeatAt = 0;
    private const int TimeoutAt = 8;
    private const int FlagsAt = 16;
    private const int HandedOverAt = 24;
    private const int ReportedToWireAt = 32;
    private const int ReportedDroppedAt = 40;
    private const int OwnerAt = 48;
    private const int OwnedSinceAt = 56;
    private const int ToSocketAt = 64;
    private const int PassedAt = 72;
    private const int ToWireAt = 80;
    private const int DroppedAt = 88;
    private const int FilteredAt = 96;

    /// <summary>PASS_WHEN_ALIVE and FROM_CLIENTS of port.bpf.c.</summary>
    private const long PassWhenAlive = 1;
    private const long FromClients = 2;

    /// <summary>When ColoWire handed over, by CLOCK_MONOTONIC in nanoseconds.</summary>
    public ref long HandedOverAtNs => ref At(0, HandedOverAt);

    /// <summary>Frames to the interface on the other side that ColoWire has reported.</summary>
    public ref long ReportedToWire => ref At(0, ReportedToWireAt);

    /// <summary>Dropped frames that ColoWire has reported.</summary>
    public ref long ReportedDropped => ref At(0, ReportedDroppedAt);

    /// <summary>The process that writes the heartbeat: its id in the lower 32 bits, a random number in the upper ones. 0: an
    /// older ColoWire, which does not write it.</summary>
    public ref long Owner => ref At(0, OwnerAt);

    /// <summary>Since when that process has the program, by CLOCK_MONOTONIC in nanoseconds.</summary>
    public ref long OwnedSinceNs => ref At(0, OwnedSinceAt);

    /// <summary>Whether frames go to the kernel's stack while the heartbeat is recent; else they go to the sockets.</summary>
    public bool PassesWhenAlive => (At(0, FlagsAt) & PassWhenAlive) != 0;

    /// <summary>Frames that were given to a socket.</summary>
    public long ToSocket => Sum(ToSocketAt);

    /// <summary>Frames that were given to the kernel's stack.</summary>
    public long Passed => Sum(PassedAt);

    /// <summary>Frames that were redirected to the interface on the other side.</summary>
    public long ToWire => Sum(ToWireAt);

    /// <summary>Frames that were dropped.</summary>
    public long Dropped => Sum(DroppedAt);

    /// <summary>Frames of clients that concern no guest (R15) and were dropped while the heartbeat was missing.</summary>
    public long Filtered => Sum(FilteredAt);

    /// <summary>The last heartbeat of any queue, by CLOCK_MONOTONIC in nanoseconds; 0 when all are handed over.</summary>
    public long LastBeatNs
    {
        get
        {
            long last = 0;
            for (int queue = 0; queue < PortProgram.MaxQueues; queue++)
            {
                // Acquire: HandedOverAtNs is read after a 0. Partner: Heartbeat.HandOver, perhaps of another process.
                last = Math.Max(last, Volatile.Read(ref Beat(queue)));
            }

            return last;
        }
    }

    /// <summary>The last heartbeat of a queue, by CLOCK_MONOTONIC in nanoseconds; 0: handed over.</summary>
    public ref long Beat(int queue) => ref At(queue, BeatAt);

    /// <summary>Sets what the program is to do.</summary>
    /// <param name="timeoutMs">The heartbeat timeout, in ms; 0: a heartbeat never times out.</param>
    /// <param name="passWhenAlive">Frames go to the kernel's stack; else to the sockets.</param>
    /// <param name="fromClients">Frames come from clients; those that concern no guest do not bypass ColoWire.</param>
    public void Configure(int timeoutMs, bool passWhenAlive, bool fromClients)
    {
        for (int queue = 0; queue < PortProgram.MaxQueues; queue++)
        {
            At(queue, TimeoutAt) = timeoutMs * NanosecondsPerMs;
            At(queue, FlagsAt) = (passWhenAlive ? PassWhenAlive : 0) | (fromClients ? FromClients : 0);
        }
    }

    private long Sum(int counterAt)
    {
        long sum = 0;
        for (int queue = 0; queue < PortProgram.MaxQueues; queue++)
        {
            // Read as one word. Partner: counted of port.bpf.c, which adds without a barrier; a counter may be some frames
            // behind.
            sum += Volatile.Read(ref At(queue, counterAt));
        }

        return sum;
    }

    private ref long At(int queue, int offset) => ref *(long*)(start + (queue * QueueBytes) + offset);
}
