// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Engine.Capture;
using ColoWire.Engine.Frames;
using ColoWire.Hosting;
using ColoWire.Ports;
using ColoWire.Ports.Xdp;
using ColoWire.Reports;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>Logs lost frames, loops, refused connections and completed checksums, each since the last look.</summary>
internal sealed class TrafficLog(Appliance appliance, ILogger log)
{
    private static readonly string LoopName = CounterNames.Of(InboundDrop.Loop);
    private static readonly string AddressName = CounterNames.Of(InboundCount.AddressOfWorld);

    private readonly AppliancePorts ports = appliance.Ports;
    private readonly LoopLog loopLog = new(appliance.Ports.OutputName, log);
    private readonly HashSet<string> loggedChecksums = [];
    private readonly Dictionary<string, long> loggedRefused = [];
    private FailWireCounts loggedBypasses;
    private bool hasLoggedAddress;
    private CaptureStatistics loggedPrimary = appliance.Ports.PrimaryStatistics;
    private CaptureStatistics loggedSecondary = appliance.Ports.SecondaryStatistics;
    private InjectStatistics loggedOutput = appliance.Ports.OutputStatistics;
    private CaptureStatistics loggedClients = appliance.Ports.ClientStatistics;
    private InjectStatistics loggedToPrimary = appliance.Ports.ToPrimaryStatistics;
    private InjectStatistics loggedToSecondary = appliance.Ports.ToSecondaryStatistics;

    /// <summary>Logs that frames went past the appliance.</summary>
    public void LookAtBypasses()
    {
        FailWireCounts bypasses = ports.FailWire?.Counts ?? default;
        if (LossText.Of(bypasses, loggedBypasses) is string line)
        {
            log.LogLoss(line);
            loggedBypasses = bypasses;
        }
    }

    /// <summary>Looks at the counters, and logs the changes. Once a second at most: a host that is not allowed to connect can try
    /// thousands of times a second.</summary>
    public void Look(in ApplianceSnapshot now)
    {
        LookAtChecksums(now.PartialChecksums.Primary, ports.PrimaryName);
        LookAtChecksums(now.PartialChecksums.Secondary, ports.SecondaryName);
        LookAtLosses();
        LookAtRefused();
        if (now.Inbound is { } clients)
        {
            LookAtClients(clients, now.ElapsedNs);
        }
    }

    /// <summary>Logs what only a mistake in the network brings about.</summary>
    private void LookAtClients(in InboundCounts clients, long elapsedNs)
    {
        loopLog.Look(clients.Drops.Of(LoopName), elapsedNs);
        if (!hasLoggedAddress && clients.Frames.Of(AddressName) != 0)
        {
            hasLoggedAddress = true;
            log.LogAddressOfWorld(ports.OutputName);
        }
    }

    private void LookAtChecksums(long completed, string port)
    {
        if (completed != 0 && loggedChecksums.Add(port))
        {
            log.LogPartialChecksums(port);
        }
    }

    private void LookAtLosses()
    {
        LookAtLosses(ports.PrimaryName, ports.PrimaryStatistics, ref loggedPrimary);
        LookAtLosses(ports.SecondaryName, ports.SecondaryStatistics, ref loggedSecondary);
        LookAtLosses(ports.OutputName, ports.OutputStatistics, ref loggedOutput);
        LookAtLosses(ports.OutputName, ports.ClientStatistics, ref loggedClients);
        LookAtLosses(ports.PrimaryName, ports.ToPrimaryStatistics, ref loggedToPrimary);
        LookAtLosses(ports.SecondaryName, ports.ToSecondaryStatistics, ref loggedToSecondary);
    }

    private void LookAtLosses(string port, CaptureStatistics now, ref CaptureStatistics logged)
    {
        LogLosses(LossText.Of(port, now, logged));
        logged = now;
    }

    private void LookAtLosses(string port, InjectStatistics now, ref InjectStatistics logged)
    {
        LogLosses(LossText.Of(port, now, logged));
        logged = now;
    }

    private void LogLosses(IReadOnlyList<string> losses)
    {
        for (int i = 0; i < losses.Count; i++)
        {
            log.LogLoss(losses[i]);
        }
    }

    private void LookAtRefused()
    {
        for (int i = 0; i < appliance.Peers.Count; i++)
        {
            (string name, IPeerReporter reporter) = appliance.Peers[i];
            RefusedPeers refused = reporter.Refused;
            long logged = loggedRefused.GetValueOrDefault(name);
            if (refused.Last is string last && refused.Count != logged)
            {
                log.LogPeersRefused(name, refused.Count - logged, last, reporter.Allowed);
                loggedRefused[name] = refused.Count;
            }
        }
    }
}
