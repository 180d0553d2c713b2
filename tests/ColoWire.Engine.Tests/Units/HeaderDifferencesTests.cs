// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Wire;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

public sealed class HeaderDifferencesTests
{
    private const int FlagsOffset = 20;

    [Test]
    public void What_differs_in_plain_frames_is_counted_in_one_go_as_field_by_field() =>
        Gen.Select(Gen.Bool, Gen.Select(Gen.Int[0, 73], Gen.Byte).List[0, 6]).Sample(
            (tcp, changes) =>
            {
                using FrameArena arena = new(2, 0);
                Packet packet = tcp ? new Segment(1, new byte[9]) { Options = new byte[12] } : new Datagram(new byte[40]);
                FrameView primary = Put(arena, new FrameRef(0), packet.Bytes());
                byte[] bytes = packet.Bytes();
                foreach ((int at, byte value) in changes.Where(c => IsSoft(c.Item1, tcp)))
                {
                    // Of the flags only those that leave the frame whole.
                    bytes[at] = at == FlagsOffset ? (byte)(value & 0xC0) : value;
                }

                FrameView secondary = Put(arena, new FrameRef(1), bytes);
                ref FrameLayout layout = ref primary.Descriptor.Layout;
                Assert.That(HeaderMask.AreAlike(in layout, in secondary.Descriptor.Layout));
                ShardCounters expected = new();
                new HeaderDifferences(arena, expected, []).Count(primary.Reference, secondary.Reference);
                ShardCounters counters = new();
                ulong differing = HeaderMask.Of(in primary.First, in secondary.First, layout.PayloadOffset);
                Assert.That(new HeaderDifferences(arena, counters, []).TryCount(differing, primary, secondary));
                Assert.That(counters.Soft.ToArray(), Is.EqualTo(expected.Soft.ToArray()));
            },
            iter: 5_000);

    [Test]
    public void Where_a_field_is_strict_nothing_is_counted_in_one_go()
    {
        using FrameArena arena = new(2, 0);
        FrameView primary = Put(arena, new FrameRef(0), new Segment(1, [1]).Bytes());
        FrameView secondary = Put(arena, new FrameRef(1), new Segment(1, [1]) { Ttl = 3 }.Bytes());
        ShardCounters counters = new();
        Assert.That(new HeaderDifferences(arena, counters, [SoftField.Mac]).TryCount(ulong.MaxValue, primary, secondary), Is.False);
        Assert.That(counters.Soft.ToArray(), Is.All.Zero);
    }

    /// <summary>Neither what makes a frame plain and its flow, nor what places a segment in its stream.</summary>
    private static bool IsSoft(int at, bool tcp) =>
        at is < 12 or 15 or 18 or 19 or FlagsOffset or 22 or 24 or 25 || (tcp ? at is >= 48 and < 66 : at is 40 or 41);

    private static FrameView Put(FrameArena arena, FrameRef slot, byte[] bytes)
    {
        bytes.CopyTo(arena.SlotBytes(slot));
        arena[slot] = new Frame { Length = bytes.Length };
        FrameParser.Parse(bytes, out arena[slot].Layout);
        return arena.View(slot);
    }
}
