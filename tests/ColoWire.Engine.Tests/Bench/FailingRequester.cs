// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine.Checkpoint;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>One event or change of state of a requester, in milliseconds after the step before.</summary>
public readonly record struct RequesterStep(int AfterMs, CheckpointEvent Says, bool? BecomesReady);

/// <summary>How a requester fails: the steps after each request, and the steps that it repeats with or without a
/// request.</summary>
public sealed record RequesterFault(string Name)
{
    public IReadOnlyList<RequesterStep> OnRequest { get; init; } = [];

    public IReadOnlyList<RequesterStep> Always { get; init; } = [];

    public static RequesterStep Says(CheckpointEvent told, int afterMs = 0) => new(afterMs, told, null);

    public static RequesterStep Becomes(bool isReady, int afterMs = 0) => new(afterMs, CheckpointEvent.None, isReady);

    public override string ToString() => Name;
}

/// <summary>A requester that fails in one way until it is repaired; from then on each request makes a checkpoint.</summary>
public sealed class FailingRequester(RequesterFault fault) : ICheckpointRequester
{
    private const long NanosecondsPerMs = 1_000_000;

    private static readonly RequesterFault Mended = new("mended")
    {
        OnRequest = [RequesterFault.Says(CheckpointEvent.Began), RequesterFault.Says(CheckpointEvent.Completed, 10)],
    };

    private readonly Queue<CheckpointEvent> told = new();
    private readonly Play onRequest = new();
    private readonly Play always = new();
    private RequesterFault behaviour = fault;
    private long nowNs;

    public bool Synchronises => true;

    public bool IsReady { get; private set; } = true;

    /// <summary>The times of the requests, in nanoseconds.</summary>
    public List<long> AskedAtNs { get; } = [];

    /// <summary>Repairs the requester; a checkpoint that is in progress fails.</summary>
    public void Mend()
    {
        behaviour = Mended;
        told.Clear();
        told.Enqueue(CheckpointEvent.Failed);
        onRequest.End();
        always.End();
        IsReady = true;
    }

    public void Request(in CheckpointReport cause, long nowNs)
    {
        AskedAtNs.Add(nowNs);
        onRequest.Begin(behaviour.OnRequest, nowNs);
    }

    public CheckpointEvent Poll(long nowNs)
    {
        if (nowNs > this.nowNs)
        {
            this.nowNs = nowNs;
            Advance(onRequest);
            if (always.HasEnded)
            {
                always.Begin(behaviour.Always, nowNs);
            }

            Advance(always);
        }

        return told.TryDequeue(out CheckpointEvent happened) ? happened : CheckpointEvent.None;
    }

    private void Advance(Play play)
    {
        while (play.TryTakeDue(nowNs, out RequesterStep step))
        {
            IsReady = step.BecomesReady ?? IsReady;
            if (step.Says != CheckpointEvent.None)
            {
                told.Enqueue(step.Says);
            }
        }
    }

    /// <summary>A sequence of steps in progress.</summary>
    private sealed class Play
    {
        private IReadOnlyList<RequesterStep> steps = [];
        private int next;
        private long doneAtNs;

        public bool HasEnded => next == steps.Count;

        public void Begin(IReadOnlyList<RequesterStep> played, long nowNs)
        {
            steps = played;
            next = 0;
            doneAtNs = nowNs;
        }

        public void End() => Begin([], 0);

        public bool TryTakeDue(long nowNs, out RequesterStep step)
        {
            step = HasEnded ? default : steps[next];
            if (HasEnded || nowNs < doneAtNs + (step.AfterMs * NanosecondsPerMs))
            {
                return false;
            }

            next++;
            doneAtNs = nowNs;
            return true;
        }
    }
}
