// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker;

/// <summary>How the second guest differs from the first.</summary>
internal sealed record TwinOptions
{
    public required int Seed { get; init; }

    /// <summary>The names of the harmless differences; null for all.</summary>
    public IReadOnlyCollection<string>? Only { get; init; }

    /// <summary>The names of the harmless differences to leave out.</summary>
    public IReadOnlyCollection<string> Without { get; init; } = [];

    /// <summary>Which data-bearing TCP frame gets a flipped byte, counted from 1; null for none.</summary>
    public int? FlippedTcpFrame { get; init; }

    /// <summary>The name of the harm that is done; null for none.</summary>
    public string? Harm { get; init; }

    /// <summary>The place of the harm, of those that are possible, counted from 1; null for one that the seed selects.</summary>
    public int? HarmAt { get; init; }

    public int SplitPercent { get; init; } = 25;

    public int MergePercent { get; init; } = 25;

    public int RetransmitPercent { get; init; } = 3;

    public int JitterMicroseconds { get; init; } = 300;

    /// <summary>The TTL or hop limit of the second guest; null for one that the seed selects.</summary>
    public int? TimeToLive { get; init; }

    public bool Has(string name) => (Only is null || Only.Contains(name)) && !Without.Contains(name);
}
