// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>The frames of one connection between a client and the guest, and the steps that open it. The secondary's numbers are
/// 1000 lower than the primary's.</summary>
public static class ClientWords
{
    public const uint Lower = 1000;

    public static byte[] GuestMac { get; } = [2, 0, 0, 0, 0, 1];
    public static byte[] ClientMac { get; } = [2, 0, 0, 0, 0, 99];
    public static Segment Syn { get; } = Client(4999, 0) with { Syn = true, HasAck = false };
    public static Segment SynAck { get; } = new(2000, []) { Syn = true };
    public static Segment Ack { get; } = Client(5000, 2001);
    public static Segment Request { get; } = Client(5000, 2001, 'R');
    public static Segment Answer { get; } = new(2001, Fill('A')) { Ack = 5100 };
    public static Segment LastAnswer { get; } = new(2001, Fill('A')) { Ack = 5101, Fin = true };
    public static Segment LateReset { get; } = new(2102, []) { Rst = true, HasAck = false, Ack = 0 };
    public static Segment Reset { get; } = Client(5100, 2001) with { Rst = true };
    public static Segment GuestSyn { get; } = new(2000, []) { Syn = true, HasAck = false, Ack = 0 };

    /// <summary>A client opens a connection, and both replicas answer.</summary>
    public static Action<TestBench>[] Opened { get; } = [W(Syn), P(SynAck), S(ToSecondary(SynAck)), W(Ack)];

    public static Segment Client(uint sequence, uint ack, char? letter = null) => (Segment)Checksums.WithFull(
        new Segment(sequence, letter is { } fill ? Fill(fill) : [])
        {
            Ack = ack,
            Source = [10, 0, 0, 99],
            Destination = [10, 0, 0, 1],
            SourcePort = 40000,
            DestinationPort = 80,
            MacSource = ClientMac,
            MacDestination = GuestMac,
        });

    /// <summary>A segment of the secondary, or a client's segment as the secondary receives it.</summary>
    public static Segment ToSecondary(Segment segment)
    {
        bool isClient = segment.DestinationPort == 80;
        Segment translated = isClient
            ? segment with { Ack = segment.HasAck ? segment.Ack - Lower : segment.Ack }
            : segment with { Sequence = segment.Sequence - Lower };
        return isClient ? (Segment)Checksums.WithFull(translated) : translated;
    }

    public static Segment Sack(uint from, uint end) => (Segment)Checksums.WithFull(Ack with
    {
        Options =
        [
            1, 1, 5, 10, .. BigEndian(from), .. BigEndian(end),
        ],
    });

    public static Segment Stamped(Segment segment, uint value, uint echo)
    {
        Segment stamped = segment with { Options = [1, 1, 8, 10, .. BigEndian(value), .. BigEndian(echo)] };
        return segment.DestinationPort == 80 ? (Segment)Checksums.WithFull(stamped) : stamped;
    }

    public static byte[] BigEndian(uint value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    /// <summary>The sum of a count of clients' frames over all shards.</summary>
    public static Action<TestBench> Counted(InboundCount count, long expected) => bench =>
        Assert.That(bench.Path.Shards.Sum(shard => shard.Inbound![count]), Is.EqualTo(expected), $"{count}");

    /// <summary>The secondary has received exactly these frames since the start: what clients have sent.</summary>
    public static Action<TestBench> BytesToS(params byte[][] frames) => bench => Assert.That(
        bench.ToSecondary.Frames.Select(Convert.ToHexString), Is.EqualTo(frames.Select(Convert.ToHexString)), "to the secondary");

    /// <summary>A client sends frames that are given as bytes.</summary>
    public static Action<TestBench> WorldBytes(params byte[][] frames) => bench => Array.ForEach(frames, bench.SendWorld);
}
