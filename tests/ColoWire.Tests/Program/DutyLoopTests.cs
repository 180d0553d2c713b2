// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using System.IO.Pipes;
using System.Linq;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports.Linux;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>When a thread leaves its core of its own will, which the kernel counts for each thread: each sleep is one time.</summary>
[NonParallelizable]
internal sealed class DutyLoopTests
{
    private const int WarmUpRounds = 1000;
    private const int CountedRounds = 400;

    /// <summary>Times that it may wait for something else, a lock of the runtime or memory that is not there yet; and sleeps that may be
    /// counted elsewhere, as another thread took the CPU in the moment in which it went to sleep.</summary>
    private const int OtherWaits = CountedRounds / 20;

    [Test]
    public void Spin_never_sleeps([Values] bool hasPort) =>
        Assert.That(Sleeps(IdleStrategy.Spin, hasPort, round => 0), Is.LessThan(OtherWaits));

    [Test]
    public void Every_other_strategy_sleeps_in_every_round_once_nothing_comes(
        [Values(IdleStrategy.Adaptive, IdleStrategy.SpinThenPoll, IdleStrategy.Block)] IdleStrategy strategy, [Values] bool hasPort) =>
        Assert.That(Sleeps(strategy, hasPort, round => 0), Is.InRange(CountedRounds - OtherWaits, CountedRounds + OtherWaits));

    [Test]
    public void Spin_then_poll_stays_awake_between_frames_that_come_often() =>
        Assert.That(Sleeps(IdleStrategy.SpinThenPoll, true, round => round % 4 == 0 ? 1 : 0), Is.LessThan(OtherWaits));

    [Test]
    public void Block_sleeps_after_one_empty_round_and_not_after_one_with_work() =>
        Assert.That(
            Sleeps(IdleStrategy.Block, true, round => round % 4 == 0 ? 0 : 1),
            Is.InRange((CountedRounds / 4) - OtherWaits, (CountedRounds / 4) + OtherWaits));

    [Test]
    public void A_port_that_has_something_wakes_it_at_once() =>
        // Every second time: a port that says so and gives nothing must not keep the core busy.
        Assert.That(
            Sleeps(IdleStrategy.Block, true, round => 0, isReady: true),
            Is.InRange((CountedRounds / 2) - OtherWaits, (CountedRounds / 2) + OtherWaits));

    /// <summary>Runs a loop, and counts how often its thread has slept in the counted rounds.</summary>
    private static long Sleeps(IdleStrategy strategy, bool hasPort, Func<long, int> work, bool isReady = false)
    {
        using AnonymousPipeServerStream port = new(PipeDirection.In);
        using AnonymousPipeClientStream wire = new(PipeDirection.Out, port.ClientSafePipeHandle);
        if (isReady)
        {
            wire.WriteByte(1);
        }

        CountingDuty duty = new(work);
        int handle = (int)port.SafePipeHandle.DangerousGetHandle();
        Exception? failure = null;
        DutyLoop loop = new(
            "colowire-test", CpuAffinity.AllowedCpus()[0], [duty], hasPort ? [handle] : [], strategy,
            new MonotonicClock(TimeProvider.System), exception => failure = exception);
        loop.Start();
        bool isDone = duty.Done.Wait(TimeSpan.FromSeconds(20));
        loop.BeginEnd();
        Assert.That(loop.Join(TimeSpan.FromSeconds(20)), Is.True);
        Assert.That(failure, Is.Null);
        Assert.That(isDone, Is.True, "all rounds were done");
        return duty.Sleeps;
    }

    private sealed class CountingDuty(Func<long, int> work) : IDuty
    {
        private long round;
        private long warmSinceNs;
        private long countedFrom = long.MaxValue;
        private long sleepsBefore;

        public ManualResetEventSlim Done { get; } = new();

        public long Sleeps { get; private set; }

        public int Poll(long nowNs)
        {
            round++;
            if (round == WarmUpRounds)
            {
                warmSinceNs = nowNs;
            }
            else if (countedFrom == long.MaxValue && round > WarmUpRounds && nowNs - warmSinceNs > SpinWindow.LongestNs)
            {
                // The first time it is compiled, and that takes locks.
                _ = VoluntarySwitches();
                sleepsBefore = VoluntarySwitches();
                countedFrom = round;
            }
            else if (round - CountedRounds == countedFrom)
            {
                Sleeps = VoluntarySwitches() - sleepsBefore;
                Done.Set();
            }

            return work(round);
        }

        private static long VoluntarySwitches()
        {
            const string label = "voluntary_ctxt_switches:";
            string line = File.ReadLines("/proc/thread-self/status").Single(l => l.StartsWith(label, StringComparison.Ordinal));
            return long.Parse(line[label.Length..], CultureInfo.InvariantCulture);
        }
    }
}
