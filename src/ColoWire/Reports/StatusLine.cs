// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;

namespace ColoWire.Reports;

/// <summary>The counters in one line.</summary>
internal static class StatusLine
{
    private const double NanosecondsPerSecond = 1e9;

    /// <summary>The counters, with rates since an earlier look.</summary>
    public static string Text(in ApplianceSnapshot now, in ApplianceSnapshot earlier)
    {
        double seconds = Math.Max(1, now.ElapsedNs - earlier.ElapsedNs) / NanosecondsPerSecond;
        double primary = (now.Primary.Frames - earlier.Primary.Frames) / seconds;
        double secondary = (now.Secondary.Frames - earlier.Secondary.Frames) / seconds;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"in {primary:N0}/{secondary:N0} per s | verified {now.Released.Verified:N0} passed {now.Released.NotCompared:N0} "
            + $"unverified {now.Released.Unverified:N0} held {now.Held:N0} | divergences {now.DivergencesTotal:N0} "
            + $"checkpoints {now.Checkpoints:N0} | drops {now.Primary.NotCaptured + now.Secondary.NotCaptured:N0} "
            + $"lost {now.Output.Lost:N0} | "
            + $"hold p50 {DurationText.Of(now.HoldNs.P50)} p99 {DurationText.Of(now.HoldNs.P99)}");
    }
}
