// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using ColoWire.Ports.Linux;
using ColoWire.Writing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>What SIGHUP means to a process.</summary>
internal enum HangUpMeaning
{
    /// <summary>Nothing: whoever started it has it ignored, as nohup(1) does.</summary>
    None,

    /// <summary>Its terminal or its session has gone, which is a stop.</summary>
    Stop,

    /// <summary>A service of systemd has no terminal: it is asked to read its configuration again, which it cannot.</summary>
    Reload,
}

/// <summary>
/// The signals of an appliance, from before its ports are opened to the end of the process. A stop that is asked for during the start
/// waits for the end of the start: only then is there something that can be stopped in order. A stop that takes longer than
/// <see cref="Limit"/> ends the process as it is.
/// </summary>
internal sealed class StopSignals
{
    /// <summary>How long a stop may take, from the signal to the end of the process.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>How long the last line of a process that is ended may take.</summary>
    private static readonly TimeSpan LastLinePatience = TimeSpan.FromMilliseconds(20);

    // A registration that nobody holds is undone, and a signal then ends the process before its last words are written.
    private static readonly List<PosixSignalRegistration> Registrations = [];

    private readonly Lock turn = new();
    private readonly TimeSpan limit;
    private readonly Action end;
    private readonly TimeProvider time;
    private IHostApplicationLifetime? host;
    private ILogger? log;
    private string? first;
    private long? limitFrom;

    /// <summary>Makes one that no signal reaches yet.</summary>
    /// <param name="limit">How long a stop may take.</param>
    /// <param name="end">Ends the process when it has taken longer.</param>
    /// <param name="time">The source of the time.</param>
    internal StopSignals(TimeSpan limit, Action end, TimeProvider time)
    {
        this.time = time;
        this.limit = limit;
        this.end = end;
    }

    /// <summary>Takes the signals of the process.</summary>
    /// <param name="hangUp">What SIGHUP means.</param>
    /// <param name="lastWords">Where the log goes.</param>
    /// <param name="exitCodeAtLimit">The exit code of a stop that takes too long.</param>
    /// <param name="time">The source of the time.</param>
    public static StopSignals Take(HangUpMeaning hangUp, OutputQueue lastWords, int exitCodeAtLimit, TimeProvider time)
    {
        StopSignals signals = new(Limit, () =>
        {
            _ = lastWords.Flush(LastLinePatience);
            ProcessSignals.EndNow(exitCodeAtLimit);
        }, time);
        Take((int)PosixSignal.SIGTERM, () => signals.Stop("SIGTERM"));
        Take((int)PosixSignal.SIGINT, () => signals.Stop("SIGINT"));
        Take((int)PosixSignal.SIGQUIT, () => signals.Stop("SIGQUIT"));
        if (hangUp != HangUpMeaning.None)
        {
            Take((int)PosixSignal.SIGHUP, hangUp == HangUpMeaning.Stop
                ? () => signals.Stop("SIGHUP")
                : () => signals.log?.LogNothingToReload());
        }

        // Without a handler these end the process.
        Take(ProcessSignals.User1, () => signals.log?.LogSignalWithoutMeaning("SIGUSR1"));
        Take(ProcessSignals.User2, () => signals.log?.LogSignalWithoutMeaning("SIGUSR2"));
        return signals;
    }

    /// <summary>Whether a signal has asked for a stop.</summary>
    public bool IsStopping
    {
        get
        {
            lock (turn)
            {
                return first != null;
            }
        }
    }

    /// <summary>How much of the time for the stop is left.</summary>
    public TimeSpan Left
    {
        get
        {
            lock (turn)
            {
                return limitFrom is { } from ? limit - time.GetElapsedTime(from) : limit;
            }
        }
    }

    /// <summary>What SIGHUP means to this process.</summary>
    public static HangUpMeaning HangUp() => HangUp(
        ProcessSignals.IsIgnored(ProcessSignals.HangUp), ProcessSignals.HasTerminal(), SystemdService.IsOne());

    /// <summary>What SIGHUP means to a process.</summary>
    /// <param name="isIgnored">Whether it was started with SIGHUP ignored.</param>
    /// <param name="hasTerminal">Whether it has a controlling terminal.</param>
    /// <param name="isService">Whether systemd has started it.</param>
    internal static HangUpMeaning HangUp(bool isIgnored, bool hasTerminal, bool isService) =>
        isIgnored ? HangUpMeaning.None : isService && !hasTerminal ? HangUpMeaning.Reload : HangUpMeaning.Stop;

    /// <summary>From now on the host can be stopped. What has come before is done now.</summary>
    public void Attach(IHostApplicationLifetime startedHost, ILogger startedLog)
    {
        string? early;
        lock (turn)
        {
            host = startedHost;
            log = startedLog;
            early = first;
        }

        if (early != null)
        {
            startedLog.LogSignalStops(early);
            startedHost.StopApplication();
        }
    }

    /// <summary>Counts the time of the stop from now on, where no signal has begun that.</summary>
    public void BeginLimit()
    {
        lock (turn)
        {
            if (limitFrom != null)
            {
                return;
            }

            limitFrom = time.GetTimestamp();
        }

        // A thread of its own: those of the pool may all wait for what keeps the stop from its end.
        new Thread(EndAtLimit) { Name = "colowire-limit", IsBackground = true }.Start();
    }

    private static void Take(int signal, Action act)
    {
        if (signal is (ProcessSignals.User1 or ProcessSignals.User2) && ProcessSignals.IsIgnored(signal))
        {
            return;
        }

        Registrations.Add(PosixSignalRegistration.Create((PosixSignal)signal, context =>
        {
            context.Cancel = true;
            act();
        }));
    }

    /// <summary>Stops the host, or has it stopped when it has started.</summary>
    /// <param name="signal">The signal that asks for it.</param>
    internal void Stop(string signal)
    {
        IHostApplicationLifetime? known;
        bool isFirst;
        lock (turn)
        {
            isFirst = first == null;
            first ??= signal;
            known = host;
        }

        BeginLimit();
        if (!isFirst)
        {
            log?.LogStopsAlready(signal, limit.TotalSeconds);
        }
        else if (known != null)
        {
            log?.LogSignalStops(signal);
            known.StopApplication();
        }
    }

    private void EndAtLimit()
    {
        // Not a timer: timers need a thread of the pool, and this must end a process in which nothing else runs any more.
        Thread.Sleep(limit);
        log?.LogStopTookTooLong(limit.TotalSeconds);
        end();
    }
}
