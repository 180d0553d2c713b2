// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.TwinMaker.Matrix;

/// <summary>The result of the comparison of a twin with its primary.</summary>
internal enum TwinOutcome
{
    /// <summary>Harmless twin: equal, and all frames released. Harmful twin: the harmed flow was reported, and no
    /// other.</summary>
    Right,

    /// <summary>The capture has no place for this harm.</summary>
    NothingToHarm,

    /// <summary>A harmless twin was reported as different, or not all of the primary's frames left.</summary>
    FalseDivergence,

    /// <summary>A harmful twin was reported as equal.</summary>
    Missed,

    /// <summary>A flow other than the harmed one was reported, alone or in addition.</summary>
    WrongFlow,

    /// <summary>The harmed flow was reported, with a wrong reason.</summary>
    WrongReason,
}

/// <summary>One twin, and the result of its comparison.</summary>
/// <param name="Capture">The path of the primary.</param>
/// <param name="Harm">The name of the harm; null for a harmless twin.</param>
/// <param name="Seed">The seed of the twin.</param>
/// <param name="Outcome">The result of the comparison.</param>
/// <param name="Expected">The harm.</param>
/// <param name="Found">The report of the comparison, where it was wrong.</param>
internal sealed record TwinTrial(string Capture, string? Harm, int Seed, TwinOutcome Outcome, string Expected, string Found)
{
    public bool IsTried => Outcome != TwinOutcome.NothingToHarm;

    public bool IsFault => IsTried && Outcome != TwinOutcome.Right;

    /// <summary>How to make the twin again, the expected report and the actual one.</summary>
    public override string ToString() => $"""
        {Outcome}: {Capture} --seed {Seed}{(Harm is null ? string.Empty : $" --harm {Harm}")}
          expected {Expected}
          found    {Found}
        """;
}
