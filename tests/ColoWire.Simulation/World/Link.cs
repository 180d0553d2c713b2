// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;

namespace ColoWire.Simulation.World;

/// <summary>How well a link carries frames. Rates are per frame.</summary>
internal sealed record LinkOptions
{
    public long DelayNs { get; init; }

    public long JitterNs { get; init; }

    public double Loss { get; init; }

    public double Duplication { get; init; }

    public double Reordering { get; init; }

    public double Stalls { get; init; }

    public long StallNs { get; init; }

    /// <summary>Whether datagrams, which nobody sends again, are lost and duplicated too.</summary>
    public bool HarmsDatagrams { get; init; }

    /// <summary>Whether datagrams of one flow may overtake each other.</summary>
    public bool ReordersDatagrams { get; init; }
}

/// <summary>From a guest to the appliance: keeps the order but where it is told not to, and may lose, repeat, delay and stall.</summary>
internal sealed class Link(Scheduler scheduler, EventLog log, LinkOptions options, Random random, Action<SentFrame> deliver)
{
    /// <summary>Losses in a row that a sender who repeats after a timeout must survive within <c>compare_timeout</c>.</summary>
    private const int MostLossesInARow = 2;

    /// <summary>Losses of one flow within a second: each is a hole in what is verified, and a flow remembers only so many.</summary>
    private const int MostLossesASecond = EngineLimits.MaxVerifiedRanges / 2;

    /// <summary>Segments of one flow that are being overtaken at a time: each is such a hole for as long as it is on its way.</summary>
    private const int MostOvertaken = EngineLimits.MaxVerifiedRanges / 4;

    private const long SecondNs = 1000 * Scheduler.Ms;

    private readonly Dictionary<int, int> lossesInARow = [];
    private readonly Dictionary<int, Queue<long>> lossesNs = [];
    private readonly Dictionary<int, int> overtaken = [];
    private long lastArrivalNs;
    private long stalledUntilNs;

    /// <summary>Frames under way.</summary>
    public int InFlight { get; private set; }

    /// <summary>The interface at its end is gone: what is sent, and what is under way, is lost.</summary>
    public bool IsDown { get; set; }

    /// <summary>What nobody sends again was lost or repeated: its flow cannot be expected to agree.</summary>
    public event Action<SentFrame>? SentOnceHarmed;

    public void Send(SentFrame frame)
    {
        bool mayBeHarmed = !frame.IsSentOnce || options.HarmsDatagrams;
        if (random.NextDouble() < options.Loss && mayBeHarmed && MayLose(frame))
        {
            log.Add("lost", frame);
            NoteHarm(frame);
            return;
        }

        lossesInARow[frame.Flow] = 0;
        if (random.NextDouble() < options.Stalls)
        {
            stalledUntilNs = scheduler.NowNs + options.StallNs;
        }

        Carry(frame);
        if (random.NextDouble() < options.Duplication && mayBeHarmed)
        {
            log.Add("repeated", frame);
            NoteHarm(frame);
            Carry(frame);
        }
    }

    private void Carry(SentFrame frame)
    {
        long arrivalNs = Math.Max(stalledUntilNs, scheduler.NowNs + options.DelayNs + random.NextInt64(options.JitterNs + 1));
        // Data is sent when the client has heard the SYN: most of a round trip lies between them.
        bool mayBeOvertaken = frame.Kind == SentKind.Datagram ? options.ReordersDatagrams : !frame.Syn;
        bool isOvertaken = random.NextDouble() < options.Reordering && mayBeOvertaken
            && overtaken.GetValueOrDefault(frame.Flow) < MostOvertaken;
        if (isOvertaken)
        {
            overtaken[frame.Flow] = overtaken.GetValueOrDefault(frame.Flow) + 1;
            arrivalNs = Math.Max(arrivalNs, lastArrivalNs) + random.NextInt64(4 * (options.JitterNs + 100_000));
        }
        else
        {
            arrivalNs = lastArrivalNs = Math.Max(arrivalNs, lastArrivalNs);
        }

        InFlight++;
        scheduler.At(arrivalNs, () =>
        {
            InFlight--;
            if (IsDown)
            {
                log.Add("lost", frame);
                NoteHarm(frame);
                return;
            }

            overtaken[frame.Flow] = overtaken.GetValueOrDefault(frame.Flow) - (isOvertaken ? 1 : 0);
            deliver(frame);
        });
    }

    private bool MayLose(SentFrame frame)
    {
        if (!lossesNs.TryGetValue(frame.Flow, out Queue<long>? recent))
        {
            lossesNs[frame.Flow] = recent = [];
        }

        while (recent.TryPeek(out long oldestNs) && scheduler.NowNs - oldestNs > SecondNs)
        {
            recent.Dequeue();
        }

        lossesInARow.TryGetValue(frame.Flow, out int lost);
        if (lost == MostLossesInARow || recent.Count == MostLossesASecond)
        {
            return false;
        }

        lossesInARow[frame.Flow] = lost + 1;
        recent.Enqueue(scheduler.NowNs);
        return true;
    }

    private void NoteHarm(SentFrame frame)
    {
        if (frame.IsSentOnce)
        {
            SentOnceHarmed?.Invoke(frame);
        }
    }
}
