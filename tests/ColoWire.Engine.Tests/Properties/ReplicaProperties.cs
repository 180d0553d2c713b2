// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Properties;

/// <summary>
/// The engine against the reference model, over random replicas. A failure prints the seed; <c>CsCheck_Seed</c> repeats it. More
/// cases by hand: <c>dotnet test ... -- 'TestRunParameters.Parameter(name="cases",value="100000")'</c>.
/// </summary>
public sealed class ReplicaProperties
{
    private static readonly int Cases = TestContext.Parameters.Get("cases", 1500);

    [Test]
    public void Replicas_that_say_the_same_never_diverge_and_everything_leaves_as_the_model_says() =>
        Gen.ULong.Sample(seed => Check(new Replicas(seed, harmOne: false)), iter: Cases);

    [Test]
    public void One_real_difference_is_found_in_its_flow_and_nothing_of_it_leaves() =>
        Gen.ULong.Sample(seed => Check(new Replicas(seed, harmOne: true)), iter: Cases);

    private static void Check(Replicas replicas)
    {
        using TestBench bench = new(TestBench.SmallOptions with { Flows = 16, SlotsPerSide = 512 });
        ReferenceModel model = new();
        foreach ((Side side, Packet packet) in replicas.Events)
        {
            if (side == Side.Primary)
            {
                model.Primary(packet);
                bench.SendPrimary(packet.Bytes());
            }
            else
            {
                model.Secondary(packet);
                bench.SendSecondary(packet.Bytes());
            }

            // After each frame, not only at the end: what leaves too early is as wrong as what leaves too late.
            Assert.That(bench.Output.Frames, Has.Count.EqualTo(model.Out.Count));
        }

        Assert.That(bench.Output.Frames.Select(Convert.ToHexString), Is.EqualTo(model.Out.Select(p => Convert.ToHexString(p.Bytes()))));
        Assert.That(bench.Reports.Select(r => (r.Flow.SourcePort, r.Reason)), Is.EqualTo(model.Diverged));
        if (replicas.HarmedPort == 0)
        {
            Assert.That(model.Diverged, Is.Empty);
            Assert.That(model.Out, Has.Count.EqualTo(replicas.Events.Count(e => e.Side == Side.Primary)));
            Assert.That(bench.Counters.SecondaryHeld, Is.Zero, "what was verified need not be kept");
            bench.Wait(5000);
            Assert.That(bench.Reports, Is.Empty, "nothing is left that could time out");
        }
        else
        {
            Assert.That(model.Diverged.Select(d => d.Port), Is.EqualTo(new[] { replicas.HarmedPort }));
        }

        bench.StopAndCheckNothingLost();
    }
}
