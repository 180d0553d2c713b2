// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Wire;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

public sealed class FrameParserTests
{
    private static readonly Packet[] Seeds =
    [
        new Segment(1, new byte[40]) { Options = [1, 1, 1, 1] },
        new Segment(1, new byte[40]) { Source = new byte[16], Destination = new byte[16], Vlans = [5] },
        new Datagram("hello") { Vlans = [7, 8], IpOptions = [1, 1, 1, 1] },
        new Echo(1, 2, new byte[56]),
        new Other(60, [6, 0, 1, 4, 0, 0, 0, 0, .. new byte[20]]) { Source = new byte[16], Destination = new byte[16] },
        new Other(44, [17, 0, 0, 1, 0, 0, 0, 9, .. new byte[20]]) { Source = new byte[16], Destination = new byte[16] },
    ];

    private static readonly object[] Layouts =
    [
        new object[] { new Segment(1, new byte[7]), FrameKind.Tcp, 54, 7 },
        new object[] { new Segment(1, new byte[7]) { Options = new byte[12], PadTo = 90 }, FrameKind.Tcp, 66, 7 },
        new object[] { new Segment(1, new byte[7]) { Vlans = [1, 2] }, FrameKind.Tcp, 62, 7 },
        new object[] { new Datagram("hello") { IpOptions = [1, 1, 1, 1] }, FrameKind.Udp, 46, 5 },
        new object[] { new Echo(1, 2, new byte[9]), FrameKind.Icmp, 34, 17 },
        new object[] { Seeds[4] with { PadTo = 120 }, FrameKind.Malformed, 62, 20 },
        new object[] { Seeds[5], FrameKind.Fragment, 62, 20 },
    ];

    [TestCaseSource(nameof(Layouts))]
    public void Finds_payload_without_padding(Packet packet, FrameKind kind, int payloadOffset, int payloadLength)
    {
        FrameParser.Parse(packet.Bytes(), out FrameLayout layout);
        Assert.That(layout.Kind, Is.EqualTo(kind));
        Assert.That(layout.PayloadOffset, Is.EqualTo(payloadOffset));
        Assert.That(layout.PayloadLength, Is.EqualTo(payloadLength));
    }

    [Test]
    public void Whatever_the_bytes_it_never_throws_and_never_points_outside_the_frame() =>
        Gen.Select(Gen.Int[0, Seeds.Length - 1], Gen.Select(Gen.Int[0, 80], Gen.Byte).List[0, 6], Gen.Int[0, 200]).Sample(
            (which, changes, cut) =>
            {
                byte[] bytes = Seeds[which].Bytes();
                foreach ((int at, byte value) in changes)
                {
                    bytes[at % bytes.Length] = value;
                }

                bytes = bytes[..Math.Min(bytes.Length, cut)];
                FrameParser.Parse(bytes, out FrameLayout layout);
                if (layout.Kind < FrameKind.NotCompared)
                {
                    Assert.That(layout.PayloadOffset + layout.PayloadLength, Is.LessThanOrEqualTo(bytes.Length));
                    Assert.That(layout.TransportOffset, Is.LessThanOrEqualTo(layout.PayloadOffset));
                    FlowKey.Read(bytes, in layout, out _);
                }
            },
            iter: 20_000);

    [Test]
    public void What_is_parsed_in_one_go_is_parsed_as_step_by_step() =>
        Gen.Select(Gen.Bool, Gen.Bool, Gen.Int[0, 2], Gen.Select(Gen.Int[12, 80], Gen.Byte).List[0, 3], Gen.Int[30, 100]).Sample(
            (tcp, ipv6, tags, changes, cut) =>
            {
                Packet seed = tcp ? new Segment(1, new byte[9]) { PadTo = 100 } : new Datagram(new byte[20]) { PadTo = 100 };
                byte[] address = new byte[ipv6 ? 16 : 4];
                byte[] bytes = (seed with { Source = address, Destination = address, Vlans = new ushort[tags] }).Bytes();
                foreach ((int at, byte value) in changes)
                {
                    bytes[at] = value;
                }

                ReadOnlySpan<byte> frame = bytes.AsSpan(0, cut);
                FrameParser.ParseAny(frame, out FrameLayout expected);
                bool isRegular = FrameParser.TryParseRegular(frame, out FrameLayout layout);
                int headerBytes = expected.IpVersion == 4 ? 20 : 40;
                bool shouldBe = expected.Kind <= FrameKind.Udp && expected.TransportOffset - expected.NetworkOffset == headerBytes;
                Assert.That(isRegular, Is.EqualTo(shouldBe));
                if (isRegular)
                {
                    Assert.That(layout, Is.EqualTo(expected with { IsRegular = true }));
                }
            },
            iter: 20_000);
}
