// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Wire;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

/// <summary>Compares the counter for each bit of each header with a table of the headers' fields.</summary>
public sealed class HeaderDifferencesTests
{
    private static readonly byte[] Ipv6Address = [0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    [Test]
    public void A_bit_that_differs_is_counted_as_its_field(
        [Values] bool tcp, [Values] bool ipv6, [Values] bool options, [Values(0, 1, 2)] int tags)
    {
        byte[] clean = PacketOf(tcp, ipv6, options, tags).Bytes();
        using FrameArena arena = new(2, 0);
        FrameView primary = Put(arena, new FrameRef(0), clean);
        for (int bit = 0; bit < primary.Descriptor.Layout.PayloadOffset * 8; bit++)
        {
            byte[] changed = [.. clean];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            FrameView secondary = Put(arena, new FrameRef(1), changed);
            // The test does not check how the changed bit affects the rest of the frame.
            secondary.Descriptor.Layout = primary.Descriptor.Layout;
            ToleratedField? expected = FieldOf(in primary.Descriptor.Layout, bit / 8, (byte)(1 << (bit % 8)));
            ShardCounters counted = new();
            new HeaderDifferences(arena, counted, []).Count(primary.Reference, secondary.Reference);
            Assert.That(CountedIn(counted), Is.EqualTo(expected is { } field ? [field] : Array.Empty<ToleratedField>()), $"bit {bit}");
            ShardCounters countedInOne = new();
            Assert.That(new HeaderDifferences(arena, countedInOne, []).TryCount(primary, secondary));
            Assert.That(countedInOne.Tolerated.ToArray(), Is.EqualTo(counted.Tolerated.ToArray()), $"bit {bit}");
        }
    }

    [TestCase(0, 5, new[] { ToleratedField.Window, ToleratedField.ZeroWindow })]
    [TestCase(5, 0, new[] { ToleratedField.Window })]
    public void A_window_of_zero_on_the_primary_alone_is_counted_twice(int primaryWindow, int secondaryWindow, ToleratedField[] expected)
    {
        using FrameArena arena = new(2, 0);
        FrameView primary = Put(arena, new FrameRef(0), new Segment(1, [1]) { Window = (ushort)primaryWindow }.Bytes());
        FrameView secondary = Put(arena, new FrameRef(1), new Segment(1, [1]) { Window = (ushort)secondaryWindow }.Bytes());
        ShardCounters counters = new();
        Assert.That(new HeaderDifferences(arena, counters, []).TryCount(primary, secondary));
        Assert.That(CountedIn(counters), Is.EqualTo(expected));
    }

    [Test]
    public void Checksums_of_segments_of_different_length_say_nothing_and_options_of_different_length_differ()
    {
        using FrameArena arena = new(2, 0);
        FrameView primary = Put(arena, new FrameRef(0), new Segment(1, [1, 2]) { Checksum = 1, Options = new byte[4] }.Bytes());
        FrameView secondary = Put(arena, new FrameRef(1), new Segment(1, [1]) { Checksum = 2, Options = new byte[8] }.Bytes());
        ShardCounters counters = new();
        Assert.That(new HeaderDifferences(arena, counters, []).Count(primary.Reference, secondary.Reference), Is.Null);
        Assert.That(CountedIn(counters), Is.EqualTo([ToleratedField.TcpOptions]));
    }

    [TestCase(ToleratedField.Ttl, false)]
    [TestCase(ToleratedField.Mac, true)]
    public void Where_a_field_that_differs_is_strict_nothing_is_counted_in_one_go(ToleratedField strict, bool counts)
    {
        using FrameArena arena = new(2, 0);
        FrameView primary = Put(arena, new FrameRef(0), new Segment(1, [1]).Bytes());
        FrameView secondary = Put(arena, new FrameRef(1), new Segment(1, [1]) { Ttl = 3 }.Bytes());
        ShardCounters counters = new();
        Assert.That(new HeaderDifferences(arena, counters, [strict]).TryCount(primary, secondary), Is.EqualTo(counts));
        Assert.That(CountedIn(counters), Is.EqualTo(counts ? [ToleratedField.Ttl] : Array.Empty<ToleratedField>()));
        ToleratedField? promoted = new HeaderDifferences(arena, counters, [strict]).Count(primary.Reference, secondary.Reference);
        Assert.That(promoted, Is.EqualTo(counts ? null : strict));
    }

    private static Packet PacketOf(bool tcp, bool ipv6, bool options, int tags)
    {
        Packet packet = tcp ? new Segment(1, new byte[9]) { Options = new byte[options ? 12 : 0] } : new Datagram(new byte[9]);
        packet = packet with { Vlans = [.. Enumerable.Range(1, tags).Select(id => (ushort)id)] };
        return ipv6
            ? packet with { Source = Ipv6Address, Destination = Ipv6Address }
            : packet with { IpOptions = new byte[options ? 4 : 0] };
    }

    private static ToleratedField? FieldOf(in FrameLayout layout, int at, byte bit)
    {
        if (at < layout.NetworkOffset)
        {
            return ToleratedField.Mac;
        }

        if (at < layout.TransportOffset)
        {
            return layout.IpVersion == 4 ? FieldOfIpv4(at - layout.NetworkOffset, bit) : FieldOfIpv6(at - layout.NetworkOffset, bit);
        }

        return layout.Kind == FrameKind.Tcp
            ? FieldOfTcp(at - layout.TransportOffset, bit)
            : at - layout.TransportOffset is 6 or 7 ? ToleratedField.Checksum : null;
    }

    private static ToleratedField? FieldOfIpv4(int at, byte bit) => at switch
    {
        1 => ToleratedField.TrafficClass,
        4 or 5 => ToleratedField.IpId,
        6 when bit == 0x40 => ToleratedField.DontFragment,
        8 => ToleratedField.Ttl,
        >= 20 => ToleratedField.IpOptions,
        _ => null,
    };

    private static ToleratedField? FieldOfIpv6(int at, byte bit) => at switch
    {
        0 when bit < 0x10 => ToleratedField.TrafficClass,
        1 when bit >= 0x10 => ToleratedField.TrafficClass,
        1 or 2 or 3 => ToleratedField.IpId,
        7 => ToleratedField.Ttl,
        _ => null,
    };

    private static ToleratedField? FieldOfTcp(int at, byte bit) => at switch
    {
        13 when bit == 0x08 => ToleratedField.Push,
        13 when bit == 0x20 => ToleratedField.Urgent,
        14 or 15 => ToleratedField.Window,
        16 or 17 => ToleratedField.Checksum,
        18 or 19 => ToleratedField.Urgent,
        >= 20 => ToleratedField.TcpOptions,
        _ => null,
    };

    private static ToleratedField[] CountedIn(ShardCounters counters)
    {
        long[] soft = counters.Tolerated.ToArray();
        return [.. Enum.GetValues<ToleratedField>().Where(field => soft[(int)field] != 0)];
    }

    private static FrameView Put(FrameArena arena, FrameRef slot, byte[] bytes)
    {
        bytes.CopyTo(arena.SlotBytes(slot));
        arena[slot] = new Frame { Length = bytes.Length };
        FrameParser.Parse(bytes, out arena[slot].Layout);
        return arena.View(slot);
    }
}
