// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>
/// How long frames wait for room in a full send queue before they count as lost (<c>send_retry_ms</c>). Once that is over, each is
/// tried once, until one finds room again: a queue that does not drain must not hold back a whole path for each of its frames anew.
/// </summary>
/// <param name="retryMs">The longest wait; 0 for none.</param>
internal sealed class SendPatience(int retryMs)
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly long retryNs = retryMs * NanosecondsPerMs;
    private long? refusedSinceNs;

    /// <summary>Whether the frame that found no room waits on.</summary>
    public bool MayWait(long nowNs)
    {
        refusedSinceNs ??= nowNs;
        return nowNs - refusedSinceNs < retryNs;
    }

    /// <summary>Something was sent.</summary>
    public void Progress() => refusedSinceNs = null;
}
