// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>A gate alone, with ports, a requester and a ring of a shard in the test's hand.</summary>
internal sealed class GateRig
{
    public const int RetryMs = 100;
    public const int MaxMs = 300;
    private const long NanosecondsPerMs = 1_000_000;

    private readonly SpscRing<CheckpointReport> fromShard = new(EngineLimits.ReportRingEntries);
    private readonly MemoryCapturePort primary = new("primary");
    private readonly MemoryCapturePort secondary = new("secondary");
    private long nowNs = 1_000_000_000;

    public GateRig(CompareMode mode)
    {
        EngineOptions options = TestBench.SmallOptions with { Mode = mode, CheckpointRetryMs = RetryMs, CheckpointMaxMs = MaxMs };
        Gate = new CheckpointGate(Requester, primary, secondary, [fromShard], options, failed: null);
        Poll();
    }

    public CheckpointGate Gate { get; }

    public ScriptedRequester Requester { get; } = new();

    /// <summary>Polls at this instant.</summary>
    public void Poll() => Gate.Poll(nowNs);

    /// <summary>Lets time pass, and polls once.</summary>
    public void Wait(int ms)
    {
        nowNs += ms * NanosecondsPerMs;
        Poll();
    }

    /// <summary>A shard finds that the replicas differ.</summary>
    public void Differ()
    {
        CheckpointReport report = new() { Epoch = Gate.Guest.Epoch, AtNs = nowNs };
        fromShard.TryAdd(in report);
        fromShard.Publish();
        Poll();
    }

    /// <summary>The requester tells something.</summary>
    public void Tell(CheckpointEvent told)
    {
        Requester.Happen(told);
        Poll();
    }

    /// <summary>The secondary's port loses its link, or gets it back.</summary>
    public void SetLink(bool hasLink)
    {
        secondary.HasLink = hasLink;
        Poll();
    }

    /// <summary>The operator orders the mode that the gate has not.</summary>
    public void OrderOtherMode()
    {
        Gate.OrderMode(Gate.Guest.Mode == CompareMode.Observe ? CompareMode.Lockstep : CompareMode.Observe);
        Poll();
    }

    /// <summary>The requester cannot be reached for as long as a request stands.</summary>
    public void LeaveRequesterAway()
    {
        Requester.IsReady = false;
        Poll();
        Wait(RetryMs);
    }

    /// <summary>What the gate has told the host since the last call.</summary>
    public List<CheckpointCause> TakeCauses()
    {
        List<CheckpointCause> causes = [];
        while (Gate.TryReadReport(out CheckpointReport report))
        {
            causes.Add(report.Cause);
        }

        return causes;
    }
}
