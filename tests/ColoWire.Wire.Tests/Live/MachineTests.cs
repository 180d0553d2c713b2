// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Linq;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>What the program takes of the machine: cores and memory.</summary>
[TestFixture]
[Category("Wire")]
internal sealed class MachineTests
{
    private const string Core = "1";

    [Test]
    public void A_core_belongs_to_its_pinned_thread_alone()
    {
        if (Environment.ProcessorCount < 2)
        {
            Assert.Ignore("needs two processors");
        }

        using BridgeHost host = new();
        using BridgeRun run = new(host, "run", "--cores", Core);
        // Long enough for the runtime to have started the threads that it starts late.
        byte[][] sent = Datagrams.ManyOfPrimary(2000, 5);
        Array.ForEach(sent, run.SendPrimary);
        run.Program.AwaitCounters(counters => counters["primary", "frames"] == sent.Length, "all have come in");

        (string Name, string Cpus)[] threads =
        [
            .. Directory.EnumerateDirectories($"/proc/{run.Program.Id}/task").Select(Read),
        ];
        Assert.That(threads.Where(t => t.Name == $"colowire-{Core}"), Is.EqualTo(new[] { ("colowire-1", Core) }));
        Assert.That(
            threads.Where(t => t.Name != $"colowire-{Core}" && Includes(t.Cpus, Core)),
            Is.Empty,
            "threads of the runtime on the core");
    }

    [Test]
    public void Its_memory_is_locked()
    {
        using BridgeHost host = new();
        using BridgeRun run = new(host, "run");
        run.Program.AwaitLog("memory is locked");
        string locked = File.ReadLines($"/proc/{run.Program.Id}/status")
            .Single(l => l.StartsWith("VmLck:", StringComparison.Ordinal));
        Assert.That(long.Parse(locked["VmLck:".Length..^"kB".Length], null), Is.Positive);
    }

    private static (string Name, string Cpus) Read(string task)
    {
        string[] status = File.ReadAllLines(Path.Combine(task, "status"));
        return (Field("Name:"), Field("Cpus_allowed_list:"));

        string Field(string label) => status.Single(l => l.StartsWith(label, StringComparison.Ordinal))[label.Length..].Trim();
    }

    private static bool Includes(string list, string cpu) => list.Split(',').Any(range =>
    {
        string[] ends = range.Split('-');
        return int.Parse(ends[0], null) <= int.Parse(cpu, null) && int.Parse(cpu, null) <= int.Parse(ends[^1], null);
    });
}
