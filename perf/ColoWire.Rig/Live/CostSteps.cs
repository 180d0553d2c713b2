// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary>What a pair costs, and how many go through without loss: ColoWire, a forwarder that compares nothing, and one that
/// reads what it drops, in turn. Where clients send, a forwarder that sends each frame to two ports is the only anchor.</summary>
/// <param name="Contest">Where they are, warm and paused.</param>
/// <param name="Group">The group of the rows.</param>
/// <param name="Ports">The kind of ports, for the rows.</param>
/// <param name="BareAnchor">What the forwarder is called in the rows.</param>
internal sealed record CostSteps(Contest Contest, string Group, string Ports, string BareAnchor)
{
    /// <summary>The forwarder that compares nothing.</summary>
    public const string Bare = "bare";

    /// <summary>The forwarder that looks at every byte before it drops frames.</summary>
    public const string Reading = "read";

    private const string ReadingAnchor = "reading forwarder";

    /// <summary>Of the rate without loss of the forwarder: at this part of it nothing may be lost.</summary>
    private const double SafeShare = 0.8;

    private Direction Direction => Contest.Shape.Direction;

    private bool HasReading => Direction == Direction.Outbound;

    /// <summary>CPU time of a pair.</summary>
    public Row[] Cpu(IEnumerable<int> rounds, string note) => Measure(
        rounds, Contest.CpuPerPair, "CPU time", $"ns CPU/{Direction.Unit}",
        traffic => new Bar(BarSubject.Ratio, Most: traffic.IsTranslated ? 1.4 : 1.25), _ => note);

    /// <summary>The rate without loss.</summary>
    public Row[] Rate(IEnumerable<int> rounds, Bar? bar, string note)
    {
        Dictionary<Traffic, int> bound = Contest.Shape.Traffic.ToDictionary(traffic => traffic, _ => 0);
        return Measure(
            rounds, (name, traffic) => Search(name, traffic, bound), "rate without loss", Direction.PerSecond, _ => bar,
            traffic => RateNote(note, bound[traffic]));
    }

    /// <summary>The rate without loss, and what is lost at a part of the forwarder's.</summary>
    public Row[] RateAndLoss(IEnumerable<int> rounds, IReadOnlyList<Traffic> measured, string note)
    {
        Dictionary<Traffic, int> bound = measured.ToDictionary(traffic => traffic, _ => 0);
        Dictionary<Traffic, (Figures Rates, Figures Lost)> figures =
            measured.ToDictionary(traffic => traffic, _ => (new Figures([], [], []), new Figures([], [], [])));
        foreach (int _ in rounds)
        {
            foreach ((Traffic traffic, (Figures rates, Figures lost)) in figures)
            {
                rates.Ours.Add(Search(Appliance.Name, traffic, bound));
                rates.Bare.Add(Search(Bare, traffic, bound));
                long safe = (long)(rates.Bare[^1] * SafeShare);
                lost.Ours.Add(Contest.LostAt(Appliance.Name, traffic, safe));
                lost.Bare.Add(Contest.LostAt(Bare, traffic, safe));
            }
        }

        string what = $"at {SafeShare} of the forwarder's rate without loss";
        return
        [
            .. figures.SelectMany(each => (Row[])
            [
                .. Rows(
                    each.Key, each.Value.Rates, "rate without loss", Direction.PerSecond, bar: null,
                    RateNote(note, bound[each.Key])),
                .. Rows(each.Key, each.Value.Lost, what, "frames lost", new Bar(BarSubject.Each, Most: 0), note),
            ]),
        ];
    }

    private static string RateNote(string note, int bound) =>
        bound == 0 ? note : $"{note}; bounded by the generator {bound} times";

    private double Search(string name, Traffic traffic, Dictionary<Traffic, int> bound)
    {
        double rate = Contest.RateWithoutLoss(name, traffic, out bool isBound);
        bound[traffic] += isBound ? 1 : 0;
        return rate;
    }

    private Row[] Measure(
        IEnumerable<int> rounds, Func<string, Traffic, double> measure, string what, string unit, Func<Traffic, Bar?> bar,
        Func<Traffic, string> note)
    {
        Dictionary<Traffic, Figures> figures =
            Contest.Shape.Traffic.ToDictionary(traffic => traffic, _ => new Figures([], [], []));
        foreach (int _ in rounds)
        {
            foreach ((Traffic traffic, Figures each) in figures)
            {
                each.Ours.Add(measure(Appliance.Name, traffic));
                each.Bare.Add(measure(Bare, traffic));
                if (HasReading)
                {
                    each.Reading.Add(measure(Reading, traffic));
                }
            }
        }

        return [.. figures.SelectMany(each => Rows(each.Key, each.Value, what, unit, bar(each.Key), note(each.Key)))];
    }

    private Row[] Rows(Traffic traffic, Figures figures, string what, string unit, Bar? bar, string note)
    {
        Row row = new(Group, $"{Ports}, {traffic}, {what}", unit, figures.Ours)
        {
            Anchor = BareAnchor,
            AnchorRuns = figures.Bare,
            Bar = bar,
            Note = note,
        };
        if (!HasReading)
        {
            return [row];
        }

        return
        [
            row,
            new Row(Group, $"{Ports}, {traffic}, {what}, beside one that reads", unit, figures.Ours)
            {
                Anchor = ReadingAnchor, AnchorRuns = figures.Reading,
            },
        ];
    }

    /// <summary>The figures of all rounds.</summary>
    private sealed record Figures(List<double> Ours, List<double> Bare, List<double> Reading);
}
