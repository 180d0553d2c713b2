// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Threading;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Rings;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Checkpoint;

/// <summary>
/// Asks for checkpoints, on a thread of its own that does everything that waits. The gate's thread puts its requests into one
/// ring and reads events from another one; it never waits and never allocates.
/// </summary>
public abstract class CheckpointRequester : ICheckpointRequester, IWaitable, IDisposable
{
    private readonly SpscRing<CheckpointReport> requests = new(RequesterLimits.WaitingRequests);
    private readonly SpscRing<CheckpointEvent> events = new(RequesterLimits.WaitingEvents);
    private readonly WakeSignal requested = new();
    private readonly WakeSignal reported = new();
    private readonly CheckpointReport[] taken = new CheckpointReport[1];
    private readonly CheckpointEvent[] received = new CheckpointEvent[RequesterLimits.WaitingEvents];
    private readonly CancellationTokenSource ending = new();
    private readonly Lock countsLock = new();
    private readonly Thread thread;
    private RequesterCounts counts;
    private int receivedCount;
    private int receivedNext;
    private bool hasNews;
    private bool isDisposed;
    private bool isReady;
    private string? trouble;
    private long sentAtNs;
    private long stoppedAtNs;

    /// <summary>Creates a requester that does not run yet.</summary>
    /// <param name="name">The name that the operator wrote.</param>
    protected CheckpointRequester(string name)
    {
        Name = name;
        Ending = ending.Token;
        thread = new Thread(RunGuarded) { Name = "colowire-request", IsBackground = true };
    }

    /// <summary>The name that the operator wrote.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public bool Synchronises => true;

    /// <inheritdoc/>
    public bool IsReady => Volatile.Read(ref isReady);

    /// <summary>Why it is not ready, or why the last request failed, in one line; else null. Any thread may read it.</summary>
    public virtual string? Trouble => Volatile.Read(ref trouble);

    /// <summary>What was counted since the start; any thread may read it.</summary>
    public RequesterCounts Counts
    {
        get
        {
            lock (countsLock)
            {
                return counts;
            }
        }
    }

    /// <summary>Readable when an event waits for the gate.</summary>
    public int WaitHandle => reported.Handle;

    /// <summary>Cancelled when the requester is to end.</summary>
    protected CancellationToken Ending { get; }

    /// <summary>Readable when the gate has sent a request, or the requester is to end.</summary>
    protected int RequestHandle => requested.Handle;

    /// <summary>Whether a request was sent that has neither finished nor failed.</summary>
    protected bool IsOutstanding => sentAtNs != 0;

    /// <summary>Whether a checkpoint has begun that was reported to the gate and has neither finished nor failed.</summary>
    protected bool HasBegun => stoppedAtNs != 0;

    /// <summary>Starts the thread.</summary>
    public void Start() => thread.Start();

    /// <inheritdoc/>
    public void Request(in CheckpointReport cause, long nowNs)
    {
        // A full ring holds a request already, and all requests ask for the same.
        _ = requests.TryAdd(cause);
        requests.Publish();
        requested.Raise();
    }

    /// <inheritdoc/>
    public CheckpointEvent Poll(long nowNs)
    {
        if (receivedNext == receivedCount)
        {
            if (!Volatile.Read(ref hasNews))
            {
                return CheckpointEvent.None;
            }

            // Both are reset before the ring is read: an event that is added later sets them again. Partner: Report.
            Volatile.Write(ref hasNews, false);
            reported.Clear();
            receivedNext = 0;
            receivedCount = events.Read(received);
        }

        return receivedNext == receivedCount ? CheckpointEvent.None : received[receivedNext++];
    }

    /// <summary>Ends the thread. The gate may not call it any more.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the thread.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (isDisposed)
        {
            return;
        }

        isDisposed = true;
        ending.Cancel();
        requested.Raise();
        if (!thread.IsAlive || thread.Join(RequesterLimits.EndPatienceMs))
        {
            requested.Dispose();
            reported.Dispose();
            ending.Dispose();
        }
    }

    /// <summary>The body of the thread, until <see cref="Ending"/>.</summary>
    protected abstract void Run();

    /// <summary>Takes the request of the gate; of several the last.</summary>
    /// <returns>False when there is none.</returns>
    protected bool TryTakeRequest(out CheckpointReport cause)
    {
        requested.Clear();
        bool hasRequest = false;
        while (requests.Read(taken) != 0)
        {
            hasRequest = true;
        }

        cause = taken[0];
        return hasRequest;
    }

    /// <summary>Requests are possible from now on.</summary>
    protected void SetReady()
    {
        Volatile.Write(ref trouble, null);
        Volatile.Write(ref isReady, true);
    }

    /// <summary>Requests are not possible from now on. One that is outstanding has failed.</summary>
    /// <param name="why">In one line.</param>
    protected void SetUnavailable(string why)
    {
        if (IsOutstanding || HasBegun)
        {
            Fail(why);
        }

        Volatile.Write(ref isReady, false);
        Volatile.Write(ref trouble, why);
    }

    /// <summary>The primary runs without a secondary from now on, until a checkpoint has finished; requests are not
    /// possible.</summary>
    /// <param name="why">In one line.</param>
    protected void LoseSecondary(string why)
    {
        if (IsOutstanding || HasBegun)
        {
            CountFailure();
        }

        Volatile.Write(ref isReady, false);
        Volatile.Write(ref trouble, why);
        Report(CheckpointEvent.SecondaryLost);
    }

    /// <summary>Counts a request that is being sent.</summary>
    protected void CountRequest()
    {
        sentAtNs = Stopwatch.GetTimestamp();
        Count(counts with { Requests = counts.Requests + 1 });
    }

    /// <summary>Counts a message that has no meaning here.</summary>
    protected void CountIgnored() => Count(counts with { Ignored = counts.Ignored + 1 });

    /// <summary>Both replicas are stopped for a checkpoint.</summary>
    protected void Begin()
    {
        stoppedAtNs = Stopwatch.GetTimestamp();
        Report(CheckpointEvent.Began);
    }

    /// <summary>A checkpoint has finished.</summary>
    protected void Complete()
    {
        long nowNs = Stopwatch.GetTimestamp();
        RequesterCounts news = counts with { Completed = counts.Completed + 1 };
        if (IsOutstanding)
        {
            long lastNs = nowNs - sentAtNs;
            news = news with { LastNs = lastNs, LongestNs = Math.Max(news.LongestNs, lastNs) };
        }

        if (HasBegun)
        {
            long lastNs = nowNs - stoppedAtNs;
            news = news with { LastStopNs = lastNs, LongestStopNs = Math.Max(news.LongestStopNs, lastNs) };
        }

        Count(news);
        sentAtNs = 0;
        stoppedAtNs = 0;
        Volatile.Write(ref trouble, null);
        Report(CheckpointEvent.Completed);
    }

    /// <summary>The last request was refused, or the checkpoint that began does not finish.</summary>
    /// <param name="why">In one line.</param>
    protected void Fail(string why)
    {
        CountFailure();
        Volatile.Write(ref trouble, why);
        Report(CheckpointEvent.Failed);
    }

    /// <summary>A text of another program in one line, cut to <see cref="RequesterLimits.ShownCharacters"/>, for a
    /// message.</summary>
    protected static string Shown(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        char[] characters = text.Trim()[..Math.Min(text.Trim().Length, RequesterLimits.ShownCharacters)].ToCharArray();
        return new string(Array.ConvertAll(characters, c => char.IsControl(c) ? ' ' : c));
    }

    private void RunGuarded()
    {
        try
        {
            Run();
        }
        catch (OperationCanceledException)
        {
            // The requester is to end.
        }
        catch (Exception exception)
        {
            // Without a requester the guest runs on, unprotected, and the log says so. An exception out of the thread would end
            // the process and with it the path of the frames.
            SetUnavailable($"its thread has failed, which is a bug of ColoWire: {Shown(exception.ToString())}");
        }
    }

    private void CountFailure()
    {
        sentAtNs = 0;
        stoppedAtNs = 0;
        Count(counts with { Failed = counts.Failed + 1 });
    }

    private void Report(CheckpointEvent what)
    {
        while (!events.TryAdd(what) && !Ending.IsCancellationRequested)
        {
            Thread.Sleep(RequesterLimits.FullEventsPauseMs);
        }

        events.Publish();
        Volatile.Write(ref hasNews, true);
        reported.Raise();
    }

    /// <summary>Only the requester's thread calls it; other threads may read the counts meanwhile.</summary>
    private void Count(RequesterCounts news)
    {
        lock (countsLock)
        {
            counts = news;
        }
    }
}
