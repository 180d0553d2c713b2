// SPDX-License-Identifier: GPL-2.0-or-later

using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>
/// Logs that the guest's own frames come back from the outside, which means that a bridge still forwards beside ColoWire: one
/// line when it begins, and one when it has ended, however many frames there are.
/// </summary>
/// <param name="port">The name of the out port.</param>
/// <param name="log">Receives the lines.</param>
internal sealed class LoopLog(string port, ILogger log)
{
    /// <summary>How long no such frame must arrive before the loop counts as ended, in nanoseconds. A guest that is idle for less
    /// time begins no new one.</summary>
    public const long QuietNs = 60_000_000_000;

    private long seen;
    private long lastAtNs;
    private bool isLooping;

    /// <summary>Looks at the count, and logs a change.</summary>
    /// <param name="count">Frames from the guest's own MAC address since the start.</param>
    /// <param name="elapsedNs">Time since the start, in nanoseconds.</param>
    public void Look(long count, long elapsedNs)
    {
        if (count != seen)
        {
            if (!isLooping)
            {
                log.LogLoop(port, count - seen);
            }

            (seen, lastAtNs, isLooping) = (count, elapsedNs, true);
        }
        else if (isLooping && elapsedNs - lastAtNs >= QuietNs)
        {
            isLooping = false;
            log.LogLoopOver(port, count);
        }
    }
}
