// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Control;

/// <summary>What can be ordered.</summary>
internal enum OrderKind
{
    /// <summary>Nothing: how things stand.</summary>
    Status,

    /// <summary>A checkpoint.</summary>
    Checkpoint,

    /// <summary>The primary goes on alone.</summary>
    FailoverPrimary,

    /// <summary>The secondary goes on alone.</summary>
    FailoverSecondary,

    /// <summary>The primary's frames leave at once.</summary>
    ModeObserve,

    /// <summary>The primary's frames leave when the secondary has said the same.</summary>
    ModeLockstep,

    /// <summary>What is held leaves.</summary>
    Flush,
}

/// <summary>One order: its words behind <c>colowire ctl</c> are its path on the control socket too.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Words">The words.</param>
/// <param name="Help">What it does, in one sentence.</param>
internal sealed record ControlOrder(OrderKind Kind, string Words, string Help)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ControlOrder> All { get; } =
    [
        new(OrderKind.Status, "status", "How things stand: protection, mode, ports, counters."),
        new(OrderKind.Checkpoint, "checkpoint", "Asks for a checkpoint, and waits until it has finished."),
        new(OrderKind.FailoverPrimary, "failover primary", "The primary goes on alone, for good: what is held leaves, and all that comes."),
        new(OrderKind.FailoverSecondary, "failover secondary",
            "The secondary goes on alone, for good: what is held of the primary is dropped, the secondary's frames leave."),
        new(OrderKind.ModeObserve, "mode observe", "From now on the primary's frames leave at once, differences are only reported."),
        new(OrderKind.ModeLockstep, "mode lockstep", "From now on a frame of the primary leaves when the secondary has produced the same."),
        new(OrderKind.Flush, "flush", "Lets out, unverified, what is held now."),
    ];

    /// <summary>The path of its URL.</summary>
    public string Path { get; } = "/" + Words.Replace(' ', '/');

    /// <summary>The method of HTTP: nothing that changes something is a GET.</summary>
    public string Method => Kind == OrderKind.Status ? "GET" : "POST";
}
