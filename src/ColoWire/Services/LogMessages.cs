// SPDX-License-Identifier: GPL-2.0-or-later

using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>All messages in the log of a running appliance.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{Line}")]
    public static partial void LogPlan(this ILogger logger, string line);

    [LoggerMessage(Level = LogLevel.Information, Message = "ready: frames come to ColoWire from now on")]
    public static partial void LogReady(this ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Counters}")]
    public static partial void LogCounters(this ILogger logger, string counters);

    [LoggerMessage(Level = LogLevel.Warning, Message = "divergence: {Headline}")]
    public static partial void LogDivergence(this ILogger logger, string headline);

    [LoggerMessage(Level = LogLevel.Warning, Message = "checkpoint cause: {Headline}")]
    public static partial void LogCheckpointCause(this ILogger logger, string headline);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Count} more divergences and checkpoint causes are not shown; at most {Limit} a second are shown")]
    public static partial void LogDivergencesOmitted(this ILogger logger, long count, int limit);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Port}: the link is down; it is used again as soon as it is up")]
    public static partial void LogLinkDown(this ILogger logger, string port);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Port}: the link is up")]
    public static partial void LogLinkUp(this ILogger logger, string port);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Port}: connected")]
    public static partial void LogConnected(this ILogger logger, string port);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Port}: connected, the other end is {Peer}")]
    public static partial void LogConnectedTo(this ILogger logger, string port, string peer);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Port}: {Count} connections closed at once, the last from {Peer}: only {Allowed} may connect")]
    public static partial void LogPeersRefused(this ILogger logger, string port, long count, string peer, string allowed);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{Port}: not connected: {Trouble}; it is used again as soon as it is connected")]
    public static partial void LogNotConnected(this ILogger logger, string port, string? trouble);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Port}: the interface is gone, removed or moved to another network namespace; it is used "
            + "again as soon as it is back")]
    public static partial void LogLinkGone(this ILogger logger, string port);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Port}: the interface is not used: {Trouble}")]
    public static partial void LogLinkTrouble(this ILogger logger, string port, string trouble);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Port}: the interface is called {Name} now; ColoWire goes on with it")]
    public static partial void LogRenamed(this ILogger logger, string port, string name);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Port}: the interface has its name again")]
    public static partial void LogNamedAsBefore(this ILogger logger, string port);

    [LoggerMessage(Level = LogLevel.Warning, Message = "degraded: the secondary is out of step, the primary's frames {Fate}")]
    public static partial void LogNoSecondary(this ILogger logger, string fate);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Port}: the guest uses a MAC address from which frames arrive here, too; the address is not learned: set "
            + "guest_mac if it is the guest's")]
    public static partial void LogAddressOfWorld(this ILogger logger, string port);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "degraded: the port of a replica does not take all frames of clients; TCP sends them again, other differences "
            + "cost a checkpoint")]
    public static partial void LogMirrorLoss(this ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "degraded: no checkpoint can be had; connections that differ {Fate}")]
    public static partial void LogNoCheckpoints(this ILogger logger, string fate);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "not protected: frames of the primary do not come to this ColoWire, or not to it alone")]
    public static partial void LogBypassed(this ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "resolved, no longer the case: {Trouble}")]
    public static partial void LogTroubleOver(this ILogger logger, string trouble);

    [LoggerMessage(Level = LogLevel.Information, Message = "requester {Name}: ready, checkpoints can be asked for")]
    public static partial void LogRequesterReady(this ILogger logger, string name);

    [LoggerMessage(Level = LogLevel.Warning, Message = "requester {Name}: no checkpoint can be asked for: {Trouble}")]
    public static partial void LogRequesterLost(this ILogger logger, string name, string trouble);

    [LoggerMessage(Level = LogLevel.Warning, Message = "checkpoint: no. {Number} has failed: {Trouble}")]
    public static partial void LogCheckpointFailed(this ILogger logger, long number, string trouble);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "checkpoint: {Requests} asked for so far, {Completed} completed; {Last}")]
    public static partial void LogCheckpoint(this ILogger logger, long requests, long completed, string last);

    [LoggerMessage(Level = LogLevel.Information, Message = "protected again: both are in step")]
    public static partial void LogInStep(this ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "not protected: the {Side} goes on alone")]
    public static partial void LogAlone(this ILogger logger, string side);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Loss}")]
    public static partial void LogLoss(this ILogger logger, string loss);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Port}: its guest leaves TCP or UDP checksums to a NIC that does not complete them; ColoWire does, and counts "
            + "them (partial_checksums). Leave it so, or in the guest: ethtool -K IF tx off")]
    public static partial void LogPartialChecksums(this ILogger logger, string port);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message =
            "{Port}: {Count} frames of the guest itself came back from the outside (its own MAC address as source) and were "
            + "dropped; further ones are only counted (inbound, drops, loop): a bridge or a filter of tc "
            + "forwards beside ColoWire. "
            + "Check: bridge link; tc filter show dev IF ingress; a second path of the guests to the outside")]
    public static partial void LogLoop(this ILogger logger, string port, long count);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Port}: no frame of the guest itself has come back from the outside for a minute; {Count} since the start")]
    public static partial void LogLoopOver(this ILogger logger, string port, long count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Warning}")]
    public static partial void LogStartWarning(this ILogger logger, string warning);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Fault}")]
    public static partial void LogPortFault(this ILogger logger, string fault);

    [LoggerMessage(Level = LogLevel.Information, Message = "orders are taken at {Path} (colowire ctl --socket {Path})")]
    public static partial void LogControl(this ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Order} was ordered by ctl")]
    public static partial void LogOrder(this ILogger logger, string order);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Order}: {Outcome}")]
    public static partial void LogOutcome(this ILogger logger, string order, string outcome);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Signal}: ColoWire stops")]
    public static partial void LogSignalStops(this ILogger logger, string signal);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Signal}: the stop is under way; it takes {Seconds} s at most")]
    public static partial void LogStopsAlready(this ILogger logger, string signal, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "the stop has taken {Seconds} s: the process ends now")]
    public static partial void LogStopTookTooLong(this ILogger logger, double seconds);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "SIGHUP: nothing is read again; restart ColoWire to change its options")]
    public static partial void LogNothingToReload(this ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Signal}: ignored; ColoWire does not use this signal")]
    public static partial void LogSignalWithoutMeaning(this ILogger logger, string signal);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message =
            "output: the counters cannot be written: the standard output is full, closed, or not read; lost ones are counted")]
    public static partial void LogStatusNotTaken(this ILogger logger);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "output: {LogEntries} entries of the log and {Status} reports of the counters were lost: they were not read in "
            + "time, or there was no room for them")]
    public static partial void LogUnwritten(this ILogger logger, long logEntries, long status);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "stopping: no frame is captured any more, held frames leave unverified")]
    public static partial void LogStopping(this ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "both captures are at their end")]
    public static partial void LogCapturesEnded(this ILogger logger);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "{Count} frames were held back: {Port} did not take them within {Seconds} s")]
    public static partial void LogHeldBack(this ILogger logger, long count, string port, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "ColoWire has failed and goes on, please report it: {Failure}")]
    public static partial void LogFailure(this ILogger logger, string failure);

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "ColoWire has failed and ends with exit code {Code}, to be started again, because {Reason}; "
            + "please report it: {Failure}")]
    public static partial void LogFailureForGood(this ILogger logger, string failure, string reason, int code);

    [LoggerMessage(Level = LogLevel.Warning, Message = "a thread makes no progress; the watchdog is not notified")]
    public static partial void LogNoProgress(this ILogger logger);
}
