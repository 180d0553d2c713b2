// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary>
/// The latency that is added to clients' frames on their way to each replica: one way through the appliance, less that over a
/// cable with nothing on it, quantile by quantile, in turn with the forwarder that sends each frame to two ports. The bar applies
/// to what lies beyond the forwarder: sending a frame twice takes the time of two system calls.
/// </summary>
/// <param name="contest">Where ColoWire runs, and the forwarder, which is paused.</param>
/// <param name="prober">Sends what is timed.</param>
/// <param name="ports">The kind of ports.</param>
/// <param name="anchor">What the forwarder is called in the rows.</param>
internal sealed class InboundLatencyStep(Contest contest, Prober prober, string ports, string anchor)
{
    private const double MostP50Us = 5, MostP99Us = 40;

    private static readonly string[] Replicas = ["primary", "secondary"];

    private readonly List<double>[] ours = NewFigures(), bare = NewFigures(), direct = NewFigures();
    private long lost;

    /// <summary>Measures it.</summary>
    public Row[] Measure(IEnumerable<int> rounds)
    {
        foreach (int _ in rounds)
        {
            Add(Appliance.Name, ours);
            contest.Process(Appliance.Name).Pause();
            contest.Process(CostSteps.Bare).Resume();
            Add(CostSteps.Bare, bare);
            contest.Process(CostSteps.Bare).Pause();
            contest.Process(Appliance.Name).Resume();
        }

        return [.. Replicas.SelectMany((replica, i) => (Row[])
        [
            .. NewRows($"{replica}, p50", 2 * i, MostP50Us),
            .. NewRows($"{replica}, p99", (2 * i) + 1, MostP99Us),
        ])];
    }

    /// <summary>Of each replica the median and the 99th percentile.</summary>
    private static List<double>[] NewFigures() => [.. Enumerable.Range(0, 2 * Replicas.Length).Select(_ => new List<double>())];

    private static double Us(long ns) => ns / 1000.0;

    private Row[] NewRows(string what, int figure, double most)
    {
        string losses = lost == 0 ? string.Empty : $"; {lost} frames lost in all";
        string name = $"{ports}, idle spin, latency added at {LatencyStep.FastRate / 1000} kpps";
        double[] beyond = [.. ours[figure].Zip(bare[figure], (through, anchored) => Math.Round(through - anchored, 2))];
        return
        [
            new Row(InboundCommand.Group, $"{name}, {what}", "us", ours[figure])
            {
                Anchor = anchor,
                AnchorRuns = bare[figure],
                Note = $"over the cable alone {RowText.Number(Spread.Of(direct[figure]).Median)}{losses}",
            },
            new Row(InboundCommand.Group, $"{name}, {what}, beyond the forwarder", "us", beyond)
            {
                Bar = ports == InboundRig.XdpPorts ? new Bar(BarSubject.Value, Most: most) : null,
            },
        ];
    }

    private void Add(string name, List<double>[] figures)
    {
        Probe[] through = Send(name);
        Probe cable = Send(LatencyStep.Direct)[0];
        for (int i = 0; i < through.Length; i++)
        {
            figures[2 * i].Add(Math.Round(Us(through[i].P50 - cable.P50), 2));
            figures[(2 * i) + 1].Add(Math.Round(Us(through[i].P99 - cable.P99), 2));
            direct[2 * i].Add(Us(cable.P50));
            direct[(2 * i) + 1].Add(Us(cable.P99));
        }
    }

    private Probe[] Send(string name)
    {
        Probe[] probes = prober.SendToAll(name, LatencyStep.FastPairs, LatencyStep.FastRate);
        foreach (Probe probe in probes)
        {
            lost += probe.Lost;
            if (probe.Came * 2 < probe.Sent)
            {
                throw new RigException($"of what {name} was sent too little came: {probe}");
            }
        }

        return probes;
    }
}
