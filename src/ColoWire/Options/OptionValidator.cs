// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using ColoWire.Engine;
using ColoWire.Hosting;
using ColoWire.Ports;

namespace ColoWire.Options;

/// <summary>
/// Turns what was written into <see cref="ApplianceOptions"/>: every value by its row of the table, then what the values say
/// together. Finds every fault in one pass.
/// </summary>
internal sealed class OptionValidator(Verbs verb, MachineFacts machine, IReadOnlyDictionary<OptionRow, OptionValue> values)
{
    /// <summary>CPU numbers that a message shows.</summary>
    private const int ShownCpus = 64;

    private const int BytesPerKiB = 1024;

    private readonly HashSet<string> faulty = [];
    private readonly List<string> faults = [];
    private ApplianceOptions options = new();

    /// <summary>Whether all that was written could be read; where not, nothing can be said to be missing.</summary>
    public bool AllRead { get; init; } = true;

    /// <summary>Validates.</summary>
    /// <param name="earlier">Faults found while reading.</param>
    /// <exception cref="OptionException">There is a fault.</exception>
    public ApplianceOptions Validate(IReadOnlyList<string> earlier)
    {
        faults.AddRange(earlier);
        foreach (OptionRow row in OptionTable.Rows.Where(row => (row.Verbs & verb) != 0))
        {
            ApplyRow(row);
        }

        if ((verb & Verbs.Live) != 0)
        {
            CheckPorts();
            CheckCores();
        }

        CheckXdpRing();
        CheckGrace();
        CheckFragmentMemory();
        CheckMemory();
        return faults.Count == 0 ? options : throw new OptionException(faults);
    }

    private void ApplyRow(OptionRow row)
    {
        int before = faults.Count;
        if (values.TryGetValue(row, out OptionValue value))
        {
            faults.AddRange(row.Apply(value, ref options).Select(value.Place.Fault));
        }
        else if (row.Required && AllRead)
        {
            faults.Add($"{row.Flag} ({OptionPlace.CommandLine}) or {row.Name} (--config FILE): missing, it is required: {row.Allowed}");
        }

        if (faults.Count != before)
        {
            faulty.Add(row.Name);
        }
    }

    private void CheckPorts()
    {
        (string Name, PortSpec? Port)[] ports =
            [("primary_in", options.PrimaryIn), ("secondary_in", options.SecondaryIn), ("outdev", options.OutDevice)];
        for (int later = 1; later < ports.Length; later++)
        {
            for (int earlier = 0; earlier < later; earlier++)
            {
                if (ports[later].Port is PortSpec port && ports[earlier].Port?.IsSameAs(port) == true)
                {
                    Fault(ports[later].Name, $"'{port}' is {ports[earlier].Name} already: three different ports are needed");
                    break;
                }
            }
        }
    }

    private void CheckCores()
    {
        if (faulty.Contains("cores"))
        {
            return;
        }

        if (options.Cores.Count == 0)
        {
            options = options with { Cores = [machine.Cpus.Max()] };
        }

        int[] foreign = [.. options.Cores.Except(machine.Cpus)];
        if (foreign.Length != 0)
        {
            Fault("cores", $"this process may not use CPU {CpuList(foreign)}: allowed: {CpuList(machine.Cpus)}");
        }

        int[] repeated = [.. options.Cores.GroupBy(cpu => cpu).Where(group => group.Count() > 1).Select(group => group.Key)];
        if (repeated.Length != 0)
        {
            Fault("cores", $"CPU {CpuList(repeated)} stands there more than once: each CPU runs one thread");
        }

        int comparing = CorePlan.ComparingCores(options.Cores.Count);
        if (options.Shards < comparing && !faulty.Contains("shards"))
        {
            Fault("shards", $"{options.Shards} is too few: {comparing} of {options.Cores.Count} cores compare, and each needs one or more");
        }
    }

    // The slots of the rings are those of the frames that are held, too.
    private void CheckXdpRing()
    {
        if (!faulty.Contains("xdp_ring") && !BitOperations.IsPow2(options.XdpRingFrames))
        {
            uint next = BitOperations.RoundUpToPowerOf2((uint)options.XdpRingFrames);
            Fault("xdp_ring", $"{options.XdpRingFrames} is no power of two: {next / 2} or {next}");
        }

        bool usesRings = options.PrimaryIn?.Kind == PortKind.Xdp || options.SecondaryIn?.Kind == PortKind.Xdp;
        if (usesRings && !faulty.Overlaps(["xdp_ring", "slots"]) && options.XdpRingFrames > options.SlotsPerSide / 2)
        {
            Fault("xdp_ring", $"{options.XdpRingFrames} frames are more than {options.SlotsPerSide / 2}, half of a side's slots: lower it, or raise slots");
        }
    }

    private void CheckGrace()
    {
        if (!faulty.Overlaps(["grace_ms", "compare_timeout"]) && options.GraceMs > options.CompareTimeoutMs)
        {
            Fault("grace_ms", $"{options.GraceMs} ms is more than compare_timeout, {options.CompareTimeoutMs} ms: lower it, or raise compare_timeout");
        }
    }

    // Fragments lie in the slots that all other frames need too.
    private void CheckFragmentMemory()
    {
        long smallBytes = (long)options.SlotsPerSide * EngineLimits.SmallSlotBytes;
        long largeBytes = (long)options.LargeSlotsPerSide * EngineLimits.LargeSlotBytes;
        long allowedKiB = (smallBytes + largeBytes) / BytesPerKiB / 2;
        if (!faulty.Overlaps(["fragment_memory", "slots", "large_slots"]) && options.FragmentMemoryKiB > allowedKiB)
        {
            string lower = allowedKiB < EngineLimits.FragmentMemoryKiB.Minimum ? "" : "lower it, or ";
            Fault("fragment_memory", $"{options.FragmentMemoryKiB} KiB is more than {allowedKiB} KiB, half of a side's slots: {lower}raise slots or large_slots");
        }
    }

    private void CheckMemory()
    {
        if (faulty.Overlaps(["slots", "large_slots", "flows", "shards", "capture_buffer", "memory_limit"]))
        {
            return;
        }

        IReadOnlyList<(string Name, long Bytes)> plan = options.MemoryPlan();
        long total = plan.Sum(part => part.Bytes);
        string parts = string.Join(", ", plan.Select(part => $"{part.Name} {MemoryText.MiB(part.Bytes)}"));
        string adjustable = (verb & Verbs.Live) != 0 ? "slots, large_slots, flows, shards or capture_buffer" : "slots, large_slots or flows";
        if (total > options.MemoryLimitMiB * ApplianceOptions.BytesPerMiB)
        {
            Fault("memory_limit", $"{options.MemoryLimitMiB} MiB is less than the {MemoryText.MiB(total)} MiB needed ({parts}): lower {adjustable}, or raise it");
        }
        else if (total > machine.MemoryBytes)
        {
            Fault("memory_limit", $"{MemoryText.MiB(total)} MiB are needed ({parts}), and the machine has {MemoryText.MiB(machine.MemoryBytes)} MiB: lower {adjustable}");
        }
    }

    private void Fault(string name, string what)
    {
        OptionRow row = OptionTable.Find(name) ?? throw new ArgumentException(name, nameof(name));
        OptionPlace place = values.TryGetValue(row, out OptionValue value) ? value.Place : new OptionPlace(name, OptionPlace.Default);
        faulty.Add(name);
        faults.Add(place.Fault(what));
    }

    private static string CpuList(IReadOnlyList<int> cpus) =>
        string.Join(',', cpus.Take(ShownCpus)) + (cpus.Count > ShownCpus ? ",..." : "");
}
