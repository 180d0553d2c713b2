// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Concurrent;
using System.Threading;
using System.Threading.Channels;
using ColoWire.Engine;

namespace ColoWire.Hosting;

/// <content>
/// What happens when a duty throws, which is a bug of ColoWire: the kernel takes over at once, a thread that waits for nothing
/// else ends the others and makes a new path over the same ports, and frames come back to ColoWire. Only when that does not help
/// it gives up.
/// </content>
public sealed partial class Appliance
{
    /// <summary>How long each thread may take to end its round once another one's duty has failed. One that takes longer hangs;
    /// meanwhile frames go past ColoWire.</summary>
    private static readonly TimeSpan RevivalPatience = TimeSpan.FromSeconds(2);

    /// <summary>Failures that wait to be told; <see cref="FailureTolerance.AnyPlace"/> of them end the appliance.</summary>
    private const int UntoldFailures = 2 * FailureTolerance.AnyPlace;

    private readonly Lock turn = new();
    private readonly ConcurrentQueue<Exception> failed = [];
    private readonly SemaphoreSlim wanted = new(0);
    private readonly FailureTolerance tolerance = new();
    private readonly CancellationTokenSource failing = new();
    private readonly Channel<PathFailure> failures = Channel.CreateBounded<PathFailure>(
        new BoundedChannelOptions(UntoldFailures) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly Thread reviver;
    private FramePath path;
    private long failureCount;
    private bool stops;

    /// <summary>What a duty threw, when the appliance has given up.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Cancelled when the appliance gives up.</summary>
    public CancellationToken Failing => failing.Token;

    /// <summary>Failures of duties, to be told of; for one reader.</summary>
    public ChannelReader<PathFailure> Failures => failures.Reader;

    /// <summary>How often a duty has failed; any thread may read it.</summary>
    public long FailureCount => Volatile.Read(ref failureCount);

    /// <summary>Called on the thread whose duty threw.</summary>
    private void Fail(Exception exception)
    {
        Ports.FailWire?.StepAside();
        failed.Enqueue(exception);
        wanted.Release();
    }

    /// <summary>What its thread does until the appliance has ended.</summary>
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
        // Again, where one failed while the path before was let in.
        Ports.FailWire?.StepAside();
        if (!threads.End(RevivalPatience))
        {
            GiveUp(new PathFailure(exception, []) { End = $"a thread did not end within {RevivalPatience.TotalSeconds} s" });
            return;
        }

        // Another duty may have failed until all had ended: that is the same failure.
        failed.Clear();
        PathFailure failure = new(exception, Path.FindCulprits());
        if (tolerance.Note(failure.Place, sinceNs) is string reason)
        {
            GiveUp(failure with { End = reason });
            return;
        }

        try
        {
            Tell(GoOn(failure, sinceNs));
        }
        catch (Exception second) when (second is not OutOfMemoryException)
        {
            GiveUp(new PathFailure(second, failure.Culprits) { End = $"it came of an earlier one ({failure.Place})" });
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
            // The path has asked for a checkpoint when it began: one that has finished since knows nothing of what went past until now.
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
        Tell(failure);
        failing.Cancel();
    }

    private void Tell(PathFailure failure)
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

    /// <summary>Frames that failures have lost.</summary>
    private readonly record struct Lost(long OfPrimary, long OfSecondary)
    {
        public static Lost Of(FramePath path)
        {
            ReadOnlySpan<long> drops = PathCounters.Of(path).Drops;
            return new Lost(drops[(int)DropReason.PrimaryFailure], drops[(int)DropReason.SecondaryFailure]);
        }
    }
}
