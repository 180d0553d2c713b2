// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine;

/// <summary>One task on the path of frames. A pinned core polls its duties in turn.</summary>
public interface IDuty
{
    /// <summary>Does a bounded amount of the pending work and never blocks.</summary>
    /// <param name="nowNs">The engine's clock, in nanoseconds; it is monotonic.</param>
    /// <returns>The amount of work; 0 when there was none.</returns>
    int Poll(long nowNs);
}
