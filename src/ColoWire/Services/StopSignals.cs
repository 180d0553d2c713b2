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
    /// <summary>Nothing: the process was started with SIGHUP ignored, as by nohup(1).</summary>
    None,

    /// <summary>A stop: its terminal or its session has ended.</summary>
    Stop,

    /// <summary>A request to read the configuration again, which ColoWire cannot do: a service of systemd has no
    /// terminal.</summary>
    Reload,
}

/// <summary>
/// Handles the signals of the process, from before its ports are opened to its end. A stop that is requested during the start
/// begins after the start: only then can it be orderly. A stop that takes longer than <see cref="Limit"/> ends the process at
/// once.
/// </summary>
internal sealed class StopSignals
{
    /// <summary>How long a stop may take, from the signal to the end of the process.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>How long the last line of the log may take when the process is ended.</summary>
    private static readonly TimeSpan LastLinePatience = TimeSpan.FromMilliseconds(20);

    // A registration without a reference is collected; a signal would then end the process before its last output is written.
    private static readonly List<PosixSignalRegistration> Registrations = [];

    private readonly Lock turn = new();
    private readonly TimeSpan limit;
    private readonly Action end;
    private readonly TimeProvider time;
    private IHostApplicationLifetime? host;
    private ILogger? log;
    private string? first;
    private long? limitFrom;

    /// <summary>Makes one that handles no signal yet.</summary>
    /// <param name="limit">How long a stop may take.</param>
    /// <param name="end">Ends the process when a stop has taken longer.</param>
    /// <param name="time">The source of the time.</param>
    internal StopSignals(TimeSpan limit, Action end, TimeProvider time)
    {
        this.time = time;
        this.limit = limit;
        this.end = end;
    }

    /// <summary>Handles the signals of the process.</summary>
    /// <param name="hangUp">What SIGHUP means.</param>
    /// <param name="lastWords">The log, which is flushed before the process is ended.</param>
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

        // Without a handler these signals end the process.
        Take(ProcessSignals.User1, () => signals.log?.LogSignalWithoutMeaning("SIGUSR1"));
        Take(ProcessSignals.User2, () => signals.log?.LogSignalWithoutMeaning("SIGUSR2"));
        return signals;
    }

    /// <summary>Whether a signal has requested a stop.</summary>
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

    /// <summary>The rest of the time for the stop.</summary>
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

    /// <summary>From now on the host can be stopped. A stop that was requested before is done now.</summary>
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

    /// <summary>Starts the time limit of the stop, unless a signal has started it.</summary>
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

        // A thread of its own, because all threads of the pool may be blocked by what delays the stop.
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

    /// <summary>Stops the host, now or after its start.</summary>
    /// <param name="signal">The name of the signal.</param>
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
        // No timer: a timer needs a thread of the pool, and this has to end a process in which no other thread may run any more.
        Thread.Sleep(limit);
        log?.LogStopTookTooLong(limit.TotalSeconds);
        end();
    }
}
