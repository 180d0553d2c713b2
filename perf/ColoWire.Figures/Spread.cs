// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Figures;

/// <summary>Figures of several runs, summed up.</summary>
/// <param name="Least">The least.</param>
/// <param name="Median">The one in the middle; of an even number the mean of the two.</param>
/// <param name="Most">The most.</param>
internal readonly record struct Spread(double Least, double Median, double Most)
{
    /// <summary>Sums up at least one figure.</summary>
    public static Spread Of(IEnumerable<double> figures)
    {
        double[] sorted = [.. figures.Order()];
        return new Spread(sorted[0], (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, sorted[^1]);
    }
}
