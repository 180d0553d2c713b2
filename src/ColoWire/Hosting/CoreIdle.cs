// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Options;

namespace ColoWire.Hosting;

/// <summary>What the thread of a core does while no frame arrives, and why.</summary>
/// <param name="Strategy">What it does.</param>
/// <param name="Reason">Why, for the operator.</param>
public sealed record CoreIdle(IdleStrategy Strategy, string Reason)
{
    /// <summary>Decides it. With <see cref="IdleStrategy.Adaptive"/> the thread polls on an isolated CPU only: elsewhere it would
    /// take the CPU from other tasks, for example those of the guests.</summary>
    /// <param name="configured">The option <c>idle</c>.</param>
    /// <param name="cpu">The number of the core.</param>
    /// <param name="isolatedCpus">The CPUs on which the scheduler runs nothing else.</param>
    public static CoreIdle Of(IdleStrategy configured, int cpu, IReadOnlySet<int> isolatedCpus) => configured switch
    {
        IdleStrategy.Spin => new(configured, "idle spin: it never sleeps"),
        IdleStrategy.SpinThenPoll =>
            new(configured, $"idle spin_then_poll: it polls for {SpinWindow.LongestNs / 1000} us, then sleeps"),
        IdleStrategy.Block => new(configured, "idle block: it sleeps at once"),
        _ when isolatedCpus.Contains(cpu) => new(
            configured,
            $"idle adaptive, and CPU {cpu} is isolated: it polls as long as that pays, at most {SpinWindow.LongestNs / 1000} us, "
                + "then sleeps"),
        _ =>
            new(IdleStrategy.Block,
                $"idle adaptive, and CPU {cpu} is not isolated, so other programs may need it: it sleeps at once"),
    };
}
