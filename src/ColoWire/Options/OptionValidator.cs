// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using ColoWire.Engine;
using ColoWire.Ports;

namespace ColoWire.Options;

/// <summary>Makes <see cref="ApplianceOptions"/> from the written values: it validates each value by its row of the table, then
/// their combinations. It finds all faults in one pass.</summary>
internal sealed class OptionValidator(Verbs verb, MachineFacts machine, IReadOnlyDictionary<OptionRow, OptionValue> values)
{
    /// <summary>How many numbers of CPUs or queues a message shows, at most.</summary>
    private const int ShownNumbers = 64;

    private const int BytesPerKiB = 1024;

    private readonly HashSet<string> faulty = [];
    private readonly List<string> faults = [];
    private ApplianceOptions options = new();

    /// <summary>Whether the file could be read. If not, no option is reported as missing.</summary>
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
            CheckInbound();
            CheckCores();
            CheckQueues();
            CheckShards();
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
            faults.Add(
                $"{row.Flag} ({OptionPlace.CommandLine}) or {row.Name} (--config FILE): missing, it is required: {row.Allowed}");
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

    private void CheckInbound()
    {
        PortSpec? other = ((PortSpec?[])[options.PrimaryIn, options.SecondaryIn, options.OutDevice])
            .FirstOrDefault(port => port is { Kind: not (PortKind.Pcap or PortKind.Xdp) });
        if (options.Engine.Inbound == InboundMode.Mirror && other is not null)
        {
            Fault("inbound", $"mirror needs three pcap: or xdp: ports, and '{other}' is none");
        }

        if (options.Engine.Inbound == InboundMode.None && options.Engine.GuestAddresses.Length != 0)
        {
            Fault("guest_mac", "has an effect with inbound: mirror only: leave the option out");
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
            Fault("cores", $"this process may not use CPU {NumberList(foreign)}: allowed: {NumberList(machine.Cpus)}");
        }

        int[] repeated = Repeated(options.Cores);
        if (repeated.Length != 0)
        {
            Fault("cores", $"CPU {NumberList(repeated)} is given more than once: each CPU runs one thread");
        }
    }

    private void CheckQueues()
    {
        PortSpec?[] ports = [options.PrimaryIn, options.SecondaryIn, options.OutDevice];
        bool allXdp = Array.TrueForAll(ports, port => port?.Kind == PortKind.Xdp);
        if (options.XdpQueues.Count == 0)
        {
            options = options with { XdpQueues = [.. Enumerable.Range(0, allXdp ? options.Cores.Count : 1)] };
        }

        int queues = options.XdpQueues.Count;
        bool hasNoXdp = Array.TrueForAll(ports, port => port is not null and not { Kind: PortKind.Xdp });
        if (hasNoXdp && options.XdpQueues is [not 0])
        {
            Fault("xdp_queues", $"no port is an xdp: port, which would use queue {options.XdpQueues[0]}: leave the option out");
        }

        if (queues == 1 || faulty.Contains("xdp_queues"))
        {
            return;
        }

        int[] repeated = Repeated(options.XdpQueues);
        if (repeated.Length != 0)
        {
            Fault("xdp_queues", $"queue {NumberList(repeated)} is given more than once: each queue is served by one core");
        }
        else if (Array.Exists(ports, port => port is not null and not { Kind: PortKind.Xdp }))
        {
            Fault("xdp_queues", $"{queues} queues need three xdp: ports: with any other port one queue is allowed");
        }
        else if (queues != options.Cores.Count && !faulty.Contains("cores"))
        {
            Fault("xdp_queues",
                $"{queues} queues need as many cores, not {options.Cores.Count}: name one queue, or one for each core");
        }
    }

    private void CheckShards()
    {
        int comparing = options.XdpQueues.Count > 1 ? 1 : CorePlan.ComparingCores(options.Cores.Count);
        if (options.Engine.Shards < comparing && !faulty.Overlaps(["xdp_queues", "shards"]))
        {
            Fault("shards", $"{options.Engine.Shards} is too few: {comparing} of {options.Cores.Count} cores compare, "
                + "and each needs one or more");
        }
    }

    // The rings take slots that held frames need, too.
    private void CheckXdpRing()
    {
        if (!faulty.Contains("xdp_ring") && !BitOperations.IsPow2(options.XdpRingFrames))
        {
            uint next = BitOperations.RoundUpToPowerOf2((uint)options.XdpRingFrames);
            Fault("xdp_ring", $"{options.XdpRingFrames} is no power of two: {next / 2} or {next}");
        }

        bool usesRings = options.PrimaryIn?.Kind == PortKind.Xdp || options.SecondaryIn?.Kind == PortKind.Xdp;
        if (usesRings && !faulty.Overlaps(["xdp_ring", "slots"]) && options.XdpRingFrames > options.Engine.SlotsPerSide / 2)
        {
            Fault("xdp_ring",
                $"{options.XdpRingFrames} frames are more than {options.Engine.SlotsPerSide / 2}, half of a side's slots: "
                + "lower it, or raise slots");
        }
    }

    private void CheckGrace()
    {
        if (!faulty.Overlaps(["grace_ms", "compare_timeout"]) && options.Engine.GraceMs > options.Engine.CompareTimeoutMs)
        {
            Fault("grace_ms", $"{options.Engine.GraceMs} ms is more than compare_timeout, {options.Engine.CompareTimeoutMs} ms: "
                + "lower it, or raise compare_timeout");
        }
    }

    // Fragments take slots that other frames need, too.
    private void CheckFragmentMemory()
    {
        long smallBytes = (long)options.Engine.SlotsPerSide * EngineLimits.SmallSlotBytes;
        long largeBytes = (long)options.Engine.LargeSlotsPerSide * EngineLimits.LargeSlotBytes;
        long allowedKiB = (smallBytes + largeBytes) / BytesPerKiB / 2;
        if (!faulty.Overlaps(["fragment_memory", "slots", "large_slots"]) && options.Engine.FragmentMemoryKiB > allowedKiB)
        {
            string lower = allowedKiB < EngineLimits.FragmentMemoryKiB.Minimum ? "" : "lower it, or ";
            Fault("fragment_memory",
                $"{options.Engine.FragmentMemoryKiB} KiB is more than {allowedKiB} KiB, half of a side's slots: "
                + $"{lower}raise slots or large_slots");
        }
    }

    private void CheckMemory()
    {
        if (faulty.Overlaps(["slots", "large_slots", "flows", "shards", "xdp_queues", "capture_buffer", "memory_limit"]))
        {
            return;
        }

        IReadOnlyList<(string Name, long Bytes)> plan = options.MemoryPlan();
        long total = plan.Sum(part => part.Bytes);
        string parts = string.Join(", ", plan.Select(part => $"{part.Name} {MemoryText.MiB(part.Bytes)}"));
        bool isLive = (verb & Verbs.Live) != 0;
        string adjustable = isLive ? "slots, large_slots, flows, shards or capture_buffer" : "slots, large_slots or flows";
        if (total > options.MemoryLimitMiB * ApplianceOptions.BytesPerMiB)
        {
            Fault("memory_limit", $"{options.MemoryLimitMiB} MiB is less than the {MemoryText.MiB(total)} MiB needed ({parts}): "
                + $"lower {adjustable}, or raise it");
        }
        else if (total > machine.MemoryBytes)
        {
            Fault("memory_limit", $"{MemoryText.MiB(total)} MiB are needed ({parts}), "
                + $"and the machine has {MemoryText.MiB(machine.MemoryBytes)} MiB: lower {adjustable}");
        }
    }

    private void Fault(string name, string what)
    {
        OptionRow row = OptionTable.Find(name) ?? throw new ArgumentException(name, nameof(name));
        OptionPlace place = values.TryGetValue(row, out OptionValue value)
            ? value.Place
            : new OptionPlace(name, OptionPlace.Default);
        faulty.Add(name);
        faults.Add(place.Fault(what));
    }

    private static string NumberList(IReadOnlyList<int> numbers) =>
        string.Join(',', numbers.Take(ShownNumbers)) + (numbers.Count > ShownNumbers ? ",..." : "");

    private static int[] Repeated(IReadOnlyList<int> numbers) =>
        [.. numbers.GroupBy(number => number).Where(group => group.Count() > 1).Select(group => group.Key)];
}
