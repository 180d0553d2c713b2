// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using ColoWire.Reports;
using NUnit.Framework;

namespace ColoWire.Tests.Compare;

[TestFixture]
internal sealed class HeaderLineTests
{
    [Test]
    public void Tcp_shows_what_the_comparer_looks_at() => Assert.That(
        HeaderLine.Describe(TestFrame.Tcp("abc", 77, acknowledgement: 99, flags: 0x12)),
        Is.EqualTo("ip id 1 ttl 64 length 43, tcp SYN+ACK seq 77 ack 99 win 512"));

    [Test]
    public void Ipv6_behind_tags_is_decoded() => Assert.That(
        HeaderLine.Describe(TestFrame.Tag(TestFrame.Udp("abc", source: "2001:db8::1"), 100, 5)),
        Is.EqualTo("ipv6 hops 64 length 11, udp length 11"));

    [TestCase(new byte[0], "no bytes")]
    [TestCase(new byte[] { 1, 2, 3 }, "undecoded 010203")]
    public void What_is_no_frame_is_shown_as_it_is(byte[] head, string text) =>
        Assert.That(HeaderLine.Describe(head), Is.EqualTo(text));

    [Test]
    public void Odd_bytes_never_throw_and_stay_on_one_line()
    {
        Random random = new(2);
        byte[][] seeds = [TestFrame.Tcp("abc", 1), TestFrame.Udp("abc"), TestFrame.Icmp([8, 0, 0, 0, 0, 1]),
            TestFrame.Udp("a", source: "::1")];
        for (int round = 0; round < 20_000; round++)
        {
            byte[] head = (byte[])seeds[round % seeds.Length].Clone();
            for (int i = 0; i < 4; i++)
            {
                head[random.Next(12, head.Length)] = (byte)random.Next(256);
            }

            string line = HeaderLine.Describe(head.AsSpan(0, random.Next(head.Length + 1)));
            Assert.That(line, Is.Not.Empty.And.Not.Contains("\n"));
        }
    }

    [Test]
    public void A_byte_that_one_side_lacks_is_marked_as_missing()
    {
        using StringWriter writer = new();
        HexDump.Write(writer, "0123456789abcdef"u8, offset: 0x40, mark: 0x50);
        string[] lines = writer.ToString().Split(Environment.NewLine);
        Assert.Multiple(() =>
        {
            Assert.That(lines[0], Is.EqualTo("    0040  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef"));
            Assert.That(lines[1], Is.EqualTo("    0050 [--]"));
        });
    }

    [Test]
    public void The_last_byte_of_a_line_is_marked_too()
    {
        using StringWriter writer = new();
        HexDump.Write(writer, "0123456789abcdef"u8, offset: 0, mark: 15);
        Assert.That(writer.ToString().TrimEnd(),
            Is.EqualTo("    0000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65[66] 0123456789abcdef"));
    }
}
