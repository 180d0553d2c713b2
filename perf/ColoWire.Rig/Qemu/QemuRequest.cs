// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Rig.Qemu;

/// <summary>What <c>ColoWire.Rig qemu</c> is asked for.</summary>
/// <param name="PrimaryPath">The primary's capture.</param>
/// <param name="SecondaryPath">The secondary's capture.</param>
/// <param name="Folder">Where QEMU's sockets are.</param>
/// <param name="ProcessId">QEMU's process.</param>
internal sealed record QemuRequest(string PrimaryPath, string SecondaryPath, string Folder, int ProcessId)
{
    /// <summary>Pairs in flight at most.</summary>
    public int Window { get; init; }

    /// <summary>Pairs that are given at a time.</summary>
    public int Batch { get; init; }

    /// <summary>Pairs that come before what is measured: a program that is compiled while it runs is to be at its final
    /// speed.</summary>
    public int WarmUp { get; init; }

    /// <summary>Whether frames are sent when the captures' timestamps say, whatever comes out.</summary>
    public bool Timed { get; init; }

    /// <summary>Whether there is a socket on which checkpoints are asked for and told.</summary>
    public bool HasNotice { get; init; }
}
