// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;
using System.Threading;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// ColoWire's heartbeat for one program: per queue the time of the last sign of life, by CLOCK_MONOTONIC, in memory that the
/// program reads for each frame (is_alive of port.bpf.c). A queue without a heartbeat within the timeout is bypassed. 0 stands
/// for a handover: the queue is bypassed at once.
/// </summary>
/// <param name="state">The memory that this process shares with the program.</param>
/// <param name="timeoutMs">The heartbeat timeout, in ms; 0: a heartbeat never times out.</param>
internal sealed class Heartbeat(PortState state, int timeoutMs)
{
    /// <summary>The least time between two heartbeats, in ns. The shortest timeout is eight of these.</summary>
    public const long CycleNs = 250_000;

    private const long NanosecondsPerMs = 1_000_000;

    private readonly long timeoutNs = timeoutMs * NanosecondsPerMs;
    private volatile bool handedOver;

    /// <summary>The clock of bpf_ktime_get_ns: CLOCK_MONOTONIC, in nanoseconds, which <see cref="Stopwatch"/> reads on
    /// Linux.</summary>
    public static long NowNs => Stopwatch.GetTimestamp();

    /// <summary>Writes the heartbeat of a queue, when one is due; for the path of a frame.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="nowNs">When the threads behind the queue were last seen to run, by CLOCK_MONOTONIC in nanoseconds.</param>
    /// <returns>The age of the previous heartbeat when the program could see this one, in nanoseconds: if that exceeds the
    /// timeout, frames may have bypassed ColoWire. 0 where no heartbeat was due, and where this one is itself too old, so that
    /// the bypass goes on.</returns>
    public long Beat(int queue, long nowNs)
    {
        Debug.Assert((uint)queue < PortProgram.MaxQueues, "a queue that has an entry");
        ref long beat = ref state.Beat(queue);
        // Acquire; only this thread and HandOver write the heartbeat of a queue.
        long last = Volatile.Read(ref beat);
        if (nowNs - last < CycleNs || handedOver)
        {
            return 0;
        }

        // A full barrier. Partner: HandOver, which another thread may run meanwhile. It sets handedOver first and each heartbeat
        // to 0 after that. If its 0 is written later than this heartbeat, the 0 stays. If it was written earlier, either the
        // exchange fails, because the heartbeat is not the one that was read, or handedOver is seen below. The program needs no
        // barrier: it reads one word, with a volatile access (is_alive of port.bpf.c).
        Interlocked.CompareExchange(ref beat, nowNs, last);
        if (handedOver)
        {
            Volatile.Write(ref beat, 0);
        }

        // Not nowNs: this thread may have been preempted since its caller read the clock, while the program still saw the
        // previous heartbeat.
        long seenNs = NowNs;
        bool isTooOld = timeoutNs != 0 && seenNs - nowNs > timeoutNs;
        return isTooOld ? 0 : seenNs - (last == 0 ? Volatile.Read(ref state.HandedOverAtNs) : last);
    }

    /// <summary>Starts a bypass: from now on the program passes no frame to ColoWire. Frames that are in a socket's ring stay
    /// there. Any thread may call it.</summary>
    public void HandOver()
    {
        // Release. Partner: Beat, and EarlierProgram.Bypass of a later process, which read the time when they have seen a 0.
        Volatile.Write(ref state.HandedOverAtNs, NowNs);
        handedOver = true;
        for (int queue = 0; queue < PortProgram.MaxQueues; queue++)
        {
            // A full barrier. Partner: the compare-and-exchange of Beat.
            Interlocked.Exchange(ref state.Beat(queue), 0);
        }
    }

    /// <summary>Ends a bypass: frames come to ColoWire again from the next heartbeat on.</summary>
    public void TakeBack() => handedOver = false;
}
