// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Checkpoint;

namespace ColoWire.Engine;

/// <summary>What other threads say to a shard beside frames.</summary>
/// <param name="Stop">The path stops.</param>
/// <param name="Primary">Slots of the primary run out.</param>
/// <param name="Secondary">Slots of the secondary run out.</param>
/// <param name="Shards">How many shards share the slots.</param>
internal sealed record ShardSignals(StopSignal Stop, PressureSignal Primary, PressureSignal Secondary, int Shards);
