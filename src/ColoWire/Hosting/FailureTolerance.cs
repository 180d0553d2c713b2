// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Hosting;

/// <summary>
/// How many failures of duties an appliance bears before its process ends, to be started afresh. Each flow that makes one is
/// quarantined, so failures in the same place come from different flows, or from one that the quarantine does not help.
/// </summary>
internal sealed class FailureTolerance
{
    /// <summary>Failures in the same place that end it.</summary>
    public const int SamePlace = 3;

    /// <summary>Failures in whatever places that end it: one after the other they would keep it busy with nothing else.</summary>
    public const int AnyPlace = 10;

    /// <summary>For how long a failure counts, in seconds.</summary>
    public const int WindowSeconds = 10;

    private const long WindowNs = WindowSeconds * 1_000_000_000L;

    private readonly List<(string Place, long AtNs)> failures = [];

    /// <summary>Notes a failure.</summary>
    /// <param name="place">Where it happened.</param>
    /// <param name="nowNs">When, in nanoseconds.</param>
    /// <returns>Null when it is borne, else why it is not.</returns>
    public string? Note(string place, long nowNs)
    {
        failures.RemoveAll(earlier => nowNs - earlier.AtNs >= WindowNs);
        failures.Add((place, nowNs));
        return failures.Count(failure => failure.Place == place) >= SamePlace ? $"the same has happened {SamePlace} times within {WindowSeconds} s"
            : failures.Count >= AnyPlace ? $"duties have failed {AnyPlace} times within {WindowSeconds} s"
            : null;
    }
}
