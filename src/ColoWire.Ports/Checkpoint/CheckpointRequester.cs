// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Threading;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Rings;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Checkpoint;

/// <summary>
/// Somebody who makes checkpoints, behind a thread of its own that does all that waits. The gate's thread leaves its requests in one ring
/// and finds what has happened in another; it never waits and never allocates.
/// </summary>
public abstract class CheckpointRequester : ICheckpointRequester, IWaitable, IDisposable
{
    private readonly SpscRing<CheckpointReport> requests = new(RequesterLimits.WaitingRequests);
    private readonly SpscRing<CheckpointEvent> events = new(RequesterLimits.WaitingEvents);
    private readonly WakeSignal asked = new();
    private readonly WakeSignal happened = new();
    private readonly CheckpointReport[] taken = new CheckpointReport[1];
    private readonly CheckpointEvent[] heard = new CheckpointEvent[RequesterLimits.WaitingEvents];
    private readonly CancellationTokenSource ending = new();
    private readonly Lock countsLock = new();
    private readonly Thread thread;
    private RequesterCounts counts;
    private int heardCount;
    private int heardNext;
    private bool hasNews;
    private bool isDisposed;
    private bool isReady;
    private string? trouble;
    private long sentAtNs;
    private long stoppedAtNs;

    /// <summary>Makes one that does nothing yet.</summary>
    /// <param name="name">As the operator has written it.</param>
    protected CheckpointRequester(string name)
    {
        Name = name;
        Ending = ending.Token;
        thread = new Thread(RunGuarded) { Name = "colowire-request", IsBackground = true };
    }

    /// <summary>As the operator has written it.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public bool Synchronises => true;

    /// <inheritdoc/>
    public bool IsReady => Volatile.Read(ref isReady);

    /// <summary>Why it is not ready, or why the last request failed, in one line; else null. Any thread may read it.</summary>
    public virtual string? Trouble => Volatile.Read(ref trouble);

    /// <summary>What it has done; any thread may read it.</summary>
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
    public int WaitHandle => happened.Handle;

    /// <summary>Raised when the requester is to end.</summary>
    protected CancellationToken Ending { get; }

    /// <summary>Readable when the gate has asked, or the requester is to end.</summary>
    protected int RequestHandle => asked.Handle;

    /// <summary>Whether a request was sent that nothing has come of yet.</summary>
    protected bool IsOutstanding => sentAtNs != 0;

    /// <summary>Whether a checkpoint has begun that the gate knows of.</summary>
    protected bool HasBegun => stoppedAtNs != 0;

    /// <summary>Starts its thread.</summary>
    public void Start() => thread.Start();

    /// <inheritdoc/>
    public void Request(in CheckpointReport cause, long nowNs)
    {
        // Where it is full, the same is asked for already.
        _ = requests.TryAdd(cause);
        requests.Publish();
        asked.Raise();
    }

    /// <inheritdoc/>
    public CheckpointEvent Poll(long nowNs)
    {
        if (heardNext == heardCount)
        {
            if (!Volatile.Read(ref hasNews))
            {
                return CheckpointEvent.None;
            }

            // Taken back before the ring is read: whatever comes later raises both anew.
            Volatile.Write(ref hasNews, false);
            happened.Clear();
            heardNext = 0;
            heardCount = events.Read(heard);
        }

        return heardNext == heardCount ? CheckpointEvent.None : heard[heardNext++];
    }

    /// <summary>Ends its thread. The gate may not call it any more.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends its thread.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (isDisposed)
        {
            return;
        }

        isDisposed = true;
        ending.Cancel();
        asked.Raise();
        if (!thread.IsAlive || thread.Join(RequesterLimits.EndPatienceMs))
        {
            asked.Dispose();
            happened.Dispose();
            ending.Dispose();
        }
    }

    /// <summary>What its thread does until it is to end.</summary>
    protected abstract void Run();

    /// <summary>Takes what the gate has asked for; of several requests the last.</summary>
    /// <returns>False when it has not asked.</returns>
    protected bool TryTakeRequest(out CheckpointReport cause)
    {
        asked.Clear();
        bool isAsked = false;
        while (requests.Read(taken) != 0)
        {
            isAsked = true;
        }

        cause = taken[0];
        return isAsked;
    }

    /// <summary>Somebody can be asked from now on.</summary>
    protected void BeReady()
    {
        Volatile.Write(ref trouble, null);
        Volatile.Write(ref isReady, true);
    }

    /// <summary>Nobody can be asked from now on. What was asked for comes to nothing.</summary>
    /// <param name="why">One line.</param>
    protected void BeLost(string why)
    {
        if (IsOutstanding || HasBegun)
        {
            Fail(why);
        }

        Volatile.Write(ref isReady, false);
        Volatile.Write(ref trouble, why);
    }

    /// <summary>The primary runs alone from now on, until a checkpoint has finished; nobody can be asked.</summary>
    /// <param name="why">One line.</param>
    protected void LoseSecondary(string why)
    {
        if (IsOutstanding || HasBegun)
        {
            CountFailure();
        }

        Volatile.Write(ref isReady, false);
        Volatile.Write(ref trouble, why);
        Tell(CheckpointEvent.SecondaryLost);
    }

    /// <summary>A request goes out.</summary>
    protected void NoteRequest()
    {
        sentAtNs = Stopwatch.GetTimestamp();
        Count(counts with { Requests = counts.Requests + 1 });
    }

    /// <summary>Something came in that means nothing here.</summary>
    protected void NoteIgnored() => Count(counts with { Ignored = counts.Ignored + 1 });

    /// <summary>Both replicas are stopped for a checkpoint.</summary>
    protected void Begin()
    {
        stoppedAtNs = Stopwatch.GetTimestamp();
        Tell(CheckpointEvent.Began);
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
        Tell(CheckpointEvent.Completed);
    }

    /// <summary>The last request was refused, or the checkpoint that began does not finish.</summary>
    /// <param name="why">One line.</param>
    protected void Fail(string why)
    {
        CountFailure();
        Volatile.Write(ref trouble, why);
        Tell(CheckpointEvent.Failed);
    }

    /// <summary>A text of somebody else's on one line, not too long, to be shown.</summary>
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
            // It is to end.
        }
        catch (Exception exception)
        {
            // Without it the guest runs on, unprotected, and the log says so; a process that ends would take the wire with it.
            BeLost($"its thread has failed, which is a bug of ColoWire: {Shown(exception.ToString())}");
        }
    }

    private void CountFailure()
    {
        sentAtNs = 0;
        stoppedAtNs = 0;
        Count(counts with { Failed = counts.Failed + 1 });
    }

    private void Tell(CheckpointEvent what)
    {
        while (!events.TryAdd(what) && !Ending.IsCancellationRequested)
        {
            Thread.Sleep(RequesterLimits.FullEventsPauseMs);
        }

        events.Publish();
        Volatile.Write(ref hasNews, true);
        happened.Raise();
    }

    /// <summary>Only its thread writes them; others may read them meanwhile.</summary>
    private void Count(RequesterCounts news)
    {
        lock (countsLock)
        {
            counts = news;
        }
    }
}
