// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Figures;

/// <summary>One line of the table: the figures of several runs, and those of the anchor that ran alternately with them.</summary>
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

    /// <summary>Number of runs from which on a median is compared with a bar.</summary>
    public const int LeastRuns = 5;

    /// <summary>Name of the anchor, with which the figures are compared.</summary>
    public string? Anchor { get; init; }

    /// <summary>The figure of each run of the anchor; null without an anchor.</summary>
    public IReadOnlyList<double>? AnchorRuns { get; init; }

    /// <summary>The limit that the figures have to meet, or null.</summary>
    public Bar? Bar { get; init; }

    /// <summary>A note for the reader, or null.</summary>
    public string? Note { get; init; }

    /// <summary>Least, median and greatest figure.</summary>
    public Spread Ours => Spread.Of(Runs);

    /// <summary>Least, median and greatest figure of the anchor.</summary>
    public Spread? Theirs => AnchorRuns == null ? null : Spread.Of(AnchorRuns);

    /// <summary>The median divided by the anchor's median; null without an anchor, or when the anchor's median is 0.</summary>
    public double? Ratio => Theirs is { Median: not 0 } theirs ? Ours.Median / theirs.Median : null;

    /// <summary>Whether the bar is met.</summary>
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
                // A bar has one limit: the end of the interval that is nearer to the limit decides.
                BarSubject.Interval => (Ours.Most, Ours.Least),
                _ => (Ratio, Ratio),
            };
            return least >= (Bar.Least ?? double.NegativeInfinity) && most <= (Bar.Most ?? double.PositiveInfinity)
                ? Verdict.Met
                : Verdict.Missed;
        }
    }
}

/// <summary>A limit that a figure has to meet: either the least or the greatest allowed value.</summary>
/// <param name="Of">The figure.</param>
/// <param name="Least">The least allowed value.</param>
/// <param name="Most">The greatest allowed value.</param>
internal sealed record Bar(BarSubject Of, double? Least = null, double? Most = null);

/// <summary>The figure to which a bar applies.</summary>
internal enum BarSubject
{
    /// <summary>The median of the runs.</summary>
    Value,

    /// <summary>Every one of the runs: for a case that must never happen, a median would hide a rare one.</summary>
    Each,

    /// <summary>The median divided by the anchor's median.</summary>
    Ratio,

    /// <summary>The interval from the least to the greatest of the runs: the bar is missed only if the whole interval is beyond
    /// it. The true median lies outside the interval with a probability of 2 / 2^n, 1.6 % with 7 runs.</summary>
    Interval,
}

/// <summary>The result of the comparison with a bar.</summary>
internal enum Verdict
{
    /// <summary>The row has no bar.</summary>
    NoBar,

    /// <summary>The bar is met.</summary>
    Met,

    /// <summary>The bar is missed.</summary>
    Missed,

    /// <summary>The row has too few runs for a median.</summary>
    TooFewRuns,
}
