// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Translate;
using ColoWire.Engine.Wire;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Properties;

/// <summary>The translation of frames against <see cref="TranslationModel"/>, and on bytes that mean nothing.</summary>
public sealed class TranslationProperties
{
    private const int TcpHeaderBytes = 20;
    private const int MaxOptionBytes = 40;

    // The borders of the halves are where one's complement has two zeros.
    private static readonly Gen<uint> Numbers =
        Gen.Frequency((3, Gen.UInt), (1, Gen.OneOf(0u, 1u, 0xFFFFu, 0x10000u, 0xFFFF_0000u, uint.MaxValue)));

    private static readonly Gen<Translation> Translations = Gen.Select(
        Numbers, Numbers, Gen.Bool, (sequence, timestamp, hasTimestamp) => new Translation(sequence, timestamp, hasTimestamp));

    private static readonly Gen<ModelOption> AnyOption = Gen.Frequency(
        (3, Gen.Const(new ModelOption(1))),
        (1, Gen.Const(new ModelOption(2, 4, 5, 180))),
        (1, Gen.Const(new ModelOption(3, 3, 7))),
        (1, Gen.Byte.Array[0, 9].Select(value => new ModelOption([254, (byte)(2 + value.Length), .. value]))),
        (3, Gen.Select(Numbers, Numbers, (value, echo) => (ModelOption)new ModelTimestamps(value, echo))),
        (3, Numbers.Array[2, 8].Select(edges => (ModelOption)new ModelSack(edges[..(edges.Length & ~1)]))));

    private static readonly Gen<ModelOption[]> Options = Gen.Frequency(
        (1, Gen.Select(Numbers, Numbers, (value, echo) => (ModelOption[])[new(1), new(1), new ModelTimestamps(value, echo)])),
        (4, AnyOption.Array[0, 8].Select(Fitting)));

    private static readonly Gen<Segment> Segments =
        from isIpv6 in Gen.Bool
        from addresses in Gen.Byte.Array[32]
        from tags in Gen.UShort.Array[0, 2]
        from ipOptions in Gen.Int[0, 3]
        from sequence in Numbers
        from ack in Numbers
        from flags in Gen.Int[0, 31]
        from payload in Gen.Byte.Array[0, 50]
        from pad in Gen.Int[0, 100]
        select new Segment(sequence, payload)
        {
            Source = addresses[..(isIpv6 ? 16 : 4)],
            Destination = addresses[16..(isIpv6 ? 32 : 20)],
            Vlans = tags,
            IpOptions = isIpv6 ? [] : new byte[ipOptions * 4],
            Ack = ack,
            HasAck = (flags & 7) != 0,
            Syn = (flags & 8) != 0,
            Rst = (flags & 16) != 0,
            PadTo = pad,
        };

    private static readonly Gen<TranslationModel> Models =
        from segment in Segments
        from options in Options
        from extensions in Gen.OneOf(ExtensionHeaders.HopByHop, ExtensionHeaders.DestinationOptions).Array[0, 3]
        from error in Gen.Frequency((1, Gen.Const(0)), (1, Gen.Int[0, 0xFFFE]))
        select new TranslationModel(segment, options, segment.Source.Length == 4 ? [] : extensions, error);

    private static readonly byte[][] Seeds =
    [
        new Segment(1, new byte[20]) { Options = [1, 1, 8, 10, .. new byte[8], 1, 1, 5, 10, .. new byte[8]] }.Bytes(),
        new Segment(1, []) { Options = [1, 5, 18, .. new byte[16], 8, 10, .. new byte[8], 3, 3, 1], Vlans = [5] }.Bytes(),
        OverIpv6(new Segment(1, []) { Options = [1, 1, 19, 18, .. new byte[16]] }).Bytes(),
        new Datagram("hello") { Vlans = [7, 8], IpOptions = [1, 1, 1, 1] }.Bytes(),
        new IcmpError(3, 4, IcmpError.QuoteOf(new Segment(1, new byte[20]).Bytes(), 0, 48)).Bytes(),
        OverIpv6(new IcmpError(2, 0, IcmpError.QuoteOf(BehindExtensions(), 0, 90))).Bytes(),
        FragmentBuilder.Cut(new Segment(1, new byte[40]) { Options = [1, 1, 8, 10, .. new byte[8]] }, 9, 40)[0],
        FragmentBuilder.Cut(OverIpv6(new Segment(1, new byte[40])), 9, 24)[0],
        BehindExtensions(),
    ];

    [Test]
    public void A_replica_gets_what_the_reference_makes_of_a_clients_frame() =>
        Gen.Select(Models, Translations, Numbers).Sample(
            (model, translation, greatest) =>
            {
                byte[] frame = model.Bytes();
                TranslationOutcome outcome = ToReplica(frame, translation, greatest);
                AssertIs(model.ToReplica(translation, greatest).Bytes(), model.Bytes(), frame, outcome);
            },
            iter: 20_000);

    [Test]
    public void The_world_gets_what_the_reference_makes_of_a_replicas_frame() =>
        Gen.Select(Models, Translations, Numbers).Sample(
            (model, translation, greatest) =>
            {
                byte[] frame = model.Bytes();
                TranslationOutcome outcome = ToWorld(frame, translation, greatest);
                AssertIs(model.ToWorld(translation, greatest).Bytes(), model.Bytes(), frame, outcome);
            },
            iter: 20_000);

    [Test]
    public void Translated_there_and_back_a_frame_is_the_same()
    {
        Gen<TranslationModel> comparable = Models.Where(model => model.Options.OfType<ModelTimestamps>().Count() <= 1);
        Gen.Select(comparable, Translations).Sample(
            (model, there) =>
            {
                ModelTimestamps timestamps = model.Options.OfType<ModelTimestamps>().FirstOrDefault() ?? new(1, 1);
                Translation back = new(0 - there.SequenceOffset, 0 - there.TimestampOffset, there.HasTimestampOffset);
                byte[] frame = model.Bytes();
                // An echo of 0 means that nothing is echoed, so a timestamp that becomes 0 does not come back.
                if (timestamps.Echo != 0 && timestamps.Echo + there.TimestampOffset != 0)
                {
                    ToReplica(frame, there, timestamps.Echo + there.TimestampOffset);
                    ToReplica(frame, back, timestamps.Echo);
                    Assert.That(frame, Is.EqualTo(model.Bytes()));
                }

                ToWorld(frame, there, timestamps.Value - there.TimestampOffset);
                ToWorld(frame, back, timestamps.Value);
                Assert.That(frame, Is.EqualTo(model.Bytes()));
            },
            iter: 10_000);
    }

    [Test]
    public void A_replica_gets_what_the_reference_makes_of_a_quoted_segment() =>
        Gen.Select(Models, Translations, Gen.Int[8, 80], Gen.Int[0, 0xFFFE], Gen.UShort.Array[0, 2]).Sample(
            (model, translation, tcpBytes, error, tags) =>
            {
                model = model with { Segment = model.Segment with { PadTo = 0 } };
                byte[] quote = Quote(model, tcpBytes);
                byte[] own = Quote(model.Quoted(translation), tcpBytes);
                if (tcpBytes < 18)
                {
                    // The part of a TCP checksum that is quoted without the rest stays.
                    quote[^(tcpBytes - 8)..].CopyTo(own, own.Length - (tcpBytes - 8));
                }

                bool isIpv4 = model.Segment.Source.Length == 4;
                IcmpError message = new(isIpv4 ? (byte)3 : (byte)2, 4, quote)
                {
                    Source = model.Segment.Destination,
                    Destination = model.Segment.Source,
                    Vlans = tags,
                    ChecksumError = error,
                };
                byte[] frame = message.Bytes();
                FrameParser.Parse(frame, out FrameLayout layout);
                Assert.That(FrameTranslator.TryReadFlow(frame, in layout, out FlowKey key));
                Assert.That(key, Is.EqualTo(KeyOf(model with { Segment = model.Segment with { Vlans = tags } })));
                TranslationOutcome outcome = ToReplica(frame, translation, 0);
                AssertIs((message with { Quote = own }).Bytes(), message.Bytes(), frame, outcome);
            },
            iter: 20_000);

    [Test]
    public void Whatever_the_bytes_it_never_throws_and_changes_no_sum_and_no_other_field() =>
        Gen.Select(
            Gen.OneOf(Seeds), Gen.Select(Gen.Int[0, 130], Gen.Byte).List[0, 6], Gen.Int[0, 200],
            Translations, Numbers, Gen.Bool)
            .Sample(
                (seed, changes, cut, translation, greatest, toReplica) =>
                {
                    byte[] frame = [.. seed];
                    foreach ((int at, byte value) in changes)
                    {
                        frame[at % frame.Length] = value;
                    }

                    AssertHarmless(frame[..Math.Min(frame.Length, cut)], translation, greatest, toReplica);
                },
                iter: 100_000);

    private static void AssertHarmless(byte[] before, Translation translation, uint greatest, bool toReplica)
    {
        byte[] frame = [.. before];
        FrameParser.Parse(frame, out FrameLayout layout);
        bool quotes = FrameTranslator.TryReadFlow(frame, in layout, out _);
        TranslationOutcome outcome = toReplica
            ? ToReplica(frame, translation, greatest)
            : ToWorld(frame, translation, greatest);
        int header = layout.Kind == FrameKind.Fragment ? layout.PayloadOffset : layout.TransportOffset;
        int end = layout.PayloadOffset + layout.PayloadLength;
        switch (outcome)
        {
            case TranslationOutcome.Translated:
                Assert.That(layout.Kind is FrameKind.Tcp or FrameKind.Fragment || (quotes && toReplica));
                Assert.That(frame, Is.Not.EqualTo(before));
                break;
            case TranslationOutcome.BadOption:
                Assert.That(layout.Kind is FrameKind.Tcp or FrameKind.Fragment);
                int options = header + TcpHeaderBytes;
                Assert.That(frame[options..], Is.EqualTo(before[options..]));
                break;
            default:
                Assert.That(frame, Is.EqualTo(before));
                return;
        }

        Assert.That(frame[..header], Is.EqualTo(before[..header]));
        Assert.That(frame[end..], Is.EqualTo(before[end..]));
        Assert.That(Checksums.Sum(frame[header..end]) % 0xFFFF, Is.EqualTo(Checksums.Sum(before[header..end]) % 0xFFFF));
    }

    private static void AssertIs(byte[] expected, byte[] before, byte[] frame, TranslationOutcome outcome)
    {
        Assert.That(frame, Is.EqualTo(expected));
        bool isSame = before.AsSpan().SequenceEqual(expected);
        Assert.That(outcome, Is.EqualTo(isSame ? TranslationOutcome.Unchanged : TranslationOutcome.Translated));
    }

    private static TranslationOutcome ToReplica(byte[] frame, Translation translation, uint greatest)
    {
        FrameParser.Parse(frame, out FrameLayout layout);
        return FrameTranslator.ToReplica(frame, in layout, in translation, greatest);
    }

    private static TranslationOutcome ToWorld(byte[] frame, Translation translation, uint greatest)
    {
        FrameParser.Parse(frame, out FrameLayout layout);
        return FrameTranslator.ToWorld(frame, in layout, in translation, greatest);
    }

    private static byte[] Quote(TranslationModel model, int tcpBytes)
    {
        Segment segment = model.Segment;
        int headerBytes = segment.Source.Length == 4 ? 20 + segment.IpOptions.Length : 40 + (8 * model.Extensions.Length);
        return IcmpError.QuoteOf(model.Bytes(), segment.Vlans.Length, headerBytes + tcpBytes);
    }

    private static FlowKey KeyOf(TranslationModel model)
    {
        byte[] frame = model.Bytes();
        FrameParser.Parse(frame, out FrameLayout layout);
        FlowKey.Read(frame, in layout, out FlowKey key);
        return key;
    }

    private static Packet OverIpv6(Packet packet) => packet with { Source = new byte[16], Destination = new byte[16] };

    private static byte[] BehindExtensions() => ExtensionHeaders.Insert(
        OverIpv6(new Segment(1, new byte[20])).Bytes(), 0, ExtensionHeaders.HopByHop, ExtensionHeaders.DestinationOptions);

    /// <summary>As many options as a header has room for.</summary>
    private static ModelOption[] Fitting(ModelOption[] options)
    {
        List<ModelOption> fitting = [];
        int bytes = 0;
        foreach (ModelOption option in options)
        {
            bytes += option.Bytes().Length;
            if (bytes > MaxOptionBytes)
            {
                break;
            }

            fitting.Add(option);
        }

        return [.. fitting];
    }
}
