// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using NUnit.Framework;

namespace ColoWire.Simulation;

/// <summary>
/// Runs worlds by their seeds; one in <c>inFull</c> runs again without header prediction, which must not change the result. By
/// hand, any number of seeds from any seed on, with any features, and one of them with a trace of all events:
/// <code>
/// dotnet test tests/ColoWire.Simulation -- 'TestRunParameters.Parameter(name="seeds",value="10000")'
///   'TestRunParameters.Parameter(name="first",value="1")' 'TestRunParameters.Parameter(name="features",value="Fragments")'
///   'TestRunParameters.Parameter(name="inFull",value="1")' 'TestRunParameters.Parameter(name="trace",value="/tmp/trace")'
/// </code>
/// </summary>
public sealed class SimulationTests
{
    /// <summary>The features that the engine supports.</summary>
    private const Features Present =
        Features.DatagramReordering | Features.Fragments | Features.LateSecondary | Features.SecondaryControl | Features.Policies;

    private static readonly int First = TestContext.Parameters.Get("first", 1);
    private static readonly int Seeds = TestContext.Parameters.Get("seeds", 600);
    private static readonly Features Chosen = Enum.Parse<Features>(TestContext.Parameters.Get("features", Present.ToString()));
    private static readonly int InFull = TestContext.Parameters.Get("inFull", 4);
    private static readonly int Shown = TestContext.Parameters.Get("shown", 3);
    private static readonly string Trace = TestContext.Parameters.Get("trace", "");

    [Test]
    public void No_world_finds_the_appliance_breaking_a_rule()
    {
        Stopwatch watch = Stopwatch.StartNew();
        ConcurrentBag<Outcome> outcomes = [];
        ConcurrentBag<(int Seed, string Message)> failures = [];
        using TextWriter? trace = Trace.Length == 0 ? null : File.CreateText(Trace);
        Parallel.For(First, First + Seeds, new ParallelOptions { MaxDegreeOfParallelism = trace is null ? -1 : 1 }, seed =>
        {
            try
            {
                SimulationOptions options = SimulationOptions.Draw(seed, Chosen);
                outcomes.Add(seed % InFull == 0 ? RunBothWays(options, trace) : Simulation.Run(options, trace));
            }
            catch (SimulationException failure)
            {
                failures.Add((seed, failure.Message));
            }
        });
        TestContext.Progress.WriteLine(
            $"{outcomes.Count} worlds of {Seeds} went well in {watch.Elapsed.TotalSeconds:F1} s: {outcomes.Sum(o => o.Flows)} flows, "
            + $"{outcomes.Sum(o => o.Connections)} TCP connections finished, {outcomes.Sum(o => o.Frames)} frames captured, "
            + $"{outcomes.Sum(o => o.Harms)} harms, {outcomes.Sum(o => o.Requests)} requests, {outcomes.Sum(o => o.Checkpoints)} checkpoints, "
            + $"{outcomes.Sum(o => o.VirtualNs) / 3.6e12:F1} h of simulated time");
        IEnumerable<string> shown = failures.OrderBy(f => f.Seed).Take(Shown).Select(f => f.Message);
        Assert.That(
            failures, Is.Empty,
            $"seeds that failed: {string.Join(' ', failures.Select(f => f.Seed).Order())}\n{string.Join("\n\n", shown)}");
    }

    /// <summary>Header prediction may make the processing of a frame shorter, and must change nothing else.</summary>
    private static Outcome RunBothWays(SimulationOptions options, TextWriter? trace)
    {
        Outcome predicted = Simulation.Run(options, trace);
        Outcome inFull = Simulation.Run(options with { Engine = options.Engine with { Predicts = false } });
        return predicted == inFull
            ? predicted
            : throw new SimulationException($"Simulation of seed {options.Seed} ends otherwise without prediction: {predicted}, and {inFull}");
    }

    [Test]
    public void The_same_seed_is_the_same_world([Values(1, 2, 3, 4, 5)] int seed)
    {
        SimulationOptions options = SimulationOptions.Draw(seed, Chosen);
        Outcome once = Simulation.Run(options);
        Outcome again = Simulation.Run(options);
        Assert.That(again, Is.EqualTo(once));
    }

    [Test]
    public void Another_seed_is_another_world() =>
        Assert.That(
            Simulation.Run(SimulationOptions.Draw(1, Chosen)).Digest,
            Is.Not.EqualTo(Simulation.Run(SimulationOptions.Draw(2, Chosen)).Digest));
}
