// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Checkpoint;

namespace ColoWire.Ports.Checkpoint;

/// <summary>What a program is told of the cause of a checkpoint, as people read it in the log.</summary>
/// <param name="Reason">In what the replicas differ, or what else has happened.</param>
/// <param name="Flow">The connection; empty where it is all of them.</param>
public readonly record struct CauseWords(string Reason, string Flow);

/// <summary>Puts the cause of a checkpoint into words.</summary>
public delegate CauseWords CauseSpeaker(in CheckpointReport cause);
