// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Checkpoint.CheckpointEvent;
using static ColoWire.Engine.Tests.Bench.RequesterFault;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>
/// A requester that fails between any two steps of a checkpoint, again and again: frames that agree leave within the bound that
/// the options set, frames that differ are subject to <c>requester_loss</c>, the guest is stopped no more often than
/// <c>checkpoint_retry_ms</c> allows, and the first checkpoint that finishes restores the protection.
/// </summary>
[TestFixture(1)]
[TestFixture(3)]
public sealed class RequesterFaultScenarios(int shards)
{
    private const int RetryMs = 3000;
    private const int Retries = 2;
    private const int MaxMs = 15_000;
    private const int StepMs = 10;
    private const long NanosecondsPerMs = 1_000_000;

    /// <summary>Time until the requester counts as lost when it never answers a request: each request times out.</summary>
    private const int SilentMs = (Retries + 1) * RetryMs;

    /// <summary>The same time when three checkpoints begin and break off, the second at once.</summary>
    private const int BrokenMs = RetryMs + 500;

    private static readonly FaultRow[] Rows =
    [
        new(new("never answers"), LostMs: SilentMs, HeldMs: 0),
        new(new("refuses each request") { OnRequest = [Says(Failed)] }, LostMs: (Retries * RetryMs) + 100, HeldMs: 0),
        new(new("refuses each request just before its time is over") { OnRequest = [Says(Failed, RetryMs - StepMs)] }, LostMs: SilentMs, HeldMs: 0),
        new(new("begins, and breaks off at once") { OnRequest = [Says(Began), Says(Failed)] }, BrokenMs, BrokenMs),
        new(new("begins, and breaks off after 50 ms") { OnRequest = [Says(Began), Says(Failed, 50)] }, BrokenMs, BrokenMs),
        new(new("begins twice, and breaks off") { OnRequest = [Says(Began), Says(Began, 20), Says(Failed, 20)] }, BrokenMs, BrokenMs),
        new(new("begins, breaks off, and is gone for 100 ms") { OnRequest = [Says(Began), Says(Failed, 50), Becomes(false), Becomes(true, 100)] }, BrokenMs, BrokenMs),
        new(new("begins, is gone for 100 ms without a word, and never ends") { OnRequest = [Says(Began), Becomes(false), Becomes(true, 100)] }, MaxMs, MaxMs),
        new(new("begins, and is gone for good") { OnRequest = [Says(Began), Becomes(false)] }, RetryMs, RetryMs),
        new(new("begins, breaks off, and is gone for good") { OnRequest = [Says(Began), Says(Failed, 50), Becomes(false)] }, RetryMs + 100, RetryMs + 100),
        new(new("begins, and never ends") { OnRequest = [Says(Began)] }, MaxMs, MaxMs),
        new(new("begins over and over, and never ends") { OnRequest = [Says(Began)], Always = [Says(Began, 1000)] }, MaxMs, MaxMs),
        new(new("begins, and breaks off after 10 s") { OnRequest = [Says(Began), Says(Failed, 10_000)] }, 30_100, 30_100),
        new(new("is gone at each request without a word") { OnRequest = [Becomes(false), Becomes(true, 100)] }, LostMs: SilentMs, HeldMs: 0),
        new(new("is gone at each request, and refuses it") { OnRequest = [Says(Failed), Becomes(false), Becomes(true, 100)] }, SilentMs, HeldMs: 0),
        new(new("comes and goes, and never answers") { Always = [Becomes(false, 100), Becomes(true, 100)] }, SilentMs + RetryMs, HeldMs: 0),
        new(new("comes for a moment now and then, and never answers") { Always = [Becomes(false), Becomes(true, 2800), Becomes(true, 20)] }, 2 * SilentMs, 0),
        new(new("is gone for longer than a request stands, then begins and breaks off")
        {
            Always = [Becomes(false), Becomes(true, RetryMs + 1000), Becomes(true, 2000)],
            OnRequest = [Says(Began), Says(Failed, 50)],
        },
            RetryMs, HeldMs: 100),
        new(new("is never there") { Always = [Becomes(false)] }, RetryMs, HeldMs: 0),
        new(new("begins and breaks off twice a second, asked or not") { Always = [Says(Began, 490), Says(Failed, 10)] }, BrokenMs + 500, BrokenMs + 500),
        new(new("begins twice a second, asked or not, and never ends") { Always = [Says(Began, 500)] }, MaxMs + 500, MaxMs),
        new(new("breaks off what has not begun") { Always = [Says(Failed, 100)] }, SilentMs, HeldMs: 0),
        new(new("fails once in each way in turn") { OnRequest = [Says(Began), Says(Failed), Becomes(false, 50), Becomes(true, 50), Says(Began), Says(Failed, 50)] },
            BrokenMs, BrokenMs),
    ];

    [Test]
    public void What_agrees_leaves_what_differs_is_left_to_the_policy_and_a_checkpoint_ends_it(
        [ValueSource(nameof(Rows))] FaultRow row, [Values] RequesterLossPolicy policy)
    {
        FailingRequester requester = new(row.Fault);
        using TestBench bench = new(Options with { RequesterLoss = policy }, requester);
        Traffic traffic = new(bench);
        bench.SendPrimary(A.Bytes());
        bench.SendSecondary(A.Flipped(1).Bytes());
        long differedAtNs = bench.NowNs;

        long lostAtNs = traffic.RunUntil(() => bench.Path.Guest.Protection == Protection.DegradedNoCheckpoints, row.LostMs + StepMs);
        Assert.That(lostAtNs, Is.Positive, "the requester counts as lost");
        traffic.Run(60_000);
        Assert.That(traffic.LongestWaitMs(), Is.LessThanOrEqualTo(row.HeldMs + (2 * StepMs)), "longest hold time");
        Assert.That(bench.Path.Guest.Protection, Is.EqualTo(Protection.DegradedNoCheckpoints));
        bool differentHasLeft = bench.Output.Frames.Any(frame => frame.AsSpan().SequenceEqual(A.Bytes()));
        Assert.That(differentHasLeft, Is.EqualTo(policy == RequesterLossPolicy.Bypass), "the frame that differs has left");
        AssertPaced(requester, bench.NowNs - differedAtNs, RetryMs);

        requester.Mend();
        traffic.Run(RetryMs + 100);
        Assert.That(bench.Path.Guest.Protection, Is.EqualTo(Protection.InStep), "a checkpoint restores the protection");
        bench.Wait(100);
        Assert.That(traffic.Waiting(), Is.Zero);
        bench.SendPrimary(C.Bytes());
        bench.SendSecondary(C.Bytes());
        Assert.That(bench.Output.Frames[^1], Is.EqualTo(C.Bytes()), "frames are compared and held as before");
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void While_ColoWire_only_observes_no_frame_waits_for_a_checkpoint_that_nobody_asks_for([ValueSource(nameof(Rows))] FaultRow row)
    {
        RequesterStep[] unasked = [.. row.Fault.OnRequest.Select(step => step with { AfterMs = step.AfterMs + 50 })];
        FailingRequester requester = new(row.Fault with { Always = [.. row.Fault.Always, .. unasked] });
        using TestBench bench = new(Options with { Mode = CompareMode.Observe }, requester);
        Traffic traffic = new(bench);
        traffic.Run(60_000);
        int standsMs = row.HeldMs == 0 ? 0 : Math.Min(MaxMs, row.HeldMs);
        Assert.That(traffic.LongestWaitMs(), Is.LessThanOrEqualTo(standsMs + 100), "longest hold time");
        Assert.That(requester.AskedAtNs, Is.Empty);
        bench.Wait(MaxMs);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Whatever_a_requester_says_in_whatever_order_nothing_is_held_for_longer_than_the_options_allow([Range(1, 60)] int seed)
    {
        const int retryMs = 100;
        const int maxMs = 300;
        Random random = new(seed);
        CheckpointEvent[] words = [Began, Began, Failed, None];
        RequesterStep Any() => random.Next(4) == 0
            ? Becomes(random.Next(2) == 0, random.Next(2 * retryMs))
            : Says(words[random.Next(words.Length)], random.Next(2) * random.Next(2 * maxMs));
        RequesterFault fault = new($"seed {seed}")
        {
            OnRequest = [.. Enumerable.Range(0, random.Next(5)).Select(_ => Any())],
            Always = [.. Enumerable.Range(0, random.Next(5)).Select(_ => Any())],
        };
        FailingRequester requester = new(fault);
        using TestBench bench = new(Options with { CheckpointRetryMs = retryMs, CheckpointMaxMs = maxMs }, requester);
        Traffic traffic = new(bench);
        bench.SendPrimary(A.Bytes());
        bench.SendSecondary(A.Flipped(1).Bytes());
        long differedAtNs = bench.NowNs;
        traffic.Run(10_000);
        Assert.That(traffic.LongestWaitMs(), Is.LessThanOrEqualTo((Retries + 2) * (retryMs + maxMs)), fault.Name);
        Assert.That(bench.Output.Frames.Any(frame => frame.AsSpan().SequenceEqual(A.Bytes())), "the frame that differs has left");
        AssertPaced(requester, bench.NowNs - differedAtNs, retryMs);
        requester.Mend();
        traffic.Run(maxMs + (2 * retryMs));
        Assert.That(bench.Path.Guest.Protection, Is.EqualTo(Protection.InStep), "a checkpoint restores the protection");
        bench.StopAndCheckNothingLost();
    }

    private EngineOptions Options => TestBench.SmallOptions with
    {
        Shards = shards,
        CheckpointRetryMs = RetryMs,
        CheckpointRetries = Retries,
        CheckpointMaxMs = MaxMs,
        // A frame that is held for the requester must not be released for another reason.
        CompareTimeoutMs = 600_000,
    };

    /// <summary>At most one request each checkpoint_retry_ms, and one more after the first checkpoint that broke off.</summary>
    private static void AssertPaced(FailingRequester requester, long elapsedNs, int retryMs) =>
        Assert.That(requester.AskedAtNs, Has.Count.LessThanOrEqualTo(2 + (elapsedNs / (retryMs * NanosecondsPerMs))), "requests");

    /// <summary>A way to fail, and the expected result.</summary>
    /// <param name="Fault">The steps of the requester.</param>
    /// <param name="LostMs">Time from the difference until the requester counts as lost, in milliseconds.</param>
    /// <param name="HeldMs">Greatest hold time of a frame that agrees, in milliseconds.</param>
    public sealed record FaultRow(RequesterFault Fault, int LostMs, int HeldMs)
    {
        public override string ToString() => Fault.Name;
    }

    /// <summary>Both guests send the same datagram every 50 ms; the hold time of each is measured.</summary>
    private sealed class Traffic(TestBench bench)
    {
        private const int PauseMs = 50;

        private readonly Dictionary<string, long> sentAtNs = [];
        private int number;
        private int looked;
        private long dueNs;
        private long longestNs;

        public long LongestWaitMs()
        {
            Look();
            return Math.Max(longestNs, sentAtNs.Count == 0 ? 0 : bench.NowNs - sentAtNs.Values.Min()) / NanosecondsPerMs;
        }

        public int Waiting()
        {
            Look();
            return sentAtNs.Count;
        }

        public void Run(int ms) => RunUntil(() => false, ms);

        /// <returns>The time in nanoseconds at which the condition became true, or 0 if it never did.</returns>
        public long RunUntil(Func<bool> condition, int ms)
        {
            for (long endNs = bench.NowNs + (ms * NanosecondsPerMs); bench.NowNs < endNs;)
            {
                Send();
                bench.Wait(StepMs);
                Look();
                if (condition())
                {
                    return bench.NowNs;
                }
            }

            return 0;
        }

        private void Send()
        {
            if (bench.NowNs >= dueNs)
            {
                dueNs = bench.NowNs + (PauseMs * NanosecondsPerMs);
                byte[] frame = new Datagram($"said by both {++number}").Bytes();
                sentAtNs.Add(Convert.ToHexString(frame), bench.NowNs);
                bench.SendPrimary(frame);
                bench.SendSecondary(frame);
            }
        }

        private void Look()
        {
            for (; looked < bench.Output.Frames.Count; looked++)
            {
                if (sentAtNs.Remove(Convert.ToHexString(bench.Output.Frames[looked]), out long atNs))
                {
                    longestNs = Math.Max(longestNs, bench.NowNs - atNs);
                }
            }
        }
    }
}
