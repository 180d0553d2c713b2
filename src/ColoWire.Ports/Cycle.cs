// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>Limits work that costs a system call, on a path that is polled all the time, to once per period.</summary>
/// <param name="periodNs">The least time between two runs, in nanoseconds.</param>
internal struct Cycle(long periodNs)
{
    private long nextNs = long.MinValue;

    /// <summary>Whether the work is due; the next period begins then.</summary>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    public bool IsDue(long nowNs)
    {
        if (nowNs < nextNs)
        {
            return false;
        }

        nextNs = nowNs + periodNs;
        return true;
    }

    /// <summary>The work is due at the next poll.</summary>
    public void Restart() => nextNs = long.MinValue;
}
