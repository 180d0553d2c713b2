// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Linq;
using ColoWire.Figures;
using NUnit.Framework;

namespace ColoWire.Tests.Figures;

/// <summary>How a part of the measurement keeps within its time.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class TimePlanTests
{
    private const int Rounds = 7;
    private static readonly PlannedStep[] Steps = [new("a", 10), new("b", 10), new("c", 20)];

    private readonly ManualClock clock = new();
    private readonly StringWriter log = new();

    [TearDown]
    public void DisposeLog() => log.Dispose();

    [Test]
    public void All_rounds_are_run_where_there_is_time() =>
        Assert.That(Run(slowness: 1, limitSeconds: 300), Is.EqualTo([7, 7, 7]));

    [Test]
    public void All_rounds_are_run_without_a_limit() =>
        Assert.That(Run(slowness: 100, limitSeconds: null), Is.EqualTo([7, 7, 7]));

    [Test]
    public void On_a_slower_machine_the_steps_run_fewer_rounds_and_keep_within_the_time()
    {
        int[] rounds = Run(slowness: 1.5, limitSeconds: 300);
        Assert.That(rounds, Has.Some.LessThan(Rounds).And.All.GreaterThanOrEqualTo(TimePlan.LeastRounds));
        Assert.That(clock.Seconds, Is.LessThanOrEqualTo(300));
        Assert.That(log.ToString(), Does.Contain("rounds, because the part has 300 s"));
    }

    [Test]
    public void Never_fewer_than_the_least_rounds_are_run() =>
        Assert.That(Run(slowness: 10, limitSeconds: 300), Is.EqualTo([3, 3, 3]));

    [Test]
    public void Fewer_are_run_where_fewer_are_asked_for() =>
        Assert.That(Run(slowness: 10, limitSeconds: 300, rounds: 1), Is.EqualTo([1, 1, 1]));

    [Test]
    public void A_machine_that_becomes_slow_costs_only_the_steps_that_follow()
    {
        TimePlan plan = new("part", Steps, Rounds, TimeSpan.FromSeconds(300), clock, log);
        int first = Count(plan, Steps[0], slowness: 1);
        int second = Count(plan, Steps[1], slowness: 3);
        int third = Count(plan, Steps[2], slowness: 3);
        Assert.That((first, second, third), Is.EqualTo((7, 4, 3)));
    }

    [Test]
    public void It_says_how_long_the_part_still_needs()
    {
        Run(slowness: 1, limitSeconds: 300);
        string[] lines = log.ToString().Split('\n');
        Assert.That(lines[0], Is.EqualTo("part: a: round 1 of 7; 0 s gone, about 280 s to go"));
        Assert.That(lines[1], Is.EqualTo("part: a: round 2 of 7; 10 s gone, about 270 s to go"));
        Assert.That(lines[^2], Is.EqualTo("part: c: round 7 of 7; 260 s gone, about 20 s to go"));
    }

    [Test]
    public void A_step_that_has_to_know_before_gets_as_many_rounds()
    {
        TimePlan plan = new("part", Steps, Rounds, TimeSpan.FromSeconds(140), clock, log);
        Assert.That(plan.RoundsOf("a"), Is.EqualTo(3));
    }

    [Test]
    public void A_step_that_is_not_the_next_one_is_a_fault()
    {
        TimePlan plan = new("part", Steps, Rounds, limit: null, clock, log);
        Assert.That(() => plan.RoundsOf("b"), Throws.InvalidOperationException.With.Message.Contains("'a', not 'b'"));
    }

    [Test]
    public void Rows_of_several_rounds_become_one()
    {
        Row[] rows = RowMerge.Merge(
        [
            new Row("g", "a", "ns", [1]) { Anchor = "x", AnchorRuns = [9], Note = "n" },
            new Row("g", "b", "ns", [5]),
            new Row("g", "a", "ns", [2, 3]) { Anchor = "x", AnchorRuns = [8], Note = "n" },
        ]);
        Assert.That(rows.Select(row => (row.What, row.Runs.Count, row.Note)), Is.EqualTo([("a", 3, "n"), ("b", 1, null)]));
        Assert.That(rows[0].AnchorRuns, Is.EqualTo([9, 8]));
    }

    [Test]
    public void Rows_of_one_name_and_different_units_are_told() => Assert.That(
        () => RowMerge.Merge([new Row("g", "a", "ns", [1]), new Row("g", "a", "us", [1])]),
        Throws.TypeOf<BadInputException>().With.Message.EqualTo("g, a: stands more than once, with another unit, anchor or bar"));

    private int[] Run(double slowness, int? limitSeconds, int rounds = Rounds)
    {
        TimeSpan? limit = limitSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        TimePlan plan = new("part", Steps, rounds, limit, clock, log);
        return [.. Steps.Select(step => Count(plan, step, slowness))];
    }

    private int Count(TimePlan plan, PlannedStep step, double slowness)
    {
        int count = 0;
        foreach (int _ in plan.Rounds(step.Name))
        {
            clock.Seconds += step.RoundSeconds * slowness;
            count++;
        }

        return count;
    }

    private sealed class ManualClock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => (long)(Seconds * TimestampFrequency);
    }
}
