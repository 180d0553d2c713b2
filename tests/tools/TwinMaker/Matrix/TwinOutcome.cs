// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.TwinMaker.Matrix;

/// <summary>How a comparison of a twin with its primary ended.</summary>
internal enum TwinOutcome
{
    /// <summary>Equal and all released where the twin is harmless; the harmed flow, and no other, where it is not.</summary>
    Right,

    /// <summary>The capture has nothing that could be harmed in this way.</summary>
    NothingToHarm,

    /// <summary>A harmless twin was called different, or not all of the primary's frames left.</summary>
    FalseDivergence,

    /// <summary>A harmful twin was called equal.</summary>
    Missed,

    /// <summary>Another flow than the harmed one was reported, or it was not the only report.</summary>
    WrongFlow,

    /// <summary>The harmed flow was reported, and called something that it is not.</summary>
    WrongReason,
}

/// <summary>One twin, and what came of it.</summary>
/// <param name="Capture">The path of the primary.</param>
/// <param name="Harm">The name of the harm; null for a harmless twin.</param>
/// <param name="Seed">The seed of the twin.</param>
/// <param name="Outcome">How its comparison ended.</param>
/// <param name="Expected">What was harmed.</param>
/// <param name="Found">What the comparer said, where it was not right.</param>
internal sealed record TwinTrial(string Capture, string? Harm, int Seed, TwinOutcome Outcome, string Expected, string Found)
{
    public bool IsTried => Outcome != TwinOutcome.NothingToHarm;

    public bool IsFault => IsTried && Outcome != TwinOutcome.Right;

    /// <summary>How to make it again, what was to be found, and what was.</summary>
    public override string ToString() => $"""
        {Outcome}: {Capture} --seed {Seed}{(Harm is null ? string.Empty : $" --harm {Harm}")}
          expected {Expected}
          found    {Found}
        """;
}
