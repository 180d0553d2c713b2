// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.IO;
using System.Linq;
using ColoWire.TwinMaker;
using ColoWire.TwinMaker.Harms;
using ColoWire.TwinMaker.Matrix;
using NUnit.Framework;

namespace ColoWire.Tests.Compare;

/// <summary>
/// Twins of real captures: what only two kernels do differently must not be found, one real difference must be, in the flow that
/// was harmed and in no other. Other captures and more seeds: <c>tests/tools/twins.sh</c>, or by hand
/// <c>dotnet test ... -- 'TestRunParameters.Parameter(name="captures",value="FOLDER")'
/// 'TestRunParameters.Parameter(name="seeds",value="100")'</c>.
/// </summary>
[TestFixture]
internal sealed class TwinTests
{
    private static readonly int Seeds = TestContext.Parameters.Get("seeds", 3);
    private static readonly string Folder = TestContext.Parameters.Get("captures", FixtureTests.Folder);

    private static IEnumerable<TestCaseData> Twins()
    {
        foreach (string path in TwinMatrix.CapturesIn(Folder))
        {
            Capture capture = new(TwinMaker.CaptureFile.Read(path));
            foreach (string? harm in
                TwinMatrix.Harms.Where(harm => harm is null || HarmKinds.Named(harm).Places(capture).Count > 0))
            {
                yield return new TestCaseData(path, harm)
                    .SetArgDisplayNames(Path.GetFileNameWithoutExtension(path), harm ?? "harmless");
            }
        }
    }

    [TestCaseSource(nameof(Twins))]
    public void The_verdict_on_a_twin_is_the_expected_one(string path, string? harm)
    {
        Capture capture = new(TwinMaker.CaptureFile.Read(path));
        TwinMatrix matrix = new(new TwinOptions { Seed = 0 }, Seeds);
        TwinTrial[] trials = [.. matrix.Try(path, capture, harm)];
        Assert.Multiple(() =>
        {
            Assert.That(trials, Has.Length.EqualTo(Seeds));
            Assert.That(trials.Where(trial => trial.IsFault), Is.Empty);
        });
    }
}
