// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Checkpoint;

namespace ColoWire.Ports.Checkpoint;

/// <summary>What a program is told of a divergence, as people read it in the log.</summary>
/// <param name="Reason">In what the replicas differ.</param>
/// <param name="Flow">The connection; empty where it is all of them.</param>
public readonly record struct DivergenceWords(string Reason, string Flow);

/// <summary>Puts a divergence into words.</summary>
public delegate DivergenceWords DivergenceSpeaker(in DivergenceReport cause);
