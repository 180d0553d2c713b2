// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Figures;

/// <summary>One line of the table: figures of several runs, and those of the anchor that ran in between.</summary>
/// <param name="Group">The part of the measurement.</param>
/// <param name="What">What was measured.</param>
/// <param name="Unit">Unit of all runs.</param>
/// <param name="Runs">The figure of each run.</param>
internal sealed record Row(string Group, string What, string Unit, IReadOnlyList<double> Runs)
{
    /// <summary>Units of speed.</summary>
    public const string PairsPerSecond = "pairs/s";
    public const string NsPerPair = "ns/pair";
    public const string NsPerFrame = "ns/frame";
    public const string NsPerPoll = "ns/poll";

    /// <summary>Runs that a median needs before it is held against a bar.</summary>
    public const int LeastRuns = 5;

    /// <summary>What the figures are held against.</summary>
    public string? Anchor { get; init; }

    /// <summary>The anchor's figures, as many as it ran; null without an anchor.</summary>
    public IReadOnlyList<double>? AnchorRuns { get; init; }

    /// <summary>What is to be reached.</summary>
    public Bar? Bar { get; init; }

    /// <summary>What else is to be known.</summary>
    public string? Note { get; init; }

    /// <summary>The figures, summed up.</summary>
    public Spread Ours => Spread.Of(Runs);

    /// <summary>The anchor's figures, summed up.</summary>
    public Spread? Theirs => AnchorRuns == null ? null : Spread.Of(AnchorRuns);

    /// <summary>Our median by the anchor's; null where there is none, or nothing to divide by.</summary>
    public double? Ratio => Theirs is { Median: not 0 } theirs ? Ours.Median / theirs.Median : null;

    /// <summary>Whether the bar is reached.</summary>
    public Verdict Verdict
    {
        get
        {
            if (Bar == null)
            {
                return Verdict.NoBar;
            }

            if (Runs.Count < LeastRuns || AnchorRuns?.Count < LeastRuns)
            {
                return Verdict.TooFewRuns;
            }

            (double? least, double? most) = Bar.Of switch
            {
                BarSubject.Value => (Ours.Median, Ours.Median),
                BarSubject.Each => (Ours.Least, Ours.Most),
                // One limit is given: the end of the interval that is nearer to it decides.
                BarSubject.Interval => (Ours.Most, Ours.Least),
                _ => (Ratio, Ratio),
            };
            return least >= (Bar.Least ?? double.NegativeInfinity) && most <= (Bar.Most ?? double.PositiveInfinity)
                ? Verdict.Met
                : Verdict.Missed;
        }
    }
}

/// <summary>What is to be reached: one of the two limits.</summary>
/// <param name="Of">Which figure.</param>
/// <param name="Least">The least that will do.</param>
/// <param name="Most">The most that will do.</param>
internal sealed record Bar(BarSubject Of, double? Least = null, double? Most = null);

/// <summary>Which figure a bar is about.</summary>
internal enum BarSubject
{
    /// <summary>The median of our runs.</summary>
    Value,

    /// <summary>Every one of our runs: of what must never be, a median would hide the rare one.</summary>
    Each,

    /// <summary>Our median by the anchor's.</summary>
    Ratio,

    /// <summary>The interval from the least to the greatest of our runs: the bar is missed where all of it is beyond the bar. The true
    /// median lies outside with a chance of 2 : 2^n, 1.6 % with 7 runs.</summary>
    Interval,
}

/// <summary>Whether a bar is reached.</summary>
internal enum Verdict
{
    /// <summary>There is none.</summary>
    NoBar,

    /// <summary>It is.</summary>
    Met,

    /// <summary>It is not.</summary>
    Missed,

    /// <summary>A median of so few runs says nothing.</summary>
    TooFewRuns,
}
