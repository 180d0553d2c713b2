// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Linq;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Translate;
using ColoWire.Engine.Wire;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

/// <summary>ICMP errors that quote a segment of the primary. The secondary's sequence numbers are 1000 lower.</summary>
public sealed class QuotedSegmentTests
{
    private const byte FragmentHeader = 44;
    private const byte Mobility = 135;
    private const byte Unknown = 253;

    private static readonly Translation Lower = new(unchecked(0u - 1000u), 0, HasTimestampOffset: false);

    private static readonly byte[] OwnV6 = [.. Enumerable.Range(0x20, 16).Select(number => (byte)number)];
    private static readonly byte[] OtherV6 = [.. Enumerable.Range(0x40, 16).Select(number => (byte)number)];

    private static readonly Segment V4 = Full(new Segment(3001, new byte[100]) { SourcePort = 443, Vlans = [7] });
    private static readonly Segment V6 = Full(V4 with { Source = OwnV6, Destination = OtherV6 });

    // Checksums and all other bytes of these frames were computed by another program.
    private const string FromRouter = "020000000063020000000001080045000038000100004001f672c0000201c0000250"
        + "03044f3a00000578450005dc000740003f06b1bdc0000250c000020700509c4000000bb9";

    private const string ForReplica = "020000000063020000000001080045000038000100004001f672c0000201c0000250"
        + "0304532200000578450005dc000740003f06b1bdc0000250c000020700509c40000007d1";

    private static readonly object[] Types =
    [
        new object[] { 4, (byte)3, true }, new object[] { 4, (byte)4, true }, new object[] { 4, (byte)5, true },
        new object[] { 4, (byte)11, true }, new object[] { 4, (byte)12, true },
        new object[] { 4, (byte)0, false }, new object[] { 4, (byte)8, false }, new object[] { 4, (byte)13, false },
        new object[] { 6, (byte)1, true }, new object[] { 6, (byte)2, true }, new object[] { 6, (byte)3, true },
        new object[] { 6, (byte)4, true }, new object[] { 6, (byte)0, false }, new object[] { 6, (byte)5, false },
        new object[] { 6, (byte)128, false }, new object[] { 6, (byte)135, false },
    ];

    private static readonly object[] NotUnderstood =
    [
        new object[] { "IPv4, UDP", Quote(new Datagram("0123456789"), 60) },
        new object[] { "IPv4, cut in the sequence number", Quote(V4, 20 + 7) },
        new object[] { "IPv4, cut in the IP header", Quote(V4, 19) },
        new object[] { "IPv4, another version", Changed(Quote(V4, 40), 0, 0x55) },
        new object[] { "IPv4, a header of 16 bytes", Changed(Quote(V4, 40), 0, 0x44) },
        new object[] { "IPv4, a header longer than the quote", Changed(Quote(V4, 40), 0, 0x4F) },
        new object[] { "IPv4, the second fragment", Changed(Quote(V4, 40), 7, 1) },
        new object[] { "nothing", Array.Empty<byte>() },
    ];

    private static readonly object[] NotUnderstoodV6 =
    [
        new object[] { "IPv6, UDP", Quote(new Datagram("0123456789") { Source = OwnV6, Destination = OtherV6 }, 80) },
        new object[] { "IPv6, cut in the sequence number", Quote(V6, 40 + 7) },
        new object[] { "IPv6, cut in the IP header", Quote(V6, 39) },
        new object[] { "IPv6, another version", Changed(Quote(V6, 60), 0, 0x40) },
        new object[] { "IPv6, an unknown extension header", Extended(Unknown) },
        new object[] { "IPv6, too many extension headers", Extended([.. Enumerable.Repeat(ExtensionHeaders.HopByHop, 9)]) },
        new object[] { "IPv6, an extension header longer than the quote", Changed(Extended(ExtensionHeaders.HopByHop), 41, 200) },
        new object[] { "IPv6, cut in an extension header", Extended(ExtensionHeaders.HopByHop)[..44] },
        new object[] { "IPv6, a later fragment", Changed(Extended(FragmentHeader), 43, 8) },
        new object[] { "nothing", Array.Empty<byte>() },
    ];

    private static readonly object[] Chains =
    [
        Array.Empty<byte>(), new byte[] { ExtensionHeaders.HopByHop }, new byte[] { FragmentHeader },
        new byte[] { ExtensionHeaders.HopByHop, Mobility, FragmentHeader, ExtensionHeaders.DestinationOptions },
        Enumerable.Repeat(ExtensionHeaders.DestinationOptions, 8).ToArray(),
    ];

    [Test]
    public void A_replica_gets_the_quote_of_its_own_segment()
    {
        byte[] frame = Convert.FromHexString(FromRouter);
        Assert.That(ToReplica(frame), Is.EqualTo(TranslationOutcome.Translated));
        Assert.That(Convert.ToHexStringLower(frame), Is.EqualTo(ForReplica));
    }

    [TestCase(8)]
    [TestCase(17)]
    [TestCase(18)]
    [TestCase(20)]
    [TestCase(100)]
    public void The_quoted_checksum_is_updated_where_it_is_quoted(int tcpBytes)
    {
        foreach (Segment segment in (Segment[])[V4, V6])
        {
            int headerBytes = segment.Source.Length == 4 ? 20 : 40;
            byte[] own = Quote(Full(segment with { Sequence = 2001 }), headerBytes + tcpBytes);
            if (tcpBytes == 17)
            {
                own[^1] = Quote(segment, headerBytes + tcpBytes)[^1];
            }

            byte[] frame = Error(Quote(segment, headerBytes + tcpBytes), segment).Bytes();
            Assert.That(ToReplica(frame), Is.EqualTo(TranslationOutcome.Translated));
            Assert.That(frame, Is.EqualTo(Error(own, segment).Bytes()));
        }
    }

    [TestCaseSource(nameof(Types))]
    public void Only_errors_quote(int version, byte type, bool quotes)
    {
        Segment segment = version == 4 ? V4 : V6;
        byte[] frame = (Error(Quote(segment, 80), segment) with { Type = type }).Bytes();
        Assert.That(ToReplica(frame), Is.EqualTo(quotes ? TranslationOutcome.Translated : TranslationOutcome.Unchanged));
        Assert.That(TryReadQuote(frame, out _), Is.EqualTo(quotes));
    }

    [TestCaseSource(nameof(NotUnderstood))]
    public void What_is_no_quote_of_a_segment_stays(string what, byte[] quote) => AssertStays(what, Error(quote, V4));

    [TestCaseSource(nameof(NotUnderstoodV6))]
    public void What_is_no_quote_of_a_segment_stays_over_IPv6(string what, byte[] quote) => AssertStays(what, Error(quote, V6));

    [TestCaseSource(nameof(Chains))]
    public void Extension_headers_of_the_quote_are_walked(byte[] kinds)
    {
        byte[] frame = Error(Extended(kinds), V6).Bytes();
        Assert.That(TryReadQuote(frame, out FlowKey key));
        Assert.That(key, Is.EqualTo(KeyOf(V6)));
        Assert.That(ToReplica(frame), Is.EqualTo(TranslationOutcome.Translated));
        int sequence = 14 + 4 + 40 + 8 + 40 + (8 * kinds.Length) + 4;
        Assert.That(BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(sequence)), Is.EqualTo(2001));
    }

    [Test]
    public void The_quote_names_the_flow_as_the_guest_sends_it()
    {
        Segment[] segments =
            [V4, V6, V4 with { IpOptions = [1, 1, 1, 1] }, V4 with { Vlans = [] }, V6 with { Vlans = [3, 9] }];
        foreach (Segment segment in segments)
        {
            byte[] frame = Error(Quote(segment, 68), segment).Bytes();
            Assert.That(TryReadQuote(frame, out FlowKey key));
            Assert.That(key, Is.EqualTo(KeyOf(segment)));
        }
    }

    [Test]
    public void A_quote_ends_where_the_error_says_because_extensions_follow()
    {
        // The length is in 32-bit words in ICMP, and in 64-bit words in ICMPv6.
        AssertStays("6 words hold no sequence number", Error(Quote(V4, 40), V4) with { Rest = [0, 6, 0, 0] });
        AssertStays("5 long words hold no TCP header", Error(Quote(V6, 80), V6) with { Type = 1, Rest = [5, 0, 0, 0] });
        byte[] frame = (Error(Quote(V4, 40), V4) with { Rest = [0, 7, 0, 0] }).Bytes();
        byte[] checksum = frame[^4..^2];
        Assert.That(ToReplica(frame), Is.EqualTo(TranslationOutcome.Translated));
        Assert.That(frame[^4..^2], Is.EqualTo(checksum), "the TCP checksum is beyond the quote");
    }

    [Test]
    public void A_gateway_address_or_a_size_is_not_the_length_of_a_quote()
    {
        byte[] redirect = (Error(Quote(V4, 40), V4) with { Type = 5, Rest = [10, 1, 0, 1] }).Bytes();
        byte[] tooBig = (Error(Quote(V6, 60), V6) with { Type = 2, Rest = [1, 0, 5, 120] }).Bytes();
        Assert.That(ToReplica(redirect), Is.EqualTo(TranslationOutcome.Translated));
        Assert.That(ToReplica(tooBig), Is.EqualTo(TranslationOutcome.Translated));
    }

    [Test]
    public void A_translation_of_timestamps_alone_leaves_errors_unchanged()
    {
        byte[] frame = Error(Quote(V4, 40), V4).Bytes();
        Assert.That(ToReplica(frame, new Translation(0, 5, HasTimestampOffset: true)), Is.EqualTo(TranslationOutcome.Unchanged));
    }

    [Test]
    public void An_error_of_the_guest_stays()
    {
        byte[] frame = Error(Quote(V4, 40), V4).Bytes();
        byte[] before = [.. frame];
        FrameParser.Parse(frame, out FrameLayout layout);
        Assert.That(FrameTranslator.ToWorld(frame, in layout, in Lower, 0), Is.EqualTo(TranslationOutcome.Unchanged));
        Assert.That(frame, Is.EqualTo(before));
    }

    private static void AssertStays(string what, IcmpError error)
    {
        byte[] frame = error.Bytes();
        byte[] before = [.. frame];
        Assert.That(ToReplica(frame), Is.EqualTo(TranslationOutcome.Unchanged), what);
        Assert.That(TryReadQuote(frame, out _), Is.False, what);
        Assert.That(frame, Is.EqualTo(before), what);
    }

    private static TranslationOutcome ToReplica(byte[] frame) => ToReplica(frame, Lower);

    private static TranslationOutcome ToReplica(byte[] frame, in Translation translation)
    {
        FrameParser.Parse(frame, out FrameLayout layout);
        return FrameTranslator.ToReplica(frame, in layout, in translation, 0);
    }

    private static bool TryReadQuote(byte[] frame, out FlowKey key)
    {
        FrameParser.Parse(frame, out FrameLayout layout);
        return FrameTranslator.TryReadFlow(frame, in layout, out key);
    }

    private static FlowKey KeyOf(Segment segment)
    {
        byte[] frame = segment.Bytes();
        FrameParser.Parse(frame, out FrameLayout layout);
        FlowKey.Read(frame, in layout, out FlowKey key);
        return key;
    }

    private static Segment Full(Segment segment) => (Segment)Checksums.WithFull(segment);

    /// <summary>The beginning of a packet, from its IP header on.</summary>
    private static byte[] Quote(Packet packet, int count) => IcmpError.QuoteOf(packet.Bytes(), packet.Vlans.Length, count);

    /// <summary>The quote of an IPv6 segment behind extension headers of 8 bytes each.</summary>
    private static byte[] Extended(params byte[] kinds)
    {
        byte[] frame = ExtensionHeaders.Insert(V6.Bytes(), V6.Vlans.Length, kinds);
        for (int i = 0; i < kinds.Length; i++)
        {
            // A fragment header has its offset where the others have their padding.
            frame.AsSpan(14 + 4 + 40 + (8 * i) + 2, 2).Clear();
        }

        return IcmpError.QuoteOf(frame, V6.Vlans.Length, 200);
    }

    private static byte[] Changed(byte[] bytes, int at, byte value)
    {
        bytes[at] = value;
        return bytes;
    }

    /// <summary>"Fragmentation needed" or "packet too big", which a router sends to the source of the quoted packet.</summary>
    private static IcmpError Error(byte[] quote, Segment quoted)
    {
        bool isIpv4 = quoted.Source.Length == 4;
        return new IcmpError(isIpv4 ? (byte)3 : (byte)2, isIpv4 ? (byte)4 : (byte)0, quote)
        {
            Source = isIpv4 ? [192, 0, 2, 1] : OtherV6,
            Destination = quoted.Source,
            Vlans = quoted.Vlans,
            Rest = [0, 0, 5, 120],
        };
    }
}
