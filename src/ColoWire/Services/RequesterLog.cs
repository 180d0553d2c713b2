// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Checkpoint;
using ColoWire.Hosting;
using ColoWire.Ports;
using ColoWire.Ports.Checkpoint;
using ColoWire.Reports;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>Logs the outcome of checkpoint requests, and whether checkpoints can be requested. Each at most once a second, so
/// that neither many checkpoints nor a peer that connects again and again can fill a disk.</summary>
internal sealed class RequesterLog(ICheckpointRequester requester, ILogger log)
{
    private const long IntervalNs = 1_000_000_000;

    private RequesterSnapshot logged = new(string.Empty, IsReady: false, Trouble: null, default);
    private long? stateLoggedAtNs;
    private long? countsLoggedAtNs;

    /// <summary>Looks, and logs the changes.</summary>
    /// <param name="nowNs">The time, in nanoseconds.</param>
    /// <param name="isLast">Whether this is the last look.</param>
    public void Look(long nowNs, bool isLast = false)
    {
        if (requester is not CheckpointRequester)
        {
            return;
        }

        RequesterSnapshot now = RequesterSnapshot.Of(requester);
        if (isLast || IsTime(stateLoggedAtNs, nowNs))
        {
            LogState(now, nowNs);
        }

        if (isLast || IsTime(countsLoggedAtNs, nowNs))
        {
            LogCounts(now, nowNs);
        }
    }

    private static bool IsTime(long? loggedAtNs, long nowNs) => loggedAtNs is null || nowNs - loggedAtNs >= IntervalNs;

    private void LogState(in RequesterSnapshot now, long nowNs)
    {
        if (now.IsReady && !logged.IsReady)
        {
            log.LogRequesterReady(now.Name);
            if (requester is IPeerReporter { Peer: string peer })
            {
                log.LogConnectedTo(now.Name, peer);
            }
        }
        else if (!now.IsReady && (logged.IsReady || now.Trouble != logged.Trouble))
        {
            log.LogRequesterLost(now.Name, now.Trouble ?? "it was lost");
        }
        else
        {
            return;
        }

        stateLoggedAtNs = nowNs;
        logged = logged with { IsReady = now.IsReady, Trouble = now.Trouble };
    }

    private void LogCounts(in RequesterSnapshot now, long nowNs)
    {
        RequesterCounts counts = now.Counts;
        if (counts.Failed != logged.Counts.Failed)
        {
            log.LogCheckpointFailed(counts.Requests, now.Trouble ?? "the next one did not");
        }

        if (counts.Requests != logged.Counts.Requests || counts.Completed != logged.Counts.Completed)
        {
            string last = Last(counts);
            log.LogCheckpoint(counts.Requests, counts.Completed, last);
        }

        if (counts != logged.Counts with { Ignored = counts.Ignored })
        {
            countsLoggedAtNs = nowNs;
        }

        logged = logged with { Counts = counts };
    }

    private static string Last(in RequesterCounts counts)
    {
        string stop = counts.LastStopNs == 0 ? "" : $", both were stopped for {DurationText.Of(counts.LastStopNs)}";
        return counts.LastNs == 0
            ? "none has answered a request yet"
            : $"the last one took {DurationText.Of(counts.LastNs)}{stop}";
    }
}
