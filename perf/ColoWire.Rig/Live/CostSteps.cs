// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary>What a pair costs, and how many go through without loss: ColoWire, a forwarder that compares nothing, and one that
/// reads what it drops, in turn.</summary>
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

    /// <summary>CPU time of a pair.</summary>
    public Row[] Cpu(IEnumerable<int> rounds, string note) => Measure(
        rounds, Contest.CpuPerPair, "CPU time", "ns CPU/pair", new Bar(BarSubject.Ratio, Most: 1.25), _ => note);

    /// <summary>The rate without loss.</summary>
    public Row[] Rate(IEnumerable<int> rounds, Bar? bar, string note)
    {
        Dictionary<int, int> bound = Contest.FrameBytes.ToDictionary(bytes => bytes, _ => 0);
        return Measure(rounds, Search, "rate without loss", Row.PairsPerSecond, bar, Note);

        double Search(string name, int bytes)
        {
            double rate = Contest.RateWithoutLoss(name, bytes, out bool isBound);
            bound[bytes] += isBound ? 1 : 0;
            return rate;
        }

        string Note(int bytes) => bound[bytes] == 0 ? note : $"{note}; bounded by the generator {bound[bytes]} times";
    }

    private Row[] Measure(
        IEnumerable<int> rounds, Func<string, int, double> measure, string what, string unit, Bar? bar, Func<int, string> note)
    {
        Dictionary<int, Figures> figures = Contest.FrameBytes.ToDictionary(bytes => bytes, _ => new Figures([], [], []));
        foreach (int _ in rounds)
        {
            foreach ((int bytes, Figures each) in figures)
            {
                each.Ours.Add(measure(Appliance.Name, bytes));
                each.Bare.Add(measure(Bare, bytes));
                each.Reading.Add(measure(Reading, bytes));
            }
        }

        return
        [
            .. figures.SelectMany(each => (Row[])
            [
                new Row(Group, $"{Ports}, {each.Key}-byte UDP, {what}", unit, each.Value.Ours)
                {
                    Anchor = BareAnchor, AnchorRuns = each.Value.Bare, Bar = bar, Note = note(each.Key),
                },
                new Row(Group, $"{Ports}, {each.Key}-byte UDP, {what}, beside one that reads", unit, each.Value.Ours)
                {
                    Anchor = ReadingAnchor, AnchorRuns = each.Value.Reading,
                },
            ]),
        ];
    }

    /// <summary>The figures of all rounds.</summary>
    private sealed record Figures(List<double> Ours, List<double> Bare, List<double> Reading);
}
