// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Commands;

/// <summary>The engine's clock in a replay: the timestamps of the captures. It never goes back. It stops at each expired scan
/// before the next frame, so that a frame times out before a partner arrives that was captured after the timeout.</summary>
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

    /// <summary>Skips all scans before this time but the last.</summary>
    public void SkipScansBefore(long timeNs) => NextScanNs += (timeNs - 1 - NextScanNs) / scanCycleNs * scanCycleNs;

    /// <summary>Advances to the next scan.</summary>
    public void AdvanceToScan()
    {
        NowNs = NextScanNs;
        NextScanNs += scanCycleNs;
    }

    /// <summary>Advances to a later time before which no scan is due.</summary>
    public void AdvanceTo(long timeNs)
    {
        NowNs = timeNs;
        if (NextScanNs == NowNs)
        {
            NextScanNs += scanCycleNs;
        }
    }
}
