// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary>
/// What one way to idle costs while nothing comes, and the latency that it adds: one way through the appliance, less that over a
/// cable with nothing on it, quantile by quantile, in turn. The generator puts the time into both twins and sends the secondary's
/// first; the kernel stamps what arrives.
/// </summary>
/// <param name="contest">Where ColoWire runs, and for xdp ports the forwarder.</param>
/// <param name="prober">Sends what is timed.</param>
/// <param name="ports">The kind of ports.</param>
/// <param name="idle">The way to idle.</param>
internal sealed class LatencyStep(Contest contest, Prober prober, string ports, string idle)
{
    /// <summary>The cable with nothing on it.</summary>
    public const string Direct = "direct";

    /// <summary>Pairs and rate of the load under which frames are timed; where a frame finds all threads idle, the slow
    /// ones.</summary>
    public const long FastPairs = 15_000, FastRate = 50_000;
    private const long SlowPairs = 400, SlowRate = 1000;

    private const string Anchor = "bare AF_XDP forwarder";
    private static readonly TimeSpan IdleTime = TimeSpan.FromMilliseconds(400);

    private readonly List<double> idleCpu = [], bareIdleCpu = [];
    private readonly List<Latency> fast = [], slow = [], bare = [];
    private long lost;

    /// <summary>Whether the forwarder runs in turn.</summary>
    private bool HasAnchor => ports == "xdp";

    /// <summary>Measures it.</summary>
    public Row[] Measure(IEnumerable<int> rounds)
    {
        foreach (int _ in rounds)
        {
            idleCpu.Add(IdlePercent(Appliance.Name));
            slow.Add(Added(Appliance.Name, SlowPairs, SlowRate));
            fast.Add(Added(Appliance.Name, FastPairs, FastRate));
            if (HasAnchor)
            {
                contest.Process(Appliance.Name).Pause();
                contest.Process(CostSteps.Bare).Resume();
                bareIdleCpu.Add(IdlePercent(CostSteps.Bare));
                bare.Add(Added(CostSteps.Bare, FastPairs, FastRate));
                contest.Process(CostSteps.Bare).Pause();
                contest.Process(Appliance.Name).Resume();
            }
        }

        return Rows();
    }

    private Row[] Rows()
    {
        bool hasBar = HasAnchor && idle == "spin";
        string name = $"{ports} ports, idle {idle}";
        string load = $"latency added at {FastRate / 1000} kpps";
        string losses = lost == 0 ? string.Empty : $"; {lost} frames lost in all";
        return
        [
            Beside(new Row(XdpCommand.Group, $"{name}, CPU when nothing comes", "% of a core", idleCpu), bareIdleCpu),
            Beside(
                new Row(XdpCommand.Group, $"{name}, {load}, p50", "us", Figures(fast, latency => latency.AddedP50Us))
                {
                    Bar = hasBar ? new Bar(BarSubject.Value, Most: 10) : null,
                    Note = $"all in all {Median(fast, latency => latency.P50Us)}, over the cable alone "
                        + $"{Median(fast, latency => latency.DirectP50Us)}{losses}",
                },
                Figures(bare, latency => latency.AddedP50Us)),
            Beside(
                new Row(XdpCommand.Group, $"{name}, {load}, p99", "us", Figures(fast, latency => latency.AddedP99Us))
                {
                    Bar = hasBar ? new Bar(BarSubject.Value, Most: 40) : null,
                    Note = $"all in all {Median(fast, latency => latency.P99Us)}, over the cable alone "
                        + $"{Median(fast, latency => latency.DirectP99Us)}",
                },
                Figures(bare, latency => latency.AddedP99Us)),
            new Row(XdpCommand.Group, $"{name}, latency added at {SlowRate / 1000} kpps, p50", "us",
                Figures(slow, latency => latency.AddedP50Us))
            {
                Note = $"p99 {Median(slow, latency => latency.AddedP99Us)}; over the cable alone p50 is "
                    + $"{Median(slow, latency => latency.DirectP50Us)}",
            },
        ];
    }

    private static Row Beside(Row row, IReadOnlyList<double> anchorRuns) =>
        anchorRuns.Count == 0 ? row : row with { Anchor = Anchor, AnchorRuns = anchorRuns };

    private static double[] Figures(List<Latency> runs, Func<Latency, double> figure) =>
        [.. runs.Select(run => Math.Round(figure(run), 2))];

    private static string Median(List<Latency> runs, Func<Latency, double> figure) =>
        RowText.Number(Spread.Of(Figures(runs, figure)).Median);

    private double IdlePercent(string name)
    {
        SpaceProcess process = contest.Process(name);
        long before = process.CpuNs();
        long start = Stopwatch.GetTimestamp();
        Thread.Sleep(IdleTime);
        return Math.Round((process.CpuNs() - before) * 100 / Stopwatch.GetElapsedTime(start).TotalNanoseconds, 2);
    }

    private Latency Added(string name, long pairs, long rate)
    {
        Probe through = Send(name, pairs, rate);
        Probe direct = Send(Direct, pairs, rate);
        return new Latency(through.P50 / 1000.0, through.P99 / 1000.0, direct.P50 / 1000.0, direct.P99 / 1000.0);
    }

    private Probe Send(string name, long pairs, long rate)
    {
        Probe probe = prober.Send(name, pairs, rate);
        lost += probe.Lost;
        return probe.Came * 2 >= probe.Sent ? probe : throw new RigException($"of what {name} was sent too little came: {probe}");
    }

    /// <summary>Quantiles of one run, in microseconds.</summary>
    private readonly record struct Latency(double P50Us, double P99Us, double DirectP50Us, double DirectP99Us)
    {
        /// <summary>What lies above the cable alone.</summary>
        public double AddedP50Us => P50Us - DirectP50Us;

        /// <inheritdoc cref="AddedP50Us"/>
        public double AddedP99Us => P99Us - DirectP99Us;
    }
}
