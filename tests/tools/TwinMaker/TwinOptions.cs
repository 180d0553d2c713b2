// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.TwinMaker;

/// <summary>What to read, what to write, and how the second guest differs from the first.</summary>
internal sealed record TwinOptions
{
    public required string PrimaryPath { get; init; }

    public required string SecondaryPath { get; init; }

    public required int Seed { get; init; }

    /// <summary>Which data-bearing TCP frame gets a flipped byte, counted from 1; null for none.</summary>
    public int? FlippedTcpFrame { get; init; }

    /// <summary>Which data-bearing UDP frame gets a flipped byte, counted from 1; null for none.</summary>
    public int? FlippedUdpFrame { get; init; }

    public int SplitPercent { get; init; }

    public int MergePercent { get; init; }

    public int RetransmitPercent { get; init; }

    public int JitterMicroseconds { get; init; }

    public bool DropAcknowledgments { get; init; }

    /// <summary>The TTL or hop limit of the second guest; null for that of the first.</summary>
    public int? TimeToLive { get; init; }
}
