// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>One row of the page of scenarios: its number and name, then the events and the expected results, in order.</summary>
public sealed class Scenario(string name, params Action<TestBench>[] steps)
{
    /// <summary>Changes to the options of the bench.</summary>
    public Func<EngineOptions, EngineOptions> Options { get; init; } = options => options;

    public override string ToString() => name;

    public void Run(EngineOptions options)
    {
        using TestBench bench = new(Options(options));
        foreach (Action<TestBench> step in steps)
        {
            step(bench);
        }

        bench.StopAndCheckNothingLost();
    }
}

/// <summary>The steps of which rows are made.</summary>
public static class Words
{
    public static Segment A { get; } = new(1000, Fill('A'));

    public static Segment B { get; } = new(1100, Fill('B'));

    public static Segment C { get; } = new(1200, Fill('C'));

    public static Action<TestBench> Checkpointed { get; } = bench => bench.Checkpoint();

    /// <summary>The requester reports an event.</summary>
    public static Action<TestBench> Happens(CheckpointEvent told) => bench =>
    {
        bench.Requester.Happen(told);
        bench.Poll();
    };

    /// <summary>Checks the number of requests, retries included, that the requester got.</summary>
    public static Action<TestBench> Asked(int count) =>
        bench => Assert.That(bench.Requester.Asked, Is.EqualTo(count), "requests and retries");

    public static Action<TestBench> Stands(Protection expected) => bench =>
        Assert.That(bench.Path.Guest.Protection, Is.EqualTo(expected));

    public static byte[] Fill(char letter, int count = 100) => [.. Enumerable.Repeat((byte)letter, count)];

    /// <summary>The primary sends.</summary>
    public static Action<TestBench> P(params Packet[] packets) =>
        bench => Array.ForEach(packets, p => bench.SendPrimary(p.Bytes()));

    /// <summary>The secondary sends.</summary>
    public static Action<TestBench> S(params Packet[] packets) =>
        bench => Array.ForEach(packets, p => bench.SendSecondary(p.Bytes()));

    /// <summary>A client sends.</summary>
    public static Action<TestBench> W(params Packet[] packets) =>
        bench => Array.ForEach(packets, p => bench.SendWorld(p.Bytes()));

    /// <summary>The primary has received exactly these frames of clients since the start, in this order.</summary>
    public static Action<TestBench> ToP(params Packet[] packets) => bench => Assert.That(
        bench.ToPrimary.Frames.Select(Convert.ToHexString),
        Is.EqualTo(packets.Select(p => Convert.ToHexString(p.Bytes()))), "what the primary receives");

    /// <summary>The secondary has received exactly these frames of clients since the start, in this order.</summary>
    public static Action<TestBench> ToS(params Packet[] packets) => bench => Assert.That(
        bench.ToSecondary.Frames.Select(Convert.ToHexString),
        Is.EqualTo(packets.Select(p => Convert.ToHexString(p.Bytes()))), "what the secondary receives");

    /// <summary>Both replicas have received exactly these frames of clients.</summary>
    public static Action<TestBench> ToBoth(params Packet[] packets) => bench =>
    {
        ToP(packets)(bench);
        ToS(packets)(bench);
    };

    public static Action<TestBench> PrimaryBytes(params byte[][] frames) => bench => Array.ForEach(frames, bench.SendPrimary);

    public static Action<TestBench> SecondaryBytes(params byte[][] frames) => bench => Array.ForEach(frames, bench.SendSecondary);

    /// <summary>Exactly these frames have left since the start, in this order.</summary>
    public static Action<TestBench> Out(params Packet[] packets) => OutBytes([.. packets.Select(p => p.Bytes())]);

    public static Action<TestBench> OutBytes(params byte[][] frames) => bench =>
        Assert.That(
            bench.Output.Frames.Select(Convert.ToHexString), Is.EqualTo(frames.Select(Convert.ToHexString)), "frames that left");

    /// <summary>Exactly this many checkpoints were requested; the last request has this cause, which is no divergence.</summary>
    public static Action<TestBench> Cp(int count, CheckpointCause cause) => bench =>
    {
        Cp(count)(bench);
        Assert.That(bench.Reports[^1].Cause, Is.EqualTo(cause));
    };

    /// <summary>Exactly this many checkpoints were requested; where a reason is given, the last request has this
    /// reason.</summary>
    public static Action<TestBench> Cp(int count, DivergenceReason? reason = null, int? offset = null) => bench =>
    {
        Assert.That(bench.Checkpoints, Is.EqualTo(count), "checkpoint requests");
        if (reason is not null)
        {
            Assert.That(bench.Reports[^1].Cause, Is.EqualTo(CheckpointCause.Divergence));
            Assert.That(bench.Reports[^1].Divergence.Reason, Is.EqualTo(reason));
        }

        if (offset is not null)
        {
            Assert.That(bench.Reports[^1].Divergence.Offset, Is.EqualTo(offset));
        }
    };

    public static Action<TestBench> Wait(int ms) => bench => bench.Wait(ms);

    public static Action<TestBench> Tolerated(ToleratedField field, int count) => bench =>
        Assert.That(bench.Sum(c => c.Tolerated[(int)field]), Is.EqualTo(count), $"tolerated {field}");

    public static Action<TestBench> Dropped(DropReason reason, int count) => bench =>
        Assert.That(bench.Sum(c => c.Drops[(int)reason]), Is.EqualTo(count), $"dropped {reason}");

    public static Action<TestBench> Unverified(UnverifiedReason reason, int count) => bench =>
        Assert.That(bench.Sum(c => c.Unverified[(int)reason]), Is.EqualTo(count), $"unverified {reason}");

    public static Action<TestBench> Passed(NotComparedReason reason, int count) => bench =>
        Assert.That(bench.Sum(c => c.NotCompared[(int)reason]), Is.EqualTo(count), $"not compared {reason}");

    public static Action<TestBench> Verified(int count) =>
        bench => Assert.That(bench.Sum(c => c.Verified), Is.EqualTo(count), "verified");
}
