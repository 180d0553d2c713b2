// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Writing;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>Logs output that could not be written: once when the counters cannot be written any more, and how much was lost when
/// all can be written again.</summary>
internal sealed class UnwrittenLog(StandardOutputs outputs, ILogger log)
{
    private UnwrittenCounts logged;
    private bool hasLoggedStatus;

    /// <summary>Looks, and logs the changes.</summary>
    public void Look()
    {
        UnwrittenCounts now = outputs.Unwritten;
        if (now == logged)
        {
            return;
        }

        bool statusWorks = outputs.Status.Works;
        if (!statusWorks && !hasLoggedStatus && now.Status != logged.Status)
        {
            log.LogStatusNotTaken();
            hasLoggedStatus = true;
        }
        else if (statusWorks && outputs.Log.Works)
        {
            log.LogUnwritten(now.LogEntries - logged.LogEntries, now.Status - logged.Status);
            logged = now;
            hasLoggedStatus = false;
        }
    }
}
