// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Properties;

/// <summary>
/// Compares the engine with the reference model, over random replicas. A failure prints the seed; <c>CsCheck_Seed</c> repeats it.
/// More cases by hand: <c>dotnet test ... -- 'TestRunParameters.Parameter(name="cases",value="100000")'</c>.
/// </summary>
public sealed class ReplicaProperties
{
    private const long StartNs = 2_000_000_000;
    private const long LateNs = StartNs + 10_000_000_000;

    private static readonly int Cases = TestContext.Parameters.Get("cases", 1500);

    private static EngineOptions Options => TestBench.SmallOptions with
    {
        Flows = 16,
        SlotsPerSide = 2048,
        RetransmitWindow = 256,
        GraceMs = EngineLimits.GraceMs.Default,
    };

    [Test]
    public void Replicas_that_say_the_same_never_diverge_and_everything_leaves_as_the_model_says() =>
        Gen.ULong.Sample(seed => Check(new Replicas(seed, Harm.None)), iter: Cases);

    [TestCase(Harm.Flip)]
    [TestCase(Harm.Missing)]
    [TestCase(Harm.Extra)]
    [TestCase(Harm.Close)]
    [TestCase(Harm.Retransmit)]
    [TestCase(Harm.Ack)]
    public void One_real_difference_is_found_in_its_flow_and_nothing_of_it_leaves(Harm harm) =>
        Gen.ULong.Sample(seed => Check(new Replicas(seed, harm)), iter: Math.Max(1, Cases / 3));

    private static void Check(Replicas replicas) => BothWays.Agree(predicts => Check(replicas, predicts));

    private static ShardCounters Check(Replicas replicas, bool predicts)
    {
        // Both sides make the same change, but each side reaches it at a time of its own.
        int graceMs = replicas.ChangesAlike ? 1000 : Options.GraceMs;
        using TestBench bench = new(Options with { GraceMs = graceMs, Predicts = predicts });
        ReferenceModel model = new(graceMs * 1_000_000L);
        foreach (Arrival arrival in replicas.Arrivals)
        {
            long nowNs = StartNs + arrival.AtNs;
            bench.AdvanceTo(nowNs);
            if (arrival.Side == Side.Primary)
            {
                model.Primary(arrival.Packet, nowNs);
                Array.ForEach(arrival.Frames, bench.SendPrimary);
            }
            else
            {
                model.Secondary(arrival.Packet, arrival.Shift, nowNs);
                Array.ForEach(arrival.Frames, bench.SendSecondary);
            }

            model.Pass(nowNs);
            // The check runs after each frame, not only at the end: a frame that leaves too early is as wrong as one that leaves
            // too late.
            Assert.That(bench.Output.Frames, Has.Count.EqualTo(model.Out.Sum(p => replicas.FramesOf(p).Length)));
            Assert.That(bench.Reports.Select(r => (r.Flow.SourcePort, r.Divergence.Reason)), Is.EqualTo(model.Diverged));
        }

        bench.Wait(2 * graceMs);
        model.Pass(LateNs);
        Assert.That(bench.Reports.Select(r => (r.Flow.SourcePort, r.Divergence.Reason)), Is.EqualTo(model.Diverged));
        Assert.That(
            bench.Output.Frames.Select(Convert.ToHexString),
            Is.EqualTo(model.Out.SelectMany(replicas.FramesOf).Select(Convert.ToHexString)));
        bench.Wait(5000);
        ushort[] found = [.. model.Diverged.Select(d => d.Port), .. model.Unfinished()];
        Assert.That(found, Is.EqualTo(replicas.HarmedPort == 0 ? [] : new[] { replicas.HarmedPort }), "divergences of the model");
        Assert.That(bench.Reports.Select(r => r.Flow.SourcePort), Is.EqualTo(found), "divergences of the engine");
        if (replicas.HarmedPort == 0)
        {
            Assert.That(bench.Output.Frames,
                Has.Count.EqualTo(replicas.Arrivals.Where(a => a.Side == Side.Primary).Sum(a => a.Frames.Length)));
            Assert.That(bench.Counters.SecondaryHeld, Is.Zero, "verified frames of the secondary are not held");
        }

        bench.StopAndCheckNothingLost();
        return bench.Counters;
    }
}
