// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Capture;

namespace ColoWire.Engine.Shards;

/// <summary>The signals that a shard reads from other threads.</summary>
/// <param name="Stop">Raised when the path stops.</param>
/// <param name="Primary">Whether slots of the primary run out.</param>
/// <param name="Secondary">Whether slots of the secondary run out.</param>
/// <param name="Shards">The number of shards that share the slots.</param>
internal sealed record ShardSignals(StopSignal Stop, PressureSignal Primary, PressureSignal Secondary, int Shards);
