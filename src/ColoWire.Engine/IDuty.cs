// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine;

/// <summary>One piece of work of the path of a frame. A pinned core runs its duties in turn.</summary>
public interface IDuty
{
    /// <summary>Does a bounded batch of what there is to do and never blocks.</summary>
    /// <param name="nowNs">The clock, in nanoseconds; it never goes back.</param>
    /// <returns>How much was done; 0 when there was nothing.</returns>
    int Poll(long nowNs);
}
