// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using ColoWire.TwinMaker.Harms;

namespace ColoWire.TwinMaker.Matrix;

/// <summary>Makes twins of every capture with every seed: one harmless twin, and one with each harm.</summary>
/// <param name="model">The harmless differences of all twins.</param>
/// <param name="seeds">How many twins of each kind to make of each capture.</param>
internal sealed class TwinMatrix(TwinOptions model, int seeds)
{
    private const string CapturePattern = "*.pcap";

    /// <summary>The columns of the matrix: no harm, and each of them.</summary>
    public static IReadOnlyList<string?> Harms { get; } = [null, .. HarmKinds.Names];

    /// <summary>The captures of a folder, without the captures of twins.</summary>
    public static IReadOnlyList<string> CapturesIn(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, CapturePattern)
            .Where(path => !path.EndsWith(".secondary.pcap", StringComparison.Ordinal) && !path.EndsWith(".flipped.pcap", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    public IEnumerable<TwinTrial> Try(string path)
    {
        Capture capture = new(CaptureFile.Read(path));
        return Harms.SelectMany(harm => Try(path, capture, harm));
    }

    /// <summary>Makes and compares the twins of one harm (null for none) with every seed.</summary>
    public IEnumerable<TwinTrial> Try(string path, Capture capture, string? harm)
    {
        using TwinJudge judge = new();
        for (int seed = 1; seed <= seeds; seed++)
        {
            Twin? twin = Twin.Of(capture, model with { Seed = seed, Harm = harm });
            if (twin is null)
            {
                yield return new TwinTrial(path, harm, seed, TwinOutcome.NothingToHarm, string.Empty, string.Empty);
                break;
            }

            (TwinOutcome outcome, string found) = judge.Judge(twin);
            yield return new TwinTrial(path, harm, seed, outcome, twin.Harm?.ToJson() ?? "no divergence", found);
        }
    }
}
