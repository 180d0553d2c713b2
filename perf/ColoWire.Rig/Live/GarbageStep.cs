// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary>
/// The garbage that comes with the frames: what is allocated beyond what an idle appliance allocates in as long, for its status
/// lines and its looks at the links. From status line to status line, so that each has as many as the other.
/// </summary>
/// <param name="Contest">Where ColoWire runs, warm and not paused.</param>
/// <param name="Appliance">ColoWire.</param>
/// <param name="Group">The group of the rows.</param>
/// <param name="Ports">The kind of ports, for the rows.</param>
/// <param name="Traffic">The frames that are fed.</param>
internal sealed record GarbageStep(Contest Contest, Appliance Appliance, string Group, string Ports, Traffic Traffic)
{
    private const int IdleLines = 4;
    private const int LoadLines = 6;
    private const long Rate = 100_000;

    /// <summary>One of so many frames that are fed must leave.</summary>
    private const int LeastShare = 10;

    /// <summary>Lines that lie between two rounds: one is under way when the first round begins.</summary>
    private const int SpareLines = 2;

    /// <summary>Measures it.</summary>
    /// <param name="rounds">The rounds, as many as there is time for.</param>
    /// <param name="mostRounds">How many there may be.</param>
    public Row[] Measure(IEnumerable<int> rounds, int mostRounds)
    {
        Status idle = Across(Appliance.NextStatus(), IdleLines);
        SpaceProcess feeder = Contest.StartToFeed(
            Appliance.Name, Traffic, Rate * ((mostRounds * LoadLines) + SpareLines), Rate);
        List<double> collections = [], bytes = [];
        long moved = 0, translated = 0;
        // From here on the load is there for whole seconds.
        _ = Appliance.NextStatus();
        Status from = Appliance.NextStatus();
        foreach (int _ in rounds)
        {
            Status passed = Across(from, LoadLines);
            from += passed;
            collections.Add(passed.Collections);
            bytes.Add(BytesPerFrame(passed, idle));
            moved += passed.Frames;
            translated += passed.Translated;
        }

        feeder.End("KILL");
        CheckTranslated(moved, translated);
        // A slow machine moves fewer than are fed; with too few the status lines' own garbage would be all that is seen.
        if (moved < Rate * LoadLines * collections.Count / LeastShare)
        {
            throw new RigException($"only {moved} frames left under load");
        }

        string what = Traffic.IsTranslated
            ? $"{Ports}, {Traffic}, {LoadLines} s at {Rate / 1000} kpps"
            : $"{Ports}, {LoadLines} s at {Rate / 1000} kpps a side";
        return
        [
            new Row(Group, what, "garbage collections", collections)
            {
                Bar = new Bar(BarSubject.Each, Most: 0), Note = $"{moved} frames moved",
            },
            new Row(Group, $"{what}, beyond what is allocated idle", "bytes allocated/frame", bytes)
            {
                Bar = new Bar(BarSubject.Value, Most: 0),
            },
        ];
    }

    private void CheckTranslated(long moved, long translated)
    {
        if (Traffic.IsTranslated && translated != moved)
        {
            throw new RigException($"of {moved} frames {translated} were translated: this is no measurement of {Traffic}");
        }
    }

    private Status Across(Status from, int lines)
    {
        Status now = from;
        for (int line = 0; line < lines; line++)
        {
            now = Appliance.NextStatus();
        }

        return now - from;
    }

    /// <summary>To a tenth of a byte: a status line more or less is not the frames', and the least object for each batch of 64
    /// would show as 0.4.</summary>
    private static double BytesPerFrame(Status passed, Status idle)
    {
        double more = passed.AllocatedBytes - (idle.AllocatedBytes * (passed.ElapsedNs / (double)idle.ElapsedNs));
        return Math.Round(Math.Max(0, more) / passed.Frames, 1);
    }
}
