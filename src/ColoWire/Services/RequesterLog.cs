// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine;
using ColoWire.Hosting;
using ColoWire.Ports;
using ColoWire.Ports.Checkpoint;
using ColoWire.Reports;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>
/// Logs what becomes of checkpoint requests, and whether somebody is there to be asked. At most once a second of each, so that neither
/// checkpoints in a row nor a peer that comes and goes fill a disk.
/// </summary>
internal sealed class RequesterLog(ICheckpointRequester requester, ILogger log)
{
    private const long IntervalNs = 1_000_000_000;

    private RequesterSnapshot told = new(string.Empty, IsReady: false, Trouble: null, default);
    private long? stateToldAtNs;
    private long? countsToldAtNs;

    /// <summary>Looks, and logs what is new.</summary>
    /// <param name="nowNs">The time.</param>
    /// <param name="isLast">Whether nobody looks again.</param>
    public void Look(long nowNs, bool isLast = false)
    {
        if (requester is not CheckpointRequester)
        {
            return;
        }

        RequesterSnapshot now = RequesterSnapshot.Of(requester);
        if (isLast || IsTime(stateToldAtNs, nowNs))
        {
            TellState(now, nowNs);
        }

        if (isLast || IsTime(countsToldAtNs, nowNs))
        {
            TellCounts(now, nowNs);
        }
    }

    private static bool IsTime(long? toldAtNs, long nowNs) => toldAtNs is null || nowNs - toldAtNs >= IntervalNs;

    private void TellState(in RequesterSnapshot now, long nowNs)
    {
        if (now.IsReady && !told.IsReady)
        {
            log.LogRequesterReady(now.Name);
            if (requester is IPeerReporter { Peer: string peer })
            {
                log.LogConnectedTo(now.Name, peer);
            }
        }
        else if (!now.IsReady && (told.IsReady || now.Trouble != told.Trouble))
        {
            log.LogRequesterLost(now.Name, now.Trouble ?? "it was lost");
        }
        else
        {
            return;
        }

        stateToldAtNs = nowNs;
        told = told with { IsReady = now.IsReady, Trouble = now.Trouble };
    }

    private void TellCounts(in RequesterSnapshot now, long nowNs)
    {
        RequesterCounts counts = now.Counts;
        if (counts.Failed != told.Counts.Failed)
        {
            log.LogCheckpointFailed(counts.Requests, now.Trouble ?? "the next one did not");
        }

        if (counts.Requests != told.Counts.Requests || counts.Completed != told.Counts.Completed)
        {
            string last = Last(counts);
            log.LogCheckpoint(counts.Requests, counts.Completed, last);
        }

        if (counts != told.Counts with { Ignored = counts.Ignored })
        {
            countsToldAtNs = nowNs;
        }

        told = told with { Counts = counts };
    }

    private static string Last(in RequesterCounts counts)
    {
        string stop = counts.LastStopNs == 0 ? "" : $", both were stopped for {DurationText.Of(counts.LastStopNs)}";
        return counts.LastNs == 0 ? "none has answered a request yet" : $"the last one took {DurationText.Of(counts.LastNs)}{stop}";
    }
}
