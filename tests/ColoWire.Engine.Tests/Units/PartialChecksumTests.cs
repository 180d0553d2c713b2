// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Wire;
using CsCheck;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Checksums;

namespace ColoWire.Engine.Tests.Units;

public sealed class PartialChecksumTests
{
    private const byte Tcp = 6;
    private const byte HopByHop = 0;
    private const byte Routing = 43;
    private const byte DestinationOptions = 60;

    private static readonly Gen<Packet> Packets =
        from tcp in Gen.Bool
        from isIpv6 in Gen.Bool
        from addresses in Gen.Byte.Array[32]
        from tags in Gen.UShort.Array[0, 2]
        from options in Gen.Int[0, 3]
        from payload in Gen.Frequency((9, Gen.Byte.Array[0, 200]), (1, Gen.Byte.Array[0, 9000]))
        from pad in Gen.Int[0, 100]
        select (tcp ? new Segment(7, payload) { Options = new byte[options * 4] } : (Packet)new Datagram(payload)) with
        {
            Source = addresses[..(isIpv6 ? 16 : 4)],
            Destination = addresses[16..(isIpv6 ? 32 : 20)],
            Vlans = tags,
            IpOptions = isIpv6 ? [] : new byte[(3 - options) * 4],
            PadTo = pad,
        };

    private static readonly byte[] Extensions = [HopByHop, Routing, DestinationOptions];

    private static readonly object[] Chains =
    [
        new object[] { "hop by hop", HopByHop, new byte[] { Tcp, 0, 5, 2, 0, 0, 1, 0 }, true },
        new object[] { "destination options, padding", DestinationOptions, new byte[] { Tcp, 0, 1, 4, 0, 0, 0, 0 }, true },
        new object[] { "destination options, padding byte by byte", DestinationOptions, new byte[] { Tcp, 0, 0, 0, 0, 0, 0, 0 }, true },
        new object[] { "destination options, one that is longer than all", DestinationOptions, new byte[] { Tcp, 0, 1, 99, 0xC9, 0, 0, 0 }, true },
        new object[] { "destination options, cut off at the end", DestinationOptions, new byte[] { Tcp, 0, 1, 3, 0, 0, 0, 5 }, true },
        new object[] { "destination options, home address", DestinationOptions, Chain(Tcp, 2, 1, 2, 0, 0, 0xC9, 16), false },
        new object[] { "routing header of type 0", Routing, Chain(Tcp, 2, 0, 1), false },
        new object[] { "routing header of type 2", Routing, Chain(Tcp, 2, 2, 1), false },
        new object[] { "routing header of type 4", Routing, Chain(Tcp, 2, 4, 1), false },
        new object[] { "routing header behind hop by hop", HopByHop, (byte[])[Routing, 0, 5, 2, 0, 0, 1, 0, .. Chain(Tcp, 2, 4, 1)], false },
    ];

    [Test]
    public void What_a_guest_left_to_its_NIC_becomes_what_a_NIC_would_have_sent() => Packets.Sample(packet =>
    {
        byte[] frame = WithPartial(packet).Bytes();
        byte[] full = WithFull(packet).Bytes();
        bool isToChange = !frame.AsSpan().SequenceEqual(full);
        Assert.That(Complete(frame), Is.EqualTo(isToChange));
        Assert.That(frame, Is.EqualTo(full), "only the checksum has changed");
        Assert.That(Complete(frame), Is.False, "a complete checksum is not completed again");
    });

    [Test]
    public void A_full_checksum_stays_and_so_does_any_other_that_is_not_partial() =>
        Gen.Select(Packets, Gen.UShort).Sample((packet, other) =>
        {
            AssertLeft(WithFull(packet).Bytes());
            if (other != Partial(packet))
            {
                AssertLeft(With(packet, other).Bytes());
            }
        });

    [Test]
    public void A_full_checksum_that_looks_partial_by_chance_stays_and_is_not_counted() =>
        // 0xFFFF and 0 are equal to a receiver (RFC 1071), and a computed TCP checksum is never 0xFFFF.
        Packets.Where(HasPayload).Where(packet => Partial(packet) != 0xFFFF).Sample(packet =>
        {
            Packet chance = FillSoThatFullIs(packet, Partial);
            Assert.That(Full(chance), Is.EqualTo(Partial(chance)), "the complete checksum equals the partial one by chance");
            AssertLeft(WithFull(chance).Bytes());
        });

    [Test]
    public void A_UDP_checksum_that_comes_to_zero_becomes_all_ones_and_one_of_TCP_does_not() =>
        Packets.Where(HasPayload).Sample(packet =>
        {
            Packet zero = FillSoThatFullIs(packet, _ => 0);
            byte[] frame = WithPartial(zero).Bytes();
            Complete(frame);
            Assert.That(frame, Is.EqualTo(With(zero, zero is Datagram ? (ushort)0xFFFF : (ushort)0).Bytes()));
        });

    [Test]
    public void UDP_without_a_checksum_stays_without() => Packets.Sample(packet => AssertLeft(With(packet, 0).Bytes()));

    [TestCaseSource(nameof(Chains))]
    public void Behind_extension_headers_it_is_found_unless_the_sum_may_be_of_other_addresses(
        string what, int first, byte[] chain, bool isFound)
    {
        Segment segment = new(1, [1, 2, 3]) { Source = Address(0x20), Destination = Address(0x30) };
        byte[] frame = Insert((byte)first, chain, WithPartial(segment));
        byte[] full = Insert((byte)first, chain, WithFull(segment));
        byte[] expected = isFound ? full : [.. frame];
        Assert.That(Complete(frame), Is.EqualTo(isFound), what);
        Assert.That(frame, Is.EqualTo(expected));
    }

    [Test]
    public void Fragments_and_what_is_no_TCP_or_UDP_stay()
    {
        byte[] fragment = WithPartial(new Datagram("hello")).Bytes();
        fragment[20] = 0x20;
        AssertLeft(fragment);
        byte[] malformed = WithPartial(new Segment(1, [])).Bytes();
        malformed[14 + 20 + 12] = 0xF0;
        AssertLeft(malformed);
        // A GRE packet whose bytes are those of a segment.
        AssertLeft(new Other(47, WithPartial(new Segment(1, [])).Bytes()[34..]).Bytes());
    }

    [Test]
    public void The_quick_look_at_regular_frames_finds_what_the_thorough_one_completes()
    {
        using FrameBench bench = new();
        Gen.Select(Packets.Where(packet => packet.Bytes().Length <= EngineLimits.SmallSlotBytes), Gen.Int[0, 2]).Sample(
            (packet, which) =>
            {
                Packet sent = which switch { 0 => WithPartial(packet), 1 => WithFull(packet), _ => With(packet, 0) };
                bool looksPartial = sent.Equals(WithPartial(packet));
                FrameView view = bench.View(sent);
                bool isRegular = view.Descriptor.Layout.IsRegular;
                Assert.That(isRegular && PartialChecksum.IsInRegular(in view.Descriptor.Layout, in view.First), Is.EqualTo(isRegular && looksPartial));
            },
            threads: 1);
    }

    [Test]
    public void Whatever_the_bytes_it_never_throws() =>
        Gen.Select(Packets, Gen.Select(Gen.Int[0, 120], Gen.Byte).List[0, 6], Gen.Int[0, 200], Gen.Int[0, 2]).Sample(
            (packet, changes, cut, next) =>
            {
                byte[] frame = packet.Source.Length == 16 ? Insert(Extensions[next], new byte[16], WithPartial(packet)) : WithPartial(packet).Bytes();
                foreach ((int at, byte value) in changes)
                {
                    frame[at % frame.Length] = value;
                }

                Complete(frame[..Math.Min(cut, frame.Length)]);
            },
            iter: 20_000);

    private static bool Complete(byte[] frame)
    {
        FrameParser.Parse(frame, out FrameLayout layout);
        return PartialChecksum.TryComplete(frame, in layout);
    }

    private static void AssertLeft(byte[] frame)
    {
        byte[] before = [.. frame];
        Assert.That(Complete(frame), Is.False);
        Assert.That(frame, Is.EqualTo(before));
    }

    private static bool HasPayload(Packet packet) => PayloadOf(packet).Length >= 2;

    private static byte[] PayloadOf(Packet packet) => packet is Segment segment ? segment.Payload : ((Datagram)packet).Payload;

    /// <summary>The packet, with the first word of its payload chosen so that its checksum has a given value.</summary>
    private static Packet FillSoThatFullIs(Packet packet, Func<Packet, ushort> wanted)
    {
        byte[] payload = [0, 0, .. PayloadOf(packet)[2..]];
        Packet empty = packet is Segment segment ? segment with { Payload = payload } : ((Datagram)packet) with { Payload = payload };
        // The word that is the difference between the sum so far and the complement of the wanted checksum.
        ushort there = (ushort)~Full(empty);
        int word = (0xFFFF - wanted(empty) - there + (2 * 0xFFFF)) % 0xFFFF;
        (payload[0], payload[1]) = ((byte)(word >> 8), (byte)word);
        return empty;
    }

    private static byte[] Insert(byte first, byte[] chain, Packet packet)
    {
        int network = 14 + (4 * packet.Vlans.Length);
        byte[] frame = (packet with { PadTo = 0 }).Bytes();
        int length = frame.Length - network - 40 + chain.Length;
        frame[network + 6] = first;
        (frame[network + 4], frame[network + 5]) = ((byte)(length >> 8), (byte)length);
        return [.. frame[..(network + 40)], .. chain, .. frame[(network + 40)..]];
    }

    private static byte[] Chain(params byte[] beginning) => [.. beginning, .. new byte[24 - beginning.Length]];

    private static byte[] Address(byte first) => [.. Enumerable.Range(first, 16).Select(number => (byte)number)];
}
