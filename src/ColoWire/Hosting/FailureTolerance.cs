// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Hosting;

/// <summary>Decides after how many failures of duties the process ends, to be started again. The flow of each failure is
/// quarantined, so failures in the same place come from different flows, or quarantine does not help.</summary>
internal sealed class FailureTolerance
{
    /// <summary>Failures in the same place that end the process.</summary>
    public const int SamePlace = 3;

    /// <summary>Failures in any places that end the process: more of them would leave no time for frames.</summary>
    public const int AnyPlace = 10;

    /// <summary>For how long a failure counts, in seconds.</summary>
    public const int WindowSeconds = 10;

    private const long WindowNs = WindowSeconds * 1_000_000_000L;

    private readonly List<(string Place, long AtNs)> failures = [];

    /// <summary>Notes a failure.</summary>
    /// <param name="place">Where it happened.</param>
    /// <param name="nowNs">When, in nanoseconds.</param>
    /// <returns>Null when the appliance goes on, else why it ends.</returns>
    public string? Note(string place, long nowNs)
    {
        failures.RemoveAll(earlier => nowNs - earlier.AtNs >= WindowNs);
        failures.Add((place, nowNs));
        bool isSameAgain = failures.Count(failure => failure.Place == place) >= SamePlace;
        return isSameAgain ? $"the same has happened {SamePlace} times within {WindowSeconds} s"
            : failures.Count >= AnyPlace ? $"duties have failed {AnyPlace} times within {WindowSeconds} s"
            : null;
    }
}
