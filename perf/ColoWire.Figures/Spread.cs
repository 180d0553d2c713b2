// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Figures;

/// <summary>Least, median and greatest of several figures.</summary>
/// <param name="Least">The least figure.</param>
/// <param name="Median">The middle figure; for an even number of figures the mean of the two in the middle.</param>
/// <param name="Most">The greatest figure.</param>
internal readonly record struct Spread(double Least, double Median, double Most)
{
    /// <summary>Computes the three values of one or more figures.</summary>
    public static Spread Of(IEnumerable<double> figures)
    {
        double[] sorted = [.. figures.Order()];
        return new Spread(sorted[0], (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, sorted[^1]);
    }
}
