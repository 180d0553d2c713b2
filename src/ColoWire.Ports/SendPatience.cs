// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>
/// How long frames wait for room in a full send queue before they are dropped (<c>send_retry_ms</c>). Once the time is over, each
/// further frame is tried once, until one is sent: a queue that does not drain must not delay a whole path for each frame again.
/// </summary>
/// <param name="retryMs">The longest wait, in ms; 0 for none.</param>
internal sealed class SendPatience(int retryMs)
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly long retryNs = retryMs * NanosecondsPerMs;
    private long? fullSinceNs;

    /// <summary>Whether a frame that found no room waits on.</summary>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    public bool MayWait(long nowNs)
    {
        fullSinceNs ??= nowNs;
        return nowNs - fullSinceNs < retryNs;
    }

    /// <summary>The queue has taken something: it was not full in between.</summary>
    public void Progress() => fullSinceNs = null;
}
