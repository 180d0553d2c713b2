// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Options;

/// <summary>What a thread does while there is nothing to do.</summary>
public enum IdleStrategy
{
    /// <summary>On a CPU that other programs may use it sleeps at once. On an isolated CPU it polls before it sleeps, for as long
    /// as the last waits suggest that polling finds the next frame.</summary>
    Adaptive,

    /// <summary>It polls for a while, then sleeps until a port is readable, or for a short time.</summary>
    SpinThenPoll,

    /// <summary>It never sleeps: the smallest latency, for a whole core.</summary>
    Spin,

    /// <summary>It sleeps as soon as there is no work: the smallest CPU time, and a wake-up for each single frame.</summary>
    Block,
}
