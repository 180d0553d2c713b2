// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Hosting;
using ColoWire.Ports;
using ColoWire.Ports.Streams;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>Logs each change of the ports' state once: faults, links, and names of interfaces.</summary>
internal sealed class PortLog(AppliancePorts ports, ILogger log)
{
    private readonly HashSet<string> loggedFaults = [];
    private readonly Dictionary<string, LinkState> loggedLinks = [];
    private readonly Dictionary<string, string?> loggedLinkTroubles = [];
    private readonly Dictionary<string, string?> loggedNames = [];
    private IReadOnlyList<string> loggedTroubles = [];

    /// <summary>Looks, and logs the changes.</summary>
    public void Look()
    {
        LookAtFaults();
        LookAtTroubles();
        for (int i = 0; i < ports.Linked.Count; i++)
        {
            (string name, ILinkReporter port) = ports.Linked[i];
            LookAtLink(name, port);
            LookAtName(name, port.CalledNow);
        }
    }

    private void LookAtFaults()
    {
        for (int i = 0; i < ports.FaultReporters.Count; i++)
        {
            if (ports.FaultReporters[i].Fault is string fault && loggedFaults.Add(fault))
            {
                log.LogPortFault(fault);
            }
        }
    }

    /// <summary>Troubles can end, and are logged again when they come back.</summary>
    private void LookAtTroubles()
    {
        IReadOnlyList<string> troubles = ports.Troubles;
        if (ReferenceEquals(troubles, loggedTroubles))
        {
            return;
        }

        foreach (string trouble in troubles.Except(loggedTroubles))
        {
            log.LogPortFault(trouble);
        }

        foreach (string trouble in loggedTroubles.Except(troubles))
        {
            // What follows the semicolon says what will be done about it.
            string what = trouble.Split("; ", 2)[0];
            log.LogTroubleOver(what);
        }

        loggedTroubles = troubles;
    }

    private void LookAtLink(string name, ILinkReporter port)
    {
        LinkState link = port.Link;
        bool isStream = port is StreamCapturePort or StreamInjectPort;
        // At the start an interface is expected to be up; a connection is not, and is logged.
        if (loggedLinks.TryGetValue(name, out LinkState logged) ? logged != link : link != LinkState.Up || isStream)
        {
            LogLink(name, link, port, isStream);
        }

        loggedLinks[name] = link;
        if (!isStream && loggedLinkTroubles.GetValueOrDefault(name) != port.Trouble)
        {
            loggedLinkTroubles[name] = port.Trouble;
            if (port.Trouble is string trouble)
            {
                log.LogLinkTrouble(name, trouble);
            }
        }
    }

    private void LogLink(string name, LinkState link, ILinkReporter port, bool isStream)
    {
        switch (link)
        {
            case LinkState.Up when port is IPeerReporter { Peer: string peer }:
                log.LogConnectedTo(name, peer);
                break;
            case LinkState.Up when isStream:
                log.LogConnected(name);
                break;
            case LinkState.Down when isStream:
                log.LogNotConnected(name, port.Trouble);
                break;
            case LinkState.Up:
                log.LogLinkUp(name);
                break;
            case LinkState.Down:
                log.LogLinkDown(name);
                break;
            default:
                log.LogLinkGone(name);
                break;
        }
    }

    private void LookAtName(string name, string? nameNow)
    {
        if (loggedNames.GetValueOrDefault(name) == nameNow)
        {
            return;
        }

        loggedNames[name] = nameNow;
        if (nameNow is null)
        {
            log.LogNamedAsBefore(name);
        }
        else
        {
            log.LogRenamed(name, nameNow);
        }
    }
}
