// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports;
using ColoWire.Ports.Streams;
using ColoWire.Ports.Xdp;
using ColoWire.Reports;
using ColoWire.Writing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ColoWire.Hosting;

/// <summary>How the counters are shown while an appliance runs.</summary>
internal enum StatusForm
{
    /// <summary>A line in the log, seldom, and only when something was counted.</summary>
    Log,

    /// <summary>One line of a terminal that rewrites itself.</summary>
    Terminal,

    /// <summary>A JSON object on the standard output.</summary>
    Json,
}

/// <summary>Shows the counters of an appliance, and looks after what its ports have to say.</summary>
internal sealed class StatusService(
    Appliance appliance,
    StatusForm form,
    StandardOutputs outputs,
    IHostApplicationLifetime lifetime,
    ILogger<StatusService> log,
    TimeProvider time)
    : BackgroundService
{
    /// <summary>Seconds between two lines in the log.</summary>
    public const int LogIntervalSeconds = 10;

    /// <summary>Looks between two reports of the counters.</summary>
    public const int LooksPerSecond = 20;

    private const string LeaveUnverified = "leave unverified";
    private const string Wait = "wait";

    /// <summary>How often the ports are looked at.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1) / LooksPerSecond;

    /// <summary>Looks in a row that must find nothing on its way before captures count as done.</summary>
    private const int QuietLooksBeforeEnd = 2;

    private readonly HashSet<string> toldFaults = [];
    private IReadOnlyList<string> toldTroubles = [];
    private readonly HashSet<string> toldChecksums = [];
    private readonly Dictionary<string, LinkState> toldLinks = [];
    private readonly Dictionary<string, long> toldRefused = [];
    private readonly Dictionary<string, string?> toldNames = [];
    private readonly Dictionary<string, string?> toldLinkTroubles = [];
    private FailWireCounts toldBypasses;
    private Protection toldProtection = Protection.InStep;
    private readonly JsonLine json = new();
    private readonly SnapshotReader reader = new(appliance);
    private ApplianceSnapshot now;
    private ApplianceSnapshot shown = SnapshotReader.Of(appliance);
    private CaptureStatistics primaryTold = appliance.Ports.PrimaryStatistics;
    private CaptureStatistics secondaryTold = appliance.Ports.SecondaryStatistics;
    private InjectStatistics outputTold = appliance.Ports.OutputStatistics;
    private readonly RequesterLog requesterLog = new(appliance.Requester, log);
    private readonly UnwrittenLog unwrittenLog = new(outputs, log);
    private int quietLooks;
    private int looks;
    private int second;

    /// <summary>Looks once; each second it tells the counters, too. In steady state it allocates nothing: a collection of garbage stops the
    /// threads that move frames.</summary>
    internal void Look()
    {
        looks++;
        LookAtPorts();
        requesterLog.Look(appliance.Clock.NowNs);
        if (looks % LooksPerSecond == 0)
        {
            now = reader.Read(outputs.Unwritten);
            LookAtChecksums();
            TellLosses();
            TellRefused();
            unwrittenLog.Look();
            Show();
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        json.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => new Cadence(time).RunAsync(LookInterval, Look, LookLast, stoppingToken);

    /// <summary>The appliance stopped before this service: what came last is told now.</summary>
    private void LookLast()
    {
        LookAtPorts();
        requesterLog.Look(appliance.Clock.NowNs, isLast: true);
        now = reader.Read(outputs.Unwritten);
        LookAtChecksums();
        TellLosses();
        TellRefused();
        if (form == StatusForm.Terminal)
        {
            Write(StatusLine.EraseLine);
        }
    }

    private void Show()
    {
        second++;
        switch (form)
        {
            case StatusForm.Json:
                json.Write(now, ReportJson.Default.ApplianceSnapshot);
                outputs.Status.Add(json.Bytes.Span);
                break;
            case StatusForm.Terminal:
                Write(StatusLine.Rewritten(StatusLine.Text(now, shown)));
                break;
            case StatusForm.Log when second % LogIntervalSeconds == 0 && !now.CountsLike(shown):
                string line = StatusLine.Text(now, shown);
                log.LogCounters(line);
                break;
            default:
                return;
        }

        shown = now;
    }

    private void Write(string text) => outputs.Status.Add(StandardOutputs.Encoding.GetBytes(text));

    private void TellLosses()
    {
        AppliancePorts ports = appliance.Ports;
        (CaptureStatistics primary, CaptureStatistics secondary, InjectStatistics output) =
            (ports.PrimaryStatistics, ports.SecondaryStatistics, ports.OutputStatistics);
        TellLosses(LossText.Of(ports.PrimaryName, primary, primaryTold));
        TellLosses(LossText.Of(ports.SecondaryName, secondary, secondaryTold));
        TellLosses(LossText.Of(ports.OutputName, output, outputTold));
        (primaryTold, secondaryTold, outputTold) = (primary, secondary, output);
    }

    private void TellLosses(IReadOnlyList<string> losses)
    {
        for (int i = 0; i < losses.Count; i++)
        {
            log.LogLoss(losses[i]);
        }
    }

    /// <summary>Once a second at most of each port: a host that may not connect can try thousands of times a second.</summary>
    private void TellRefused()
    {
        for (int i = 0; i < appliance.Peers.Count; i++)
        {
            (string name, IPeerReporter reporter) = appliance.Peers[i];
            RefusedPeers refused = reporter.Refused;
            long told = toldRefused.GetValueOrDefault(name);
            if (refused.Last is string last && refused.Count != told)
            {
                log.LogPeersRefused(name, refused.Count - told, last, reporter.Allowed);
                toldRefused[name] = refused.Count;
            }
        }
    }

    private void LookAtPorts()
    {
        FailWireCounts absences = appliance.Ports.FailWire?.Counts ?? default;
        if (LossText.Of(absences, toldBypasses) is string absence)
        {
            log.LogLoss(absence);
            toldBypasses = absences;
        }

        AppliancePorts ports = appliance.Ports;
        for (int i = 0; i < ports.FaultReporters.Count; i++)
        {
            if (ports.FaultReporters[i].Fault is string fault && toldFaults.Add(fault))
            {
                log.LogPortFault(fault);
            }
        }

        LookAtTroubles();
        for (int i = 0; i < ports.Linked.Count; i++)
        {
            LookAtLink(ports.Linked[i].Name, ports.Linked[i].Port);
            LookAtName(ports.Linked[i].Name, ports.Linked[i].Port.CalledNow);
        }

        Protection protection = appliance.Path.Gate.Protection;
        if (protection != toldProtection)
        {
            TellProtection(protection);
            toldProtection = protection;
        }

        // Captures have an end: when all is said of them there is nothing to wait for. Looked at again, because a frame that is
        // between two threads is counted by neither.
        quietLooks = appliance.Ports.Ended && IsQuiet() ? quietLooks + 1 : 0;
        if (quietLooks == QuietLooksBeforeEnd)
        {
            log.LogCapturesEnded();
            lifetime.StopApplication();
        }
    }

    /// <summary>Those that come right again are told of anew when they come back.</summary>
    private void LookAtTroubles()
    {
        IReadOnlyList<string> troubles = appliance.Ports.Troubles;
        if (ReferenceEquals(troubles, toldTroubles))
        {
            return;
        }

        foreach (string trouble in troubles.Except(toldTroubles))
        {
            log.LogPortFault(trouble);
        }

        foreach (string trouble in toldTroubles.Except(troubles))
        {
            log.LogTroubleOver(trouble);
        }

        toldTroubles = troubles;
    }

    private void LookAtChecksums()
    {
        TellChecksums(now.PartialChecksums.Primary, appliance.Ports.PrimaryName);
        TellChecksums(now.PartialChecksums.Secondary, appliance.Ports.SecondaryName);
    }

    private void TellChecksums(long completed, string port)
    {
        if (completed != 0 && toldChecksums.Add(port))
        {
            log.LogPartialChecksums(port);
        }
    }

    private void LookAtLink(string name, ILinkReporter port)
    {
        LinkState link = port.Link;
        bool isStream = port is StreamCapturePort or StreamInjectPort;
        // That an interface is up is what one expects; that somebody has connected is news.
        if (toldLinks.TryGetValue(name, out LinkState told) ? told != link : link != LinkState.Up || isStream)
        {
            TellLink(name, link, port);
        }

        toldLinks[name] = link;
        if (!isStream && toldLinkTroubles.GetValueOrDefault(name) != port.Trouble)
        {
            toldLinkTroubles[name] = port.Trouble;
            if (port.Trouble is string trouble)
            {
                log.LogLinkTrouble(name, trouble);
            }
        }
    }

    private void LookAtName(string port, string? calledNow)
    {
        if (toldNames.GetValueOrDefault(port) == calledNow)
        {
            return;
        }

        toldNames[port] = calledNow;
        if (calledNow is null)
        {
            log.LogNamedAsBefore(port);
        }
        else
        {
            log.LogRenamed(port, calledNow);
        }
    }

    private void TellLink(string port, LinkState link, ILinkReporter reporter)
    {
        bool isStream = reporter is StreamCapturePort or StreamInjectPort;
        switch (link)
        {
            case LinkState.Up when reporter is IPeerReporter { Peer: string peer }:
                log.LogConnectedTo(port, peer);
                break;
            case LinkState.Up when isStream:
                log.LogConnected(port);
                break;
            case LinkState.Down when isStream:
                log.LogNotConnected(port, reporter.Trouble);
                break;
            case LinkState.Up:
                log.LogLinkUp(port);
                break;
            case LinkState.Down:
                log.LogLinkDown(port);
                break;
            default:
                log.LogLinkGone(port);
                break;
        }
    }

    private void TellProtection(Protection protection)
    {
        switch (protection)
        {
            case Protection.InStep:
                log.LogInStep();
                break;
            case Protection.Bypassed:
                log.LogBypassed();
                break;
            case Protection.DegradedNoSecondary:
                log.LogNoSecondary(appliance.Options.Engine.SecondaryLoss == SecondaryLossPolicy.Bypass ? LeaveUnverified : Wait);
                break;
            case Protection.DegradedNoCheckpoints:
                log.LogNoCheckpoints(appliance.Options.Engine.RequesterLoss == RequesterLossPolicy.Bypass ? LeaveUnverified : Wait);
                break;
            default:
                log.LogAlone(protection == Protection.PrimaryAlone ? "primary" : "secondary");
                break;
        }
    }

    private bool IsQuiet()
    {
        PathCounters counters = PathCounters.Of(appliance.Path);
        return counters.Shards.Held == 0 && counters.Shards.SecondaryHeld == 0 && counters.FragmentsWaiting == 0 && appliance.Unsent == 0;
    }
}
