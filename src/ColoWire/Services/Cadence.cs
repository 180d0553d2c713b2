// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using System.Threading.Tasks;

namespace ColoWire.Services;

/// <summary>Calls an action at even intervals, on a thread of its own. A timer of the runtime allocates some 30 bytes each time,
/// and its action waits for a thread of the pool, all of which may be blocked.</summary>
/// <remarks>
/// The time provider only measures the intervals. The thread waits for the cancellation with a time limit, which no provider
/// replaces.
/// </remarks>
/// <param name="time">The source of the time.</param>
internal sealed class Cadence(TimeProvider time)
{
    /// <summary>Calls an action at even intervals until it is cancelled, on a thread of its own. Intervals that have passed
    /// meanwhile are skipped.</summary>
    /// <param name="interval">The interval.</param>
    /// <param name="look">The action.</param>
    /// <param name="end">Called on the same thread after the cancellation.</param>
    /// <param name="cancellation">Ends the calls.</param>
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
            // Rounded up: waits of 0 ms before the time would be a busy loop.
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
