// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Compare;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

public sealed class HeaderMaskTests
{
    [Test]
    public void A_difference_in_any_byte_of_the_headers_is_seen_and_none_behind_them([Values(42, 54, 63, 64, 65, 66, 94)] int length)
    {
        byte[] left = new byte[128];
        for (int at = 0; at < left.Length; at++)
        {
            byte[] right = [.. left];
            right[at] = 0x80;
            ulong expected = at >= length ? 0 : 1UL << int.Min(at, 63);
            Assert.That(HeaderMask.Of(in left[0], in right[0], length), Is.EqualTo(expected), $"byte {at}");
        }
    }

    [Test]
    public void Frames_are_alike_when_they_are_plain_and_their_layers_lie_in_the_same_places()
    {
        Segment one = new(1, [1, 2]);
        (Packet Other, bool Alike)[] rows =
        [
            (one with { Sequence = 9 }, true), (one with { Options = new byte[4] }, false), (new Segment(1, [1]), false),
            (new Datagram(new byte[14]), false), (one with { Vlans = [1] }, false),
        ];
        foreach ((Packet other, bool alike) in rows)
        {
            using FrameBench left = new();
            using FrameBench right = new();
            FrameView ours = left.View(one);
            FrameView theirs = right.View(other);
            Assert.That(
                HeaderMask.AreAlike(in ours.Descriptor.Layout, in theirs.Descriptor.Layout), Is.EqualTo(alike), other.ToString());
        }
    }

    [Test]
    public void Frames_with_tags_are_never_alike_because_they_are_not_plain()
    {
        using FrameBench bench = new();
        FrameView tagged = bench.View(new Segment(1, [1]) { Vlans = [1] });
        Assert.That(HeaderMask.AreAlike(in tagged.Descriptor.Layout, in tagged.Descriptor.Layout), Is.False);
    }
}
