// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Options;

/// <summary>What a thread does while there is nothing to do.</summary>
public enum IdleStrategy
{
    /// <summary>It sleeps at once on a CPU that other programs may use. On an isolated CPU it looks on before it sleeps, for as long as the
    /// last waits say that a look finds the next frame.</summary>
    Adaptive,

    /// <summary>It looks on for a while, then sleeps until a port has something, or for a moment.</summary>
    SpinThenPoll,

    /// <summary>It looks on for ever: the smallest latency, for the price of its core.</summary>
    Spin,

    /// <summary>It sleeps as soon as it has found nothing: the smallest cost, for the price of a wake-up for each frame that comes alone.</summary>
    Block,
}
