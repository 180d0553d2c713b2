// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;
using ColoWire.Fuzz.Cases;

namespace ColoWire.Fuzz.Generating;

/// <summary>
/// Writes the steps of one case: several connections run concurrently, the frames of each side wait in a queue (the wire) and
/// leave it more or less in order; in between the clock advances, duties are polled and events happen.
/// </summary>
internal sealed class Script
{
    private static readonly byte[] Protocols = [1, 2, 47, 50, 51, 58, 132, 255];

    private readonly Dice dice;
    private readonly FuzzCase made;
    private readonly Corpus corpus;
    private readonly FrameWriter writer;
    private readonly Mutator mutator;
    private readonly List<TcpTalk> talks = [];
    private readonly List<Piece> pieces = [];
    private readonly ClientTalk clients;
    private readonly List<Piece>[] wires = [[], [], []];
    private CorpusReader? replay;
    private int frames;

    /// <summary>Starts an empty case.</summary>
    /// <param name="dice">The source of random numbers.</param>
    /// <param name="made">The case.</param>
    /// <param name="corpus">Captures to take frames from.</param>
    /// <param name="bytes">Memory for the frames; a larger array replaces it when it is full.</param>
    public Script(Dice dice, FuzzCase made, Corpus corpus, byte[] bytes)
    {
        this.dice = dice;
        this.made = made;
        this.corpus = corpus;
        writer = new FrameWriter(dice, bytes);
        mutator = new Mutator(dice, writer);
        clients = new ClientTalk(dice, writer, mutator);
    }

    /// <summary>Whether the secondary sends each frame that the primary sends, in the same order.</summary>
    public bool IsAlike { get; init; }

    /// <summary>Whether no datagram is fragmented.</summary>
    public bool IsWhole { get; init; }

    /// <summary>One frame in this number is followed by an event; 0 for none. The other rarities count in the same way.</summary>
    public int EventRarity { get; init; }

    public int MutationRarity { get; init; }

    /// <summary>Rarity of frames of clients, counted in segments of the guest.</summary>
    public int ClientRarity { get; init; }

    /// <summary>Rarity of frames of which one side has changed a byte.</summary>
    public int LieRarity { get; init; }

    /// <summary>Rarity of frames that one side never sends.</summary>
    public int LossRarity { get; init; }

    /// <summary>How many frames a frame may overtake.</summary>
    public int Disorder { get; init; }

    /// <summary>One in this number of segments is of a kind that no conforming stack sends.</summary>
    public int Wildness { get; init; }

    public long LongestPauseNs { get; init; }

    public int PollRarity { get; init; }

    /// <summary>Number of ports from which those of a flow are drawn.</summary>
    public int Variety { get; init; }

    /// <summary>How many frames one side may be behind the other.</summary>
    public int Lag { get; init; }

    /// <summary>Largest payload of most frames, in bytes.</summary>
    public int LargestBytes { get; init; }

    public void Run(int count)
    {
        bool usesCorpus = !IsWhole && dice.OneIn(4);
        int kinds = dice.Between(1, 16);
        while (frames < count)
        {
            int kind = dice.Below(16);
            if (usesCorpus && dice.OneIn(2))
            {
                Replay();
            }
            else if (kind >= kinds && kinds < 12)
            {
                Stream();
            }
            else
            {
                Say(kind);
            }

            Deliver();
        }

        for (int side = 0; side < wires.Length; side++)
        {
            while (wires[side].Count != 0)
            {
                Arrive(side);
                Between();
            }
        }

        made.Steps.Add(Step.Of(StepKind.Poll));
        made.Bytes = writer.Bytes;
    }

    private void Say(int kind)
    {
        switch (kind)
        {
            case < 8:
                Stream();
                break;
            case < 11:
                Route route = Route.Draw(dice, Variety);
                Send(writer.Udp(route, (uint)dice.Below(40), dice.LogBetween(0, LargestBytes)), route);
                break;
            case 11:
                Route other = Route.Draw(dice, Variety);
                Send(writer.Other(other, dice.Pick<byte>(Protocols), (uint)dice.Below(40), dice.LogBetween(0, 100)), other);
                break;
            case 12 or 13 when !IsWhole:
                Fragments();
                break;
            case 14:
                Send(
                    writer.Ethernet(dice.Pick<ushort>([0x0806, 0x88CC, 0x8847, 0x0100, 0x86DD, 0x0800, 0x9100, 0x8100]), 1,
                        dice.Below(100)), null);
                break;
            default:
                Rare();
                break;
        }
    }

    /// <summary>Sends frames of the greatest length, and random bytes of any length.</summary>
    private void Rare()
    {
        Route route = Route.Draw(dice, Variety);
        switch (dice.Below(4))
        {
            case 0 when dice.OneIn(3):
                Send(writer.Udp(route, (uint)dice.Below(4), dice.Between(1400, 65_000)), route);
                break;
            case 1 when dice.OneIn(3):
                TcpTalk talk = Talk();
                SegmentText text = talk.Say();
                Send(writer.Tcp(talk.Route, text with { PayloadLength = dice.Between(1400, 60_000) }), talk.Route);
                break;
            case 2:
                Span<byte> room = writer.Room[..dice.LogBetween(0, 200)];
                dice.Fill(room);
                Send(writer.Copy(room), null);
                break;
            default:
                Stream();
                break;
        }
    }

    private void Stream()
    {
        TcpTalk talk = Talk();
        SegmentText text = talk.Say();
        if (dice.OneIn(ClientRarity))
        {
            wires[2].AddRange(clients.Say(talk));
            frames++;
        }

        if (IsAlike || talk.SecondaryLead == 0)
        {
            Send(writer.Tcp(talk.Route, text), talk.Route, text);
            return;
        }

        Queue(0, writer.Tcp(talk.Route, text));
        Queue(1, writer.Tcp(talk.Route, text with { Sequence = text.Sequence + talk.SecondaryLead }));
    }

    private TcpTalk Talk()
    {
        int most = Math.Min(Variety, 24);
        if (talks.Count < most)
        {
            talks.Add(new TcpTalk(dice, Route.Draw(dice, Variety), Wildness, LargestBytes));
            return talks[^1];
        }

        return talks[dice.Below(most)];
    }

    /// <summary>Sends whole datagrams in fragments, with different cuts on each side, and fragments that belong to no valid
    /// datagram.</summary>
    private void Fragments()
    {
        Route route = Route.Draw(dice, Math.Min(Variety, 4));
        route = new Route
        {
            IsV6 = route.IsV6,
            Vlans = route.Vlans,
            Source = route.Source,
            Destination = route.Destination,
            SourcePort = 80,
            DestinationPort = 90,
        };
        if (dice.OneIn(3))
        {
            bool isFar = dice.OneIn(8);
            int start = isFar ? dice.Between(0, 65_535) : 8 * dice.Below(6);
            int length = dice.OneIn(4) ? dice.Below(64) : 8 * dice.Below(8);
            Send(
                writer.OddFragment(route, (uint)dice.Below(4), start, length, dice.OneIn(2), dice.Pick<byte>([6, 17]),
                    (uint)dice.Below(2)), null);
            return;
        }

        Piece whole = dice.OneIn(4)
            ? writer.Tcp(route, Talk().Say() with { PayloadLength = dice.LogBetween(1, 3000) })
            : writer.Udp(route, (uint)dice.Below(40), dice.OneIn(40) ? dice.Between(3000, 60_000) : dice.LogBetween(1, 3000));
        for (int side = 0; side < 2; side++)
        {
            pieces.Clear();
            int largest = dice.LogBetween(whole.Length > 4000 ? 1000 : 8, 1480);
            writer.Fragment(whole, route, (uint)dice.Below(6), largest, pieces);
            foreach (Piece piece in pieces.ToArray())
            {
                if (IsAlike)
                {
                    Send(piece, null);
                }
                else if (!dice.OneIn(LossRarity))
                {
                    Queue(side, piece);
                }
            }

            if (IsAlike)
            {
                break;
            }
        }
    }

    /// <summary>Sends the next frames of two captured replicas.</summary>
    private void Replay()
    {
        replay ??= corpus.Open(dice);
        (byte[]? primary, byte[]? secondary) = replay.Next();
        if (primary is not null)
        {
            Piece piece = writer.Copy(primary);
            if (IsAlike)
            {
                Send(piece, null);
                return;
            }

            Queue(0, piece);
        }

        if (secondary is not null && !IsAlike)
        {
            Queue(1, writer.Copy(secondary));
        }
    }

    private void Send(Piece piece, Route? route) => Send(piece, route, null);

    private void Send(Piece piece, Route? route, SegmentText? text)
    {
        if (IsAlike)
        {
            Piece said = dice.OneIn(MutationRarity) ? mutator.Change(piece) : piece;
            wires[0].Add(said);
            wires[1].Add(said);
            frames += 2;
            return;
        }

        bool primaryIsLost = dice.OneIn(LossRarity);
        bool secondaryIsLost = dice.OneIn(LossRarity);
        if (!primaryIsLost)
        {
            Queue(0, piece);
        }

        if (secondaryIsLost)
        {
            return;
        }

        if (route is not null && text is { PayloadLength: > 1 } whole && dice.OneIn(4))
        {
            SendCut(route, whole);
        }
        else
        {
            Queue(1, dice.OneIn(LieRarity) ? mutator.Change(piece) : piece);
        }
    }

    /// <summary>The secondary sends the same bytes in two segments.</summary>
    private void SendCut(Route route, SegmentText whole)
    {
        int first = dice.Between(1, whole.PayloadLength - 1);
        uint syn = (whole.Flags & Tcp.Syn) != 0 ? 1u : 0;
        Queue(1, writer.Tcp(route, whole with { PayloadLength = first, Flags = (byte)(whole.Flags & ~(Tcp.Fin | Tcp.Rst)) }));
        Queue(1, writer.Tcp(route, whole with
        {
            Sequence = whole.Sequence + syn + (uint)first,
            PayloadLength = whole.PayloadLength - first,
            Flags = (byte)(whole.Flags & ~Tcp.Syn),
        }));
    }

    private void Queue(int side, Piece piece)
    {
        wires[side].Add(dice.OneIn(MutationRarity) ? mutator.Change(piece) : piece);
        frames++;
    }

    private void Deliver()
    {
        // Where both sides send the same frames the primary is ahead most of the time; elsewhere either side may be ahead.
        while (wires[0].Count > (IsAlike ? 0 : dice.Below(Lag + 1)))
        {
            Arrive(0);
            Between();
        }

        while (wires[1].Count > dice.Below(Lag + 1))
        {
            Arrive(1);
            Between();
        }

        while (wires[2].Count != 0 && !dice.OneIn(3))
        {
            Arrive(2);
            Between();
        }
    }

    private void Arrive(int side)
    {
        List<Piece> wire = wires[side];
        int which = Disorder == 0 || !dice.OneIn(3) ? 0 : dice.Below(Math.Min(wire.Count, Disorder + 1));
        Piece piece = wire[which];
        wire.RemoveAt(which);
        int vnetBytes = made.Shape.VnetBytes((Side)side);
        if (vnetBytes != 0 && !dice.OneIn(200))
        {
            Span<byte> room = writer.Room[..(vnetBytes + piece.Length)];
            room[..vnetBytes].Clear();
            writer.Bytes.AsSpan(piece.Offset, piece.Length).CopyTo(room[vnetBytes..]);
            piece = writer.Copy(room);
        }

        made.Steps.Add(Step.Frame((Side)side, PipelineOf(piece), piece.Offset, piece.Length));
    }

    /// <summary>A NIC's hash steers all frames of a flow to one queue (RSS); now and then its indirection table
    /// changes.</summary>
    private int PipelineOf(Piece piece)
    {
        if (made.Shape.Pipelines == 1)
        {
            return 0;
        }

        uint hash = 0;
        ReadOnlySpan<byte> frame = writer.Bytes.AsSpan(piece.Offset, piece.Length);
        foreach (byte part in frame.Length > 44 ? frame[(frame.Length > 60 ? 30 : 26)..38] : frame)
        {
            hash = (hash * 31) + part;
        }

        return dice.OneIn(500) ? dice.Below(made.Shape.Pipelines) : (int)(hash % (uint)made.Shape.Pipelines);
    }

    private void Between()
    {
        if (dice.OneIn(PollRarity))
        {
            made.Steps.Add(dice.OneIn(4) && !IsAlike ? Step.Of(StepKind.PollDuty, dice.Below(64)) : Step.Of(StepKind.Poll));
        }

        if (dice.OneIn(3))
        {
            made.Steps.Add(Step.Of(StepKind.Advance, 1 + dice.Below((int)Math.Min(LongestPauseNs, int.MaxValue - 2))));
        }

        if (dice.OneIn(EventRarity))
        {
            Happen();
        }
    }

    private void Happen()
    {
        Event happening = (Event)dice.Below(Enum.GetValues<Event>().Length);
        bool isForGood = happening is Event.FailOverToPrimary or Event.FailOverToSecondary;
        if (isForGood && !dice.OneIn(20))
        {
            happening = Event.CheckpointCompleted;
        }

        made.Steps.Add(
            dice.OneIn(12) ? Step.Of(StepKind.OutputLimit, dice.OneIn(2) ? int.MaxValue : dice.Below(4)) : Step.Of(happening));
    }
}
