// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <summary>
/// Writes the frames of clients, in the numbers that the world has heard, which are the primary's. Each frame has its own number
/// in a trailer behind the IP packet, which the appliance passes on as it does Ethernet padding (R1), and which no replica reads.
/// </summary>
internal sealed class ClientWriter(Scheduler scheduler)
{
    public const int TrailerBytes = sizeof(long);

    private const int MostSackBlocks = 3;

    private long frames;

    /// <summary>The MAC address of both replicas.</summary>
    public static byte[] GuestMac => [2, 0, 0, 0, 0, 1];

    public static byte[] ClientMac => [2, 0, 0, 0, 0, 99];

    /// <summary>The number of a client's frame.</summary>
    public static long NumberOf(byte[] frame) => BinaryPrimitives.ReadInt64BigEndian(frame.AsSpan(frame.Length - TrailerBytes));

    /// <summary>A client's frame in the numbers of a replica.</summary>
    /// <param name="frame">The frame, in the world's numbers.</param>
    /// <param name="shift">What the replica's sequence numbers are greater than the world's, modulo 2^32.</param>
    /// <param name="echo">The timestamp that the replica is to read as the echo of its own.</param>
    public static byte[] InNumbersOf(SentFrame frame, uint shift, uint echo)
    {
        Segment segment = frame.Packet! with { Options = [.. frame.Packet!.Options] };
        if (!segment.HasAck)
        {
            return frame.Bytes;
        }

        for (int at = 0; at < segment.Options.Length; at += segment.Options[at] == 1 ? 1 : segment.Options[at + 1])
        {
            Span<byte> option = segment.Options.AsSpan(at);
            if (option[0] == 8)
            {
                BinaryPrimitives.WriteUInt32BigEndian(option[6..], echo);
            }

            for (int edge = 2; option[0] == 5 && edge < option[1]; edge += sizeof(uint))
            {
                uint number = BinaryPrimitives.ReadUInt32BigEndian(option[edge..]);
                BinaryPrimitives.WriteUInt32BigEndian(option[edge..], number + shift);
            }
        }

        int error = Checksums.Full(frame.Packet) == frame.Packet.Checksum
            ? 0 : frame.Packet.Checksum - Checksums.Full(frame.Packet) + ushort.MaxValue;
        segment = segment with { Ack = segment.Ack + shift };
        return WithTrailer(segment with { Checksum = Checksums.Plus(Checksums.Full(segment), error) }, frame.Number);
    }

    /// <summary>A segment of a client.</summary>
    public SentFrame Write(FlowIdentity flow, in ClientSegment said)
    {
        TcpScript script = said.Script;
        bool fin = !said.Syn && said.End > said.Start && said.End > script.QuestionsEnd;
        int start = said.Syn ? 1 : said.Start;
        byte[] payload = [.. Enumerable.Range(start, said.End - start - (fin ? 1 : 0)).Select(at => (byte)(at * 7))];
        Segment segment = new(script.ClientIsn + (uint)said.Start, payload)
        {
            Source = flow.Client,
            Destination = flow.Server,
            Vlans = flow.Vlans,
            MacSource = ClientMac,
            MacDestination = GuestMac,
            SourcePort = 40_000,
            DestinationPort = 80,
            HasAck = said.Ack != 0,
            Ack = script.Isn + (uint)said.Ack,
            Syn = said.Syn,
            Fin = fin,
            Rst = said.Rst,
            Window = (ushort)said.Window,
            Options = Options(in said),
        };
        return Number(SentKind.Segment, flow, (Segment)Checksums.WithFull(segment)) with
        {
            Connection = script.Connection,
            Start = start,
            Ack = said.Ack,
            Syn = said.Syn,
            Fin = fin,
            Rst = said.Rst,
            IsBlind = said.IsBlind,
            Payload = payload,
        };
    }

    /// <summary>A request without a connection.</summary>
    public SentFrame WriteRequest(FlowIdentity flow, byte[] payload)
    {
        Packet packet = flow.Sort == FlowSort.Echo
            ? new Other(1, [8, 0, 0x12, 0x34, 0, 7, 0, 1, .. payload])
            : new Datagram(payload) { SourcePort = 40_000, DestinationPort = 53 };
        return Number(SentKind.Datagram, flow, packet with
        {
            Source = flow.Client,
            Destination = flow.Server,
            Vlans = flow.Vlans,
            MacSource = ClientMac,
            MacDestination = GuestMac,
        }) with
        {
            Payload = payload,
        };
    }

    /// <summary>A frame that is no request: broadcast and the like.</summary>
    public SentFrame WriteNoise(FlowIdentity flow, byte[] frame, Concern concern)
    {
        long number = ++frames;
        byte[] trailer = new byte[TrailerBytes];
        BinaryPrimitives.WriteInt64BigEndian(trailer, number);
        return new SentFrame(number, Side.World, flow.Number, SentKind.Passed, [.. frame, .. trailer]) { Concern = concern };
    }

    private SentFrame Number(SentKind kind, FlowIdentity flow, Packet packet)
    {
        long number = ++frames;
        return new SentFrame(number, Side.World, flow.Number, kind, WithTrailer(packet, number)) { Packet = packet as Segment };
    }

    private static byte[] WithTrailer(Packet packet, long number)
    {
        byte[] trailer = new byte[TrailerBytes];
        BinaryPrimitives.WriteInt64BigEndian(trailer, number);
        return [.. packet.Bytes(), .. trailer];
    }

    private byte[] Options(in ClientSegment said)
    {
        TcpScript script = said.Script;
        byte[] options = said.Syn ? [2, 4, 5, 0xB4, 4, 2, 1, 1] : [];
        if (script.HasTimestamps && !said.Rst)
        {
            byte[] timestamps = [1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0];
            BinaryPrimitives.WriteUInt32BigEndian(timestamps.AsSpan(4), (uint)(scheduler.NowNs / Scheduler.Ms));
            BinaryPrimitives.WriteUInt32BigEndian(timestamps.AsSpan(8), said.Echo);
            options = [.. options, .. timestamps];
        }

        if (said.Sacks is not { Count: not 0 } sacks)
        {
            return options;
        }

        int blocks = Math.Min(MostSackBlocks, sacks.Count);
        byte[] sack = [1, 1, 5, (byte)(2 + (8 * blocks)), .. new byte[8 * blocks]];
        for (int i = 0; i < blocks; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(sack.AsSpan(4 + (8 * i)), script.Isn + (uint)sacks[i].Start);
            BinaryPrimitives.WriteUInt32BigEndian(sack.AsSpan(8 + (8 * i)), script.Isn + (uint)sacks[i].End);
        }

        return [.. options, .. sack];
    }
}
