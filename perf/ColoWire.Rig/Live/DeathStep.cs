// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Threading;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary>What is lost when ColoWire is ended, started and killed under load.</summary>
/// <param name="contest">Where it runs.</param>
/// <param name="appliance">ColoWire.</param>
/// <param name="prober">Makes the load.</param>
/// <param name="ring">Entries of each ring.</param>
internal sealed class DeathStep(Contest contest, Appliance appliance, Prober prober, int ring)
{
    private const int FailWireMs = 20;
    private const long RatePerMs = 50;
    private const int EndMs = 1000;
    private const int StartMs = 2400;

    private readonly List<double> ended = [], restarted = [], killed = [], beyondMs = [];

    /// <summary>Measures it. ColoWire runs before, and not after.</summary>
    public Row[] Measure(IEnumerable<int> rounds)
    {
        // The kernel drops in silence what it redirects into a virtual cable whose other end does not poll.
        contest.RunFeeding("ethtool", "-K", $"{Appliance.Name}-o", "gro", "on");
        Start();
        foreach (int _ in rounds)
        {
            ended.Add(LostWhile(EndMs, () => contest.End(Appliance.Name)));
            restarted.Add(LostWhile(StartMs, Start));
            killed.Add(LostWhile(EndMs, () => contest.End(Appliance.Name, "KILL")));
            beyondMs.Add(Math.Round(Math.Max(0, (killed[^1] / RatePerMs) - FailWireMs), 2));
            Start();
        }

        contest.End(Appliance.Name);
        contest.RunFeeding("ethtool", "-K", $"{Appliance.Name}-o", "gro", "off");
        string load = $"at {RatePerMs} kpps";
        return
        [
            new Row(
                XdpCommand.Group, $"kill -9 {load}, lost beyond failwire_timeout_ms ({FailWireMs})", "ms of traffic", beyondMs)
            {
                Bar = new Bar(BarSubject.Value, Most: 5),
                Note = $"frames lost: {string.Join(' ', killed)}",
            },
            new Row(XdpCommand.Group, $"SIGTERM {load}", "frames lost", ended) { Bar = new Bar(BarSubject.Each, Most: 0) },
            new Row(XdpCommand.Group, $"started again {load}", "frames lost", restarted)
            {
                Bar = new Bar(BarSubject.Each, Most: 0),
            },
        ];
    }

    private void Start() => appliance.StartIsolated(Appliance.Options("xdp", "spin_then_poll", FailWireMs, ring));

    /// <summary>Frames that did not arrive of those sent meanwhile; the action comes after the first quarter.</summary>
    private double LostWhile(int milliseconds, Action action)
    {
        SpaceProcess load = prober.Start(Appliance.Name, RatePerMs * milliseconds, RatePerMs * 1000);
        Thread.Sleep(milliseconds / 4);
        action();
        Probe probe = Prober.Finish(load);
        return probe.Repeated == 0 ? probe.Lost : throw new RigException($"frames came twice: {probe}");
    }
}
