// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using System.Threading.Tasks;

namespace ColoWire.Services;

/// <summary>
/// Has a thread of its own look again and again, at even intervals. A timer of the runtime costs some 30 bytes of garbage each time, and
/// its looks wait for a thread of the pool, all of which may be waiting for something else.
/// </summary>
/// <param name="time">The source of the time.</param>
internal sealed class Cadence(TimeProvider time)
{
    /// <summary>Calls an action at even intervals until it is cancelled, on a thread of its own. Intervals that have passed meanwhile are left out.</summary>
    /// <param name="interval">The interval.</param>
    /// <param name="look">The action.</param>
    /// <param name="end">Called on the same thread when it was cancelled.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task RunAsync(TimeSpan interval, Action look, Action end, CancellationToken cancellation) => Task.Factory.StartNew(
        () =>
        {
            Run(interval, look, cancellation);
            end();
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    /// <summary>The same on this thread.</summary>
    internal void Run(TimeSpan interval, Action look, CancellationToken cancellation)
    {
        WaitHandle cancelled = cancellation.WaitHandle;
        long start = time.GetTimestamp();
        TimeSpan due = interval;
        while (true)
        {
            TimeSpan now = time.GetElapsedTime(start);
            // Rounded up: a wait of 0 ms before the time would be a busy one.
            int waitMs = (int)Math.Ceiling(Math.Max(0, (due - now).TotalMilliseconds));
            if (cancelled.WaitOne(waitMs))
            {
                return;
            }

            look();
            long passed = time.GetElapsedTime(start).Ticks / interval.Ticks;
            due = TimeSpan.FromTicks(Math.Max(due.Ticks + interval.Ticks, passed * interval.Ticks));
        }
    }
}
