// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>Why a checkpoint is asked for.</summary>
public enum CheckpointCause : byte
{
    /// <summary>The replicas differ in a connection; the only cause that comes with a <see cref="Divergence"/>.</summary>
    Divergence,

    /// <summary>The secondary's port has no link, or has one again, or the hypervisor says that there is no secondary.</summary>
    SecondaryLink,

    /// <summary>Frames of the primary went past the comparison, because ColoWire did not run, or because a duty had
    /// failed.</summary>
    Absence,

    /// <summary>The operator has ordered a checkpoint, or the mode <c>lockstep</c>.</summary>
    Order,

    /// <summary>Both replicas were stopped for a checkpoint, and it did not finish.</summary>
    BrokenCheckpoint,

    /// <summary>A connection that was left unverified, because it had used up its share of checkpoints, is to be compared
    /// again.</summary>
    ComparedAgain,
}
