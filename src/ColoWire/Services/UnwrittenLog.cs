// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Writing;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>Logs that the process cannot write what it has to say: once when the counters are not taken any more, and when all is written again
/// how much was lost meanwhile.</summary>
internal sealed class UnwrittenLog(StandardOutputs outputs, ILogger log)
{
    private UnwrittenCounts told;
    private bool hasToldStatus;

    /// <summary>Looks, and logs what is new.</summary>
    public void Look()
    {
        UnwrittenCounts now = outputs.Unwritten;
        if (now == told)
        {
            return;
        }

        bool statusWorks = outputs.Status.Works;
        if (!statusWorks && !hasToldStatus && now.Status != told.Status)
        {
            log.LogStatusNotTaken();
            hasToldStatus = true;
        }
        else if (statusWorks && outputs.Log.Works)
        {
            log.LogUnwritten(now.LogEntries - told.LogEntries, now.Status - told.Status);
            told = now;
            hasToldStatus = false;
        }
    }
}
