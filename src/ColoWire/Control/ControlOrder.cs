// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Control;

/// <summary>The kinds of orders.</summary>
internal enum OrderKind
{
    /// <summary>The state and the counters.</summary>
    Status,

    /// <summary>A checkpoint.</summary>
    Checkpoint,

    /// <summary>Fail-over to the primary: it speaks alone.</summary>
    FailoverPrimary,

    /// <summary>Fail-over to the secondary: it speaks alone.</summary>
    FailoverSecondary,

    /// <summary>Mode <c>observe</c>: the primary's frames leave at once.</summary>
    ModeObserve,

    /// <summary>Mode <c>lockstep</c>: the primary's frames leave when the secondary has sent the same.</summary>
    ModeLockstep,

    /// <summary>Held frames leave unverified.</summary>
    Flush,
}

/// <summary>An order. Its words after <c>colowire ctl</c> are its path on the control socket, too.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Words">The words.</param>
/// <param name="Help">What it does, in one sentence.</param>
internal sealed record ControlOrder(OrderKind Kind, string Words, string Help)
{
    /// <summary>All orders.</summary>
    public static IReadOnlyList<ControlOrder> All { get; } =
    [
        new(OrderKind.Status, "status", "The state: protection, mode, ports, counters."),
        new(OrderKind.Checkpoint, "checkpoint", "Asks for a checkpoint, and waits until it has finished."),
        new(OrderKind.FailoverPrimary, "failover primary",
            "The primary goes on alone, for good: what is held leaves, and all that comes."),
        new(OrderKind.FailoverSecondary, "failover secondary",
            "The secondary goes on alone, for good: what is held of the primary is dropped, the secondary's frames leave."),
        new(OrderKind.ModeObserve, "mode observe",
            "From now on the primary's frames leave at once, differences are only reported."),
        new(OrderKind.ModeLockstep, "mode lockstep",
            "From now on a frame of the primary leaves when the secondary has produced the same."),
        new(OrderKind.Flush, "flush", "Lets out, unverified, what is held now."),
    ];

    /// <summary>The path of the URL.</summary>
    public string Path { get; } = "/" + Words.Replace(' ', '/');

    /// <summary>The HTTP method: an order that changes something is no GET.</summary>
    public string Method => Kind == OrderKind.Status ? "GET" : "POST";
}
