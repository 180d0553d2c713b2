// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>A whole path with ports in memory, a scripted requester and a clock in the test's hand.</summary>
public sealed class TestBench : IDisposable
{
    private const long NanosecondsPerMs = 1_000_000;

    private FramePath path;
    private readonly List<byte[]> primarySent = [];

    public TestBench(EngineOptions options, bool headersLeave)
        : this(options, output: new MemoryInjectPort { KeepsVnetHeader = headersLeave })
    {
    }

    public TestBench(EngineOptions options, ICheckpointRequester? requester = null, MemoryInjectPort? output = null)
    {
        Output = output ?? new MemoryInjectPort();
        Requester = requester as ScriptedRequester ?? new ScriptedRequester();
        path = new FramePath(options, Primary, Secondary, Output, requester ?? Requester);
        Poll();
    }

    /// <summary>Small enough to be quick, large enough for every scenario; a checkpoint may follow the other at once.</summary>
    public static EngineOptions SmallOptions =>
        new() { SlotsPerSide = 4096, LargeSlotsPerSide = 8, Flows = 1024, CheckpointIntervalMs = 0 };

    public MemoryCapturePort Primary { get; } = new("primary");

    public MemoryCapturePort Secondary { get; } = new("secondary");

    public MemoryInjectPort Output { get; }

    public ScriptedRequester Requester { get; }

    public FramePath Path => path;

    public long NowNs { get; private set; } = 1_000_000_000;

    public List<CheckpointReport> Reports { get; } = [];

    public long Checkpoints => path.Gate.Requests;

    public ShardCounters Counters => path.Shards[0].Counters;

    public void SendPrimary(byte[] frame) => SendPrimary(frame, frame);

    /// <summary>The primary sends what is to leave in another form.</summary>
    public void SendPrimary(byte[] frame, byte[] leavesAs)
    {
        primarySent.Add(leavesAs);
        Primary.Feed(frame);
        Poll();
    }

    public void SendSecondary(byte[] frame)
    {
        Secondary.Feed(frame);
        Poll();
    }

    /// <summary>Feeds without polling: a frame that lies on the wire.</summary>
    public void QueuePrimary(byte[] frame)
    {
        primarySent.Add(frame);
        Primary.Feed(frame);
    }

    /// <summary>The primary sends what must not leave.</summary>
    public void SendPrimaryInVain(byte[] frame)
    {
        Primary.Feed(frame);
        Poll();
    }

    /// <summary>Polls until nothing is left to do at this instant.</summary>
    public void Poll()
    {
        for (int idle = 0; idle < 3;)
        {
            idle = path.Poll(NowNs) == 0 ? idle + 1 : 0;
        }

        while (path.Gate.TryReadReport(out CheckpointReport report))
        {
            Reports.Add(report);
        }
    }

    /// <summary>Does what makes a duty fail, and goes on as a program does.</summary>
    /// <returns>What the failure is put down to.</returns>
    public IReadOnlyList<Culprit> Fail(Action<TestBench> act)
    {
        Assert.That(() => act(this), Throws.InstanceOf<SystemException>(), "a duty fails");
        IReadOnlyList<Culprit> culprits = path.FindCulprits();
        path = path.Succeed(culprits);
        return culprits;
    }

    /// <summary>Lets time pass, in steps of 10 ms.</summary>
    public void Wait(int ms)
    {
        for (long end = NowNs + (ms * NanosecondsPerMs); NowNs < end;)
        {
            NowNs = Math.Min(end, NowNs + (10 * NanosecondsPerMs));
            Poll();
        }
    }

    /// <summary>Lets time pass without a poll: nobody looks before the next frame comes.</summary>
    public void AdvanceTo(long nowNs) => NowNs = Math.Max(NowNs, nowNs);

    /// <summary>Lets time pass without a poll in between.</summary>
    public void Jump(int ms)
    {
        NowNs += ms * NanosecondsPerMs;
        Poll();
    }

    public void Checkpoint()
    {
        Requester.Happen(CheckpointEvent.Completed);
        Poll();
    }

    /// <summary>Sum over all shards of a counter.</summary>
    public long Sum(Func<ShardCounters, long> counter) => path.Shards.Sum(shard => counter(shard.Counters));

    /// <summary>Checks that all has left and forgets it, in a test that sends more than memory holds.</summary>
    public void ForgetWhatLeft()
    {
        Assert.That(Output.Frames, Has.Count.EqualTo(primarySent.Count), "all has left");
        primarySent.Clear();
        Output.Frames.Clear();
    }

    /// <summary>Stops, and checks what must hold after every test: each primary frame left once, unchanged, and no slot is missing.</summary>
    public void StopAndCheckNothingLost()
    {
        StopAndCheckSlots();
        Assert.That(
            Output.Frames.Select(Convert.ToHexString).Order(),
            Is.EqualTo(primarySent.Select(Convert.ToHexString).Order()),
            "each primary frame leaves exactly once, as it should (R4)");
    }

    /// <summary>Stops, and checks that no slot is missing and nothing is held.</summary>
    public void StopAndCheckSlots()
    {
        path.BeginStop();
        Output.FramesPerCall = int.MaxValue;
        Poll();
        Assert.That(path.IsDrained, Is.True, "a slot did not come home");
        Assert.That(Sum(c => c.Held), Is.Zero);
        Assert.That(Sum(c => c.SecondaryHeld), Is.Zero);
    }

    public void Dispose() => path.Dispose();
}
