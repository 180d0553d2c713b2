// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Linq;
using System.Reflection;
using ColoWire.Engine;
using ColoWire.Fuzz.Cases;
using ColoWire.Fuzz.Generating;
using ColoWire.Fuzz.Running;
using NUnit.Framework;

namespace ColoWire.Fuzz;

/// <summary>
/// The short run, with the same seeds each time. A long one, on all cores: <c>dotnet run -c Release --project tests/ColoWire.Fuzz
/// -- run --seed 1000000 --frames 100M --minutes 60 --out FOLDER</c>. A failure prints its seed and a minimised case; <c>replay
/// FILE</c> runs that case again.
/// </summary>
public sealed class FuzzTests
{
    private const ulong FirstSeed = 1;

    private static readonly Corpus Captures = Corpus.Read(Path.Combine(AppContext.BaseDirectory, "fixtures"));

    [OneTimeSetUp]
    public void FailOnAssertions() => AssertionListener.Install();

    [Test]
    public void No_mutated_sequence_of_frames_breaks_an_invariant()
    {
        Campaign campaign = new(() => new CaseGenerator(Captures), FirstSeed,
            new CampaignLimits { Cases = TestContext.Parameters.Get("fuzz-cases", 1500L) });
        campaign.Run(Environment.ProcessorCount);
        Assert.That(campaign.Findings.Select(Describe), Is.Empty);
        TestContext.Out.WriteLine($"{campaign.Frames} frames in {campaign.Cases} cases, {campaign.Elapsed.TotalSeconds:F1} s");
    }

    [Test]
    public void A_seed_makes_the_same_case_each_time_and_its_text_reads_back()
    {
        for (ulong seed = 1; seed <= 40; seed++)
        {
            string text = CaseText.Write(new CaseGenerator(Captures).Make(seed));
            Assert.That(CaseText.Write(new CaseGenerator(Captures).Make(seed)), Is.EqualTo(text));
            Assert.That(CaseText.Write(CaseText.Read(text.Split('\n'))), Is.EqualTo(text));
        }
    }

    [Test]
    public void Every_option_of_the_engine_is_drawn()
    {
        PropertyInfo[] notDrawn = [.. typeof(EngineOptions).GetProperties().Where(IsNeverDrawn)];
        // The key of the hash is drawn elsewhere, for each case; AdviseMemory has no effect on frames; the guest's addresses are
        // learned.
        string[] expected =
        [
            nameof(EngineOptions.HashKey), nameof(EngineOptions.AdviseMemory), nameof(EngineOptions.GuestAddresses),
        ];
        Assert.That(notDrawn.Select(property => property.Name), Is.EquivalentTo(expected));
    }

    [Test]
    public void A_failing_case_is_made_small()
    {
        FuzzCase made = Enumerable.Range(1, 1000).Select(seed => new CaseGenerator(Captures).Make((ulong)seed))
            .First(candidate => candidate.Promise == Promise.None && candidate.Steps.Count(IsLongSecondary) > 2);
        FuzzCase smallest = new Minimiser(candidate => candidate.Steps.Any(IsLongSecondary)).Minimise(made);
        Assert.That(smallest.Steps, Has.Count.EqualTo(1));
        Assert.That(smallest.Steps[0].Length, Is.EqualTo(60));
        Assert.That(smallest.Options with { HashKey = OptionDraw.Base.HashKey }, Is.EqualTo(OptionDraw.Base));
    }

    private static bool IsLongSecondary(Step step) =>
        step is { Kind: StepKind.Frame, Side: Engine.Frames.Side.Secondary, Length: >= 60 };

    private static bool IsNeverDrawn(PropertyInfo property)
    {
        Dice dice = new(1);
        return !property.CanWrite || !OptionDraw.All.Contains(property)
            || Enumerable.Range(0, 100).Select(_ => OptionDraw.Draw(property, dice)).Where(value => value is not null).Distinct()
                .Count() < 2;
    }

    private static string Describe((Finding First, int Count) found)
    {
        Failure failure = found.First.Failure;
        FuzzCase made = new CaseGenerator(Captures).Make(found.First.Seed);
        FuzzCase smallest = new Minimiser(candidate => CaseRunner.Run(candidate).Failure?.Kind == failure.Kind).Minimise(made);
        return $"{found.Count} cases, first seed {found.First.Seed}: {failure.Kind} {failure.Place}: "
            + $"{failure.Detail}\n{CaseText.Write(smallest)}";
    }
}
