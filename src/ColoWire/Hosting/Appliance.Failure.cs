// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Concurrent;
using System.Threading;
using System.Threading.Channels;
using ColoWire.Engine;
using ColoWire.Engine.Pipelines;

namespace ColoWire.Hosting;

/// <content>
/// What happens when a duty throws an exception, which is a bug of ColoWire. At once the kernel's programs send frames past
/// ColoWire. A thread of its own ends the threads of the duties and makes a new path over the same ports; then frames come to
/// ColoWire again. When failures repeat, the appliance gives up.
/// </content>
public sealed partial class Appliance
{
    /// <summary>How long each thread may take to end its round after a duty has failed. A thread that takes longer hangs.
    /// Meanwhile frames go past ColoWire.</summary>
    private static readonly TimeSpan RevivalPatience = TimeSpan.FromSeconds(2);

    /// <summary>Failures that can wait for the log; <see cref="FailureTolerance.AnyPlace"/> of them end the appliance.</summary>
    private const int MaxWaitingFailures = 2 * FailureTolerance.AnyPlace;

    private readonly Lock turn = new();
    private readonly ConcurrentQueue<Exception> failed = [];
    private readonly SemaphoreSlim wanted = new(0);
    private readonly FailureTolerance tolerance = new();
    private readonly CancellationTokenSource failing = new();
    private readonly Channel<PathFailure> failures = Channel.CreateBounded<PathFailure>(
        new BoundedChannelOptions(MaxWaitingFailures) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly Thread reviver;
    private FramePath path;
    private long failureCount;
    private bool stops;

    /// <summary>The exception of the duty when the appliance has given up, else null.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Cancelled when the appliance gives up.</summary>
    public CancellationToken Failing => failing.Token;

    /// <summary>The failures of duties, for the log; for one reader.</summary>
    public ChannelReader<PathFailure> Failures => failures.Reader;

    /// <summary>How many duties have failed. Any thread may read it.</summary>
    public long FailureCount => Volatile.Read(ref failureCount);

    /// <summary>Called on the thread whose duty has thrown.</summary>
    private void Fail(Exception exception)
    {
        Ports.FailWire?.StepAside();
        failed.Enqueue(exception);
        wanted.Release();
    }

    /// <summary>The body of the thread that makes new paths, until the appliance has ended.</summary>
    private void ReviveUntilEnd()
    {
        while (true)
        {
            wanted.Wait();
            lock (turn)
            {
                if (stops || Failure is not null)
                {
                    return;
                }

                if (failed.TryDequeue(out Exception? exception))
                {
                    Revive(exception);
                }
            }
        }
    }

    private void Revive(Exception exception)
    {
        long sinceNs = Clock.NowNs;
        // Again, because a duty may have failed while frames were just being let in to the path before.
        Ports.FailWire?.StepAside();
        if (!threads.End(RevivalPatience))
        {
            GiveUp(new PathFailure(exception, []) { End = $"a thread did not end within {RevivalPatience.TotalSeconds} s" });
            return;
        }

        // Failures of other duties until all threads had ended count as the same failure.
        failed.Clear();
        PathFailure failure = new(exception, Path.FindCulprits());
        if (tolerance.Note(failure.Place, sinceNs) is string reason)
        {
            GiveUp(failure with { End = reason });
            return;
        }

        try
        {
            Report(GoOn(failure, sinceNs));
        }
        catch (Exception second) when (second is not OutOfMemoryException)
        {
            GiveUp(new PathFailure(second, failure.Culprits) { End = $"it follows from an earlier failure ({failure.Place})" });
        }
    }

    private PathFailure GoOn(PathFailure failure, long sinceNs)
    {
        Lost before = Lost.Of(Path);
        Path = Path.Succeed(failure.Culprits);
        PathThreads anew = new(this, Path, Fail);
        Volatile.Write(ref threads, anew);
        anew.Start();
        long awayNs = Clock.NowNs - sinceNs;
        if (failed.IsEmpty && Ports.FailWire?.StepIn(awayNs) == true)
        {
            // The new path requested a checkpoint when it was made. One that finished since then does not cover the frames that
            // went past until now.
            Path.Gate.NoteBypass(awayNs);
        }

        Lost now = Lost.Of(Path);
        return failure with
        {
            LostOfPrimary = now.OfPrimary - before.OfPrimary,
            LostOfSecondary = now.OfSecondary - before.OfSecondary,
            AwayNs = awayNs,
        };
    }

    private void GiveUp(PathFailure failure)
    {
        Failure = failure.Exception;
        Report(failure);
        failing.Cancel();
    }

    private void Report(PathFailure failure)
    {
        Volatile.Write(ref failureCount, failureCount + 1);
        _ = failures.Writer.TryWrite(failure);
    }

    private void EndReviver()
    {
        if (reviver.IsAlive && Thread.CurrentThread != reviver)
        {
            wanted.Release();
            reviver.Join();
        }

        failures.Writer.TryComplete();
    }

    /// <summary>Frames that were lost by failures.</summary>
    private readonly record struct Lost(long OfPrimary, long OfSecondary)
    {
        public static Lost Of(FramePath path)
        {
            ReadOnlySpan<long> drops = PathCounters.Of(path).Drops;
            return new Lost(drops[(int)DropReason.PrimaryFailure], drops[(int)DropReason.SecondaryFailure]);
        }
    }
}
