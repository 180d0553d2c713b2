// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>Whether the guest is protected, and if not, who speaks for it.</summary>
public enum Protection : byte
{
    /// <summary>Both replicas run in lock-step and are compared.</summary>
    InStep,

    /// <summary>The secondary's port has no link, or the hypervisor says that there is none, and no checkpoint has finished
    /// since: <c>secondary_loss</c> acts.</summary>
    DegradedNoSecondary,

    /// <summary>Both are compared and what agrees leaves, but no checkpoint can be had: <c>requester_loss</c> acts on what
    /// differs.</summary>
    DegradedNoCheckpoints,

    /// <summary>Frames of the primary do not come to ColoWire: the kernel's program that hands them over is gone from the
    /// interface, or was replaced. What comes all the same is compared.</summary>
    Bypassed,

    /// <summary>The primary was told to go on alone: its frames leave as they come.</summary>
    PrimaryAlone,

    /// <summary>The secondary was told to take over: its frames leave as they come, the primary's do not.</summary>
    SecondaryAlone,
}
