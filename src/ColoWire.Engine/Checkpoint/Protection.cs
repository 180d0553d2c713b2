// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>Whether the guest is protected, and if not, which replica's frames leave.</summary>
public enum Protection : byte
{
    /// <summary>Both replicas run in lock-step and are compared.</summary>
    InStep,

    /// <summary>The secondary's port has no link, or the hypervisor reports that there is no secondary, and no checkpoint has
    /// finished since: <c>secondary_loss</c> applies.</summary>
    DegradedNoSecondary,

    /// <summary>Both are compared, and verified frames leave, but no checkpoint can be made: <c>requester_loss</c> applies to
    /// diverged flows.</summary>
    DegradedNoCheckpoints,

    /// <summary>Both are compared, and verified frames leave, but the port of a replica did not take frames of clients within the
    /// last <see cref="EngineLimits.MirrorLossShowsNs"/>, and no checkpoint has finished since (R11).</summary>
    DegradedMirrorLoss,

    /// <summary>Frames of the primary bypass ColoWire: the XDP program that passes them to it was detached from the interface
    /// or replaced. Frames that arrive nevertheless are compared.</summary>
    Bypassed,

    /// <summary>After a fail-over to the primary: its frames leave at once.</summary>
    PrimaryAlone,

    /// <summary>After a fail-over to the secondary: its frames leave at once, the primary's are dropped.</summary>
    SecondaryAlone,
}
