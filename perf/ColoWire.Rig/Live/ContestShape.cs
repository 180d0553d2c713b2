// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Rig.Live;

/// <summary>How much a contest sends, and how rates are searched: the same for all that take part.</summary>
internal sealed record ContestShape
{
    /// <summary>Which way the frames go. Where clients send them, a pair is one frame that both replicas receive.</summary>
    public Direction Direction { get; init; } = Direction.Outbound;

    /// <summary>The frames that are measured.</summary>
    public required IReadOnlyList<Traffic> Traffic { get; init; }

    /// <summary>Pairs of a burst that waits until what is measured goes on: as many as its buffers hold.</summary>
    public required int BurstPairs { get; init; }

    /// <summary>Bursts of a run.</summary>
    public required int Bursts { get; init; }

    /// <summary>Length of a trial of a rate.</summary>
    public required int TrialMs { get; init; }

    /// <summary>Trials of a search.</summary>
    public required int SearchSteps { get; init; }

    /// <summary>How often a trial is made before the rate counts as too high.</summary>
    public required int Attempts { get; init; }

    /// <summary>Where a search begins, in pairs a second.</summary>
    public required long HighestRate { get; init; }

    /// <summary>How often all traffic is fed before anything is measured.</summary>
    public required int WarmUps { get; init; }

    /// <summary>Pairs of each feed before anything is measured.</summary>
    public required long WarmUpPairs { get; init; }

    /// <summary>Their rate, in pairs a second.</summary>
    public long WarmUpRate { get; init; } = 100_000;

    /// <summary>Time after each of them, in which the runtime compiles.</summary>
    public required TimeSpan WarmUpPause { get; init; }
}
