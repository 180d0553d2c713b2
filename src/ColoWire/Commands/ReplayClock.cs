// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Commands;

/// <summary>
/// The engine's clock in a replay: the captures' own timestamps. It never goes back, and it can stop at each expired scan on the
/// way to the next frame, so that a frame that waited too long is judged before a partner from after the timeout arrives.
/// </summary>
/// <param name="startNs">The first timestamp.</param>
/// <param name="scanCycleNs">Time between two scans.</param>
internal sealed class ReplayClock(long startNs, long scanCycleNs)
{
    /// <summary>When the next scan is due.</summary>
    public long NextScanNs { get; private set; } = startNs + scanCycleNs;

    /// <summary>The time, in nanoseconds.</summary>
    public long NowNs { get; private set; } = startNs;

    /// <summary>Whether a scan comes before this time.</summary>
    public bool IsScanBefore(long timeNs) => NextScanNs < timeNs;

    /// <summary>Leaves out all scans before this time but the last.</summary>
    public void SkipScansBefore(long timeNs) => NextScanNs += (timeNs - 1 - NextScanNs) / scanCycleNs * scanCycleNs;

    /// <summary>Goes to the next scan.</summary>
    public void AdvanceToScan()
    {
        NowNs = NextScanNs;
        NextScanNs += scanCycleNs;
    }

    /// <summary>Goes to a later time before which no scan comes.</summary>
    public void AdvanceTo(long timeNs)
    {
        NowNs = timeNs;
        if (NextScanNs == NowNs)
        {
            NextScanNs += scanCycleNs;
        }
    }
}
