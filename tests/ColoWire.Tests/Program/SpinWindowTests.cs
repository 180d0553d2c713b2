// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Hosting;
using ColoWire.Options;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

internal sealed class SpinWindowTests
{
    private const long Us = 1_000;

    /// <summary>The waits before, in microseconds, and how long the next look is then.</summary>
    private static readonly TestCaseData[] AdaptiveWindows =
    [
        new TestCaseData(Array.Empty<long>(), 0L).SetArgDisplayNames("no wait yet"),
        new TestCaseData(new long[] { 5 }, 20L).SetArgDisplayNames("a short wait"),
        new TestCaseData(new long[] { 30, 30 }, 40L).SetArgDisplayNames("waits that a look of 20 us does not cover"),
        new TestCaseData(new long[] { 30, 30, 30, 30, 30 }, 40L).SetArgDisplayNames("it grows no further than it has to"),
        new TestCaseData(new long[] { 290, 290, 290, 290, 290, 290, 290 }, 300L).SetArgDisplayNames("300 us are the most"),
        new TestCaseData(new long[] { 400 }, 0L).SetArgDisplayNames("a wait that no look covers"),
        new TestCaseData(new long[] { 290, 290, 290, 290, 1000 }, 80L).SetArgDisplayNames("a long wait halves it"),
        new TestCaseData(new long[] { 30, 30, 1000, 1000 }, 0L).SetArgDisplayNames("long waits end it"),
        new TestCaseData(new long[] { 1000, 1000, 5 }, 20L).SetArgDisplayNames("it begins anew"),
    ];

    [TestCaseSource(nameof(AdaptiveWindows))]
    public void The_last_waits_decide_how_long_an_adaptive_thread_looks_on(long[] waitsUs, long expectedUs) =>
        Assert.That(After(IdleStrategy.Adaptive, waitsUs).LengthNs, Is.EqualTo(expectedUs * Us));

    [TestCase(IdleStrategy.Block, 0)]
    [TestCase(IdleStrategy.SpinThenPoll, SpinWindow.LongestNs)]
    [TestCase(IdleStrategy.Spin, long.MaxValue)]
    public void No_wait_changes_how_long_the_others_look_on(IdleStrategy strategy, long expectedNs) =>
        Assert.That(After(strategy, [5, 5, 30, 1000, 1_000_000]).LengthNs, Is.EqualTo(expectedNs));

    [Test]
    public void A_look_ends_when_its_window_is_over_and_begins_anew_after_work()
    {
        SpinWindow spin = After(IdleStrategy.SpinThenPoll, []);
        Assert.That(spin.CoversIdleRound(1000 * Us), Is.True);
        Assert.That(spin.CoversIdleRound(1299 * Us), Is.True);
        Assert.That(spin.CoversIdleRound(1300 * Us), Is.False);
        Assert.That(spin.CoversIdleRound(5000 * Us), Is.False, "a sleep that ended for nothing is followed by the next one");
        spin.NoteWork(6000 * Us);
        Assert.That(spin.CoversIdleRound(6001 * Us), Is.True);
    }

    [TestCase(IdleStrategy.Adaptive, true, IdleStrategy.Adaptive)]
    [TestCase(IdleStrategy.Adaptive, false, IdleStrategy.Block)]
    [TestCase(IdleStrategy.SpinThenPoll, false, IdleStrategy.SpinThenPoll)]
    [TestCase(IdleStrategy.Spin, false, IdleStrategy.Spin)]
    [TestCase(IdleStrategy.Block, true, IdleStrategy.Block)]
    public void An_adaptive_thread_looks_on_only_on_an_isolated_cpu_and_the_reason_names_the_cpu(
        IdleStrategy configured, bool isIsolated, IdleStrategy expected)
    {
        CoreIdle idle = CoreIdle.Of(configured, 3, new HashSet<int>(isIsolated ? [2, 3] : [2]));
        Assert.That(idle.Strategy, Is.EqualTo(expected));
        Assert.That(idle.Reason, Does.StartWith("idle "));
        Assert.That(idle.Reason.Contains("CPU 3"), Is.EqualTo(configured == IdleStrategy.Adaptive));
    }

    private static SpinWindow After(IdleStrategy strategy, IEnumerable<long> waitsUs)
    {
        SpinWindow spin = new(strategy);
        long nowNs = 0;
        foreach (long waitNs in waitsUs.Select(us => us * Us))
        {
            _ = spin.CoversIdleRound(nowNs);
            nowNs += waitNs;
            spin.NoteWork(nowNs);
            nowNs += Us;
            spin.NoteWork(nowNs);
        }

        return spin;
    }
}
