// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Reports;

namespace ColoWire.Services;

/// <summary>The log of a start: what the appliance uses, so that the operator sees how the options were understood.</summary>
internal static class StartReport
{
    /// <summary>The lines.</summary>
    public static IEnumerable<string> Lines(Appliance appliance)
    {
        ApplianceOptions options = appliance.Options;
        string mode = options.Engine.Mode == CompareMode.Observe
            ? "observe: the primary's frames leave at once, differences are only reported"
            : "lockstep: the primary's frames leave when the secondary has produced the same";
        yield return $"ColoWire {ProgramVersion.Text}, {mode}";
        yield return $"primary_in {appliance.Ports.PrimaryName}, secondary_in {appliance.Ports.SecondaryName}, "
            + $"outdev {appliance.Ports.OutputName}, requester {options.Requester}";
        yield return $"compare_timeout {options.Engine.CompareTimeoutMs} ms, expired_scan_cycle "
            + $"{options.Engine.ExpiredScanCycleMs} ms, "
            + $"max_queue_size {options.Engine.MaxQueueSize} frames, {options.Engine.Flows} flows";
        if (options.PolicyTexts.Count != 0)
        {
            yield return $"policies: {string.Join(", ", options.PolicyTexts)}; the first that matches counts, then the defaults";
        }

        if (options.Engine.Strict.Count != 0)
        {
            yield return "strict: a difference in "
                + $"{string.Join(", ", options.Engine.Strict.Select(CounterNames.Of))} is a divergence";
        }

        foreach (CoreAssignment core in appliance.Plan)
        {
            yield return $"core {core.Cpu}: {string.Join(", ", core.Duties.Select(duty => Name(duty, options)))}";
            yield return $"core {core.Cpu}: {appliance.IdleOf(core.Cpu).Reason}";
        }

        if (appliance.Ports.FailWire is { IsArmed: true } wire)
        {
            yield return $"on_death wire: {wire.TimeoutMs} ms after it falls silent, the primary's frames go to "
                + $"{appliance.Ports.OutputName} uncompared";
        }

        foreach (string note in appliance.Ports.Notes)
        {
            yield return note;
        }

        IReadOnlyList<(string Name, long Bytes)> memory = options.MemoryPlan();
        string parts = string.Join(", ", memory.Select(part => $"{part.Name} {MemoryText.MiB(part.Bytes)}"));
        yield return $"memory: {parts}; {MemoryText.MiB(memory.Sum(part => part.Bytes))} MiB in all, fixed from now on "
            + $"(memory_limit {options.MemoryLimitMiB} MiB)";
    }

    private static string Name(PlannedDuty duty, ApplianceOptions options) => duty.Kind switch
    {
        DutyKind.PrimaryCapture => "primary capture",
        DutyKind.SecondaryCapture => "secondary capture",
        DutyKind.Shard => $"shard {duty.Index}",
        DutyKind.Egress => "egress",
        DutyKind.Pipeline when options.Pipelines == 1 => "all ports and shards, from end to end",
        DutyKind.Pipeline => $"queue {options.XdpQueues[duty.Index]} from end to end",
        _ => "checkpoint gate",
    };
}
