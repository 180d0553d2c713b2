// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Options;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

internal sealed class CorePlanTests
{
    [TestCase(new[] { 3 }, 1, "3: L0 G")]
    [TestCase(new[] { 3 }, 2, "3: L0 G")]
    [TestCase(new[] { 1, 0 }, 2, "1: P S E G | 0: 0 1")]
    [TestCase(new[] { 1, 2, 3 }, 3, "1: P S | 2: 0 1 2 | 3: E G")]
    [TestCase(new[] { 4, 5, 6, 7 }, 1, "4: P | 5: S | 6: E G | 7: 0")]
    [TestCase(new[] { 0, 1, 2, 3, 4 }, 3, "0: P | 1: S | 2: E G | 3: 0 2 | 4: 1")]
    public void Each_core_has_its_duties(int[] cores, int shards, string expected)
    {
        Assert.That(Text(CorePlan.For(cores, shards)), Is.EqualTo(expected));
    }

    [Test]
    public void Whatever_the_cores_every_duty_runs_once_and_no_core_is_idle([Range(2, 12)] int cores, [Range(0, 5)] int more)
    {
        int shards = CorePlan.ComparingCores(cores) + more;
        IReadOnlyList<CoreAssignment> plan = CorePlan.For([.. Enumerable.Range(10, cores)], shards);
        Assert.That(plan.Select(core => core.Cpu), Is.EqualTo(Enumerable.Range(10, cores)));
        Assert.That(plan, Has.None.Matches<CoreAssignment>(core => core.Duties.Count == 0));
        PlannedDuty[] duties = [.. plan.SelectMany(core => core.Duties)];
        Assert.That(duties, Is.Unique.And.Length.EqualTo(shards + 4));
    }

    [Test]
    public void Of_several_lanes_each_has_a_core_and_the_gate_goes_with_the_first()
    {
        Assert.That(Text(CorePlan.ForPipelines([4, 2, 3])), Is.EqualTo("4: L0 G | 2: L1 | 3: L2"));
    }

    private static string Text(IEnumerable<CoreAssignment> plan) =>
        string.Join(" | ", plan.Select(core => $"{core.Cpu}: {string.Join(' ', core.Duties.Select(Letter))}"));

    private static string Letter(PlannedDuty duty) => duty.Kind switch
    {
        DutyKind.PrimaryCapture => "P",
        DutyKind.SecondaryCapture => "S",
        DutyKind.Egress => "E",
        DutyKind.Gate => "G",
        DutyKind.Pipeline => $"L{duty.Index}",
        _ => $"{duty.Index}",
    };
}
