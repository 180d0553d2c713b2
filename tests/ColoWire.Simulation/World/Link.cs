// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;

namespace ColoWire.Simulation.World;

/// <summary>The quality of a link. Rates are per frame.</summary>
internal sealed record LinkOptions
{
    public long DelayNs { get; init; }

    public long JitterNs { get; init; }

    public double Loss { get; init; }

    public double Duplication { get; init; }

    public double Reordering { get; init; }

    public double Stalls { get; init; }

    public long StallNs { get; init; }

    /// <summary>Whether datagrams, which are not retransmitted, are lost and duplicated too.</summary>
    public bool HarmsDatagrams { get; init; }

    /// <summary>Whether datagrams of one flow may overtake each other.</summary>
    public bool ReordersDatagrams { get; init; }
}

/// <summary>One direction of a wire between the appliance and a guest or the clients: it keeps the order unless told otherwise,
/// and may lose, duplicate, delay and stall frames.</summary>
internal sealed class Link(Scheduler scheduler, EventLog log, LinkOptions options, Random random, Action<SentFrame> deliver)
{
    /// <summary>Number of losses in a row that a sender with retransmission timeouts must survive within
    /// <c>compare_timeout</c>.</summary>
    private const int MostLossesInARow = 2;

    /// <summary>Losses of one flow within a second: each is a gap in the verified ranges, and a flow records a limited number of
    /// ranges.</summary>
    private const int MostLossesASecond = EngineLimits.MaxVerifiedRanges / 2;

    /// <summary>Segments of one flow that are being overtaken at a time: each is such a gap while it is in flight.</summary>
    private const int MostOvertaken = EngineLimits.MaxVerifiedRanges / 4;

    private const long SecondNs = 1000 * Scheduler.Ms;

    private readonly Dictionary<int, int> lossesInARow = [];
    private readonly Dictionary<int, Queue<long>> lossesNs = [];
    private readonly Dictionary<int, int> overtaken = [];
    private long lastArrivalNs;
    private long stalledUntilNs;

    /// <summary>Number of frames in flight.</summary>
    public int InFlight { get; private set; }

    /// <summary>Whether the interface at its end is down: frames sent and frames in flight are lost.</summary>
    public bool IsDown { get; set; }

    /// <summary>A frame was lost.</summary>
    public event Action<SentFrame>? Lost;

    /// <summary>A frame was duplicated.</summary>
    public event Action<SentFrame>? Repeated;

    public void Send(SentFrame frame)
    {
        bool mayBeHarmed = !frame.IsSentOnce || options.HarmsDatagrams;
        if (random.NextDouble() < options.Loss && mayBeHarmed && MayLose(frame))
        {
            Lose(frame);
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
            Repeated?.Invoke(frame);
            Carry(frame);
        }
    }

    private void Carry(SentFrame frame)
    {
        long arrivalNs = Math.Max(stalledUntilNs, scheduler.NowNs + options.DelayNs + random.NextInt64(options.JitterNs + 1));
        // A SYN is not overtaken: data is sent after the client has received the SYN, most of a round trip later.
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
                Lose(frame);
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

    private void Lose(SentFrame frame)
    {
        log.Add("lost", frame);
        Lost?.Invoke(frame);
    }
}
