// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Frames;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <summary>How a secondary begins to differ from the primary.</summary>
internal enum HarmKind
{
    /// <summary>One byte that it sends differs.</summary>
    OtherBytes,

    /// <summary>TCP: it closes early. Datagrams: it omits one.</summary>
    Missing,

    /// <summary>TCP: it sends a RST instead of data. Datagrams: it sends one more.</summary>
    Additional,

    /// <summary>It sends nothing from now on.</summary>
    Silence,
}

/// <summary>A guest's end of one flow.</summary>
internal interface ISpeaker
{
    FlowIdentity Flow { get; }

    /// <summary>A checkpoint: copies the state of the other replica's speaker.</summary>
    void CopyFrom(ISpeaker other);

    /// <summary>Schedules its next action.</summary>
    void Wake();

    /// <summary>Performs the actions that are due.</summary>
    void Act();

    /// <summary>Makes it differ from the primary.</summary>
    /// <returns>Whether a difference is possible.</returns>
    bool Harm(HarmKind kind, Random random);
}

/// <summary>One replica: its speakers, its delays and the header fields of its kernel. While it is paused, received frames are
/// queued.</summary>
internal sealed class Guest(Side side, Scheduler scheduler, Random random, int largestPiece, byte[]? mac, uint clockOffset)
{
    private readonly Queue<Action> heardWhilePaused = new();
    private readonly Dictionary<ISpeaker, long> wakes = [];
    private readonly List<ISpeaker> speakers = [];
    private readonly long paceNs = (long)(Scheduler.Ms * Math.Pow(10, (random.NextDouble() * 2) - 1.5));
    private readonly int usualPiece = random.Next(3) == 0 ? random.Next(1, 1461) : 1460;
    private bool paused;
    private long sent;
    private long datagrams;

    public Side Side => side;

    public Random Random => random;

    public Dresser Dresser { get; } = new(random, mac ?? [2, 0, 0, 0, 0, (byte)(1 + random.Next(2))]);

    public long NowNs => scheduler.NowNs;

    /// <summary>What this replica's timestamp clock adds to the world's time, in milliseconds modulo 2^32.</summary>
    public uint ClockOffset { get; private set; } = clockOffset;

    /// <summary>The replica's timestamp clock, in milliseconds (RFC 7323 section 5.4).</summary>
    public uint Timestamp => ClockOffset + (uint)(scheduler.NowNs / Scheduler.Ms);

    public IReadOnlyList<ISpeaker> Speakers => speakers;

    public required Action<SentFrame> Out { get; init; }

    /// <summary>A harm has taken effect: from now on the replicas differ in this flow.</summary>
    public required Action<FlowIdentity> NoteHarm { get; init; }

    /// <summary>The replica has accepted a client's RST on the given connection of a flow.</summary>
    public Action<FlowIdentity, int>? NoteReset { get; init; }

    public void Add(ISpeaker speaker)
    {
        speakers.Add(speaker);
        speaker.Wake();
    }

    /// <summary>The delay before the next frame.</summary>
    public long Pace() => random.Next(20) == 0 ? random.NextInt64(10 * paceNs) : random.NextInt64(paceNs);

    public int PieceLength() => random.Next(8) switch
    {
        0 => random.Next(1, 100),
        1 => random.Next(1, largestPiece),
        _ => usualPiece,
    };

    public long NextDatagram() => ((++datagrams) * 2) + (int)side;

    public void Hear(Action what)
    {
        if (paused)
        {
            heardWhilePaused.Enqueue(what);
        }
        else
        {
            what();
        }
    }

    public void Send(SentKind kind, FlowIdentity flow, byte[] bytes, Func<SentFrame, SentFrame> describe) =>
        Out(describe(new SentFrame(++sent, side, flow.Number, kind, bytes)));

    public void Pause() => paused = true;

    public void Resume()
    {
        paused = false;
        while (!paused && heardWhilePaused.TryDequeue(out Action? what))
        {
            what();
        }

        foreach (ISpeaker speaker in speakers)
        {
            speaker.Wake();
        }
    }

    public void CopyFrom(Guest primary)
    {
        ClockOffset = primary.ClockOffset;
        for (int i = 0; i < speakers.Count; i++)
        {
            speakers[i].CopyFrom(primary.speakers[i]);
        }
    }

    public void WakeAt(ISpeaker speaker, long atNs)
    {
        if (atNs == Scheduler.Never || (wakes.TryGetValue(speaker, out long planned) && planned <= atNs && planned > NowNs))
        {
            return;
        }

        wakes[speaker] = atNs;
        scheduler.At(atNs, () =>
        {
            wakes.Remove(speaker);
            if (!paused)
            {
                speaker.Act();
            }
        });
    }
}
