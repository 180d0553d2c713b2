// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using ColoWire.Tests.Ports;
using ColoWire.TwinMaker;
using ColoWire.TwinMaker.Harms;
using ColoWire.TwinMaker.Matrix;
using NUnit.Framework;

namespace ColoWire.Tests.Compare;

/// <summary>The twin maker by itself, judged without the engine: a judge of comparers must not be wrong.</summary>
[TestFixture]
internal sealed class TwinMakerTests
{
    private const int Seeds = 3;

    private static readonly Dictionary<string, Action<TwinFrame>> Blanks = new()
    {
        ["isn"] = frame => Blank(frame, frame.IsTcp, frame.Layout.TransportOffset + 4, 4),
        ["timestamps"] = frame => (frame.IsTcp ? frame.Tcp.Timestamps : []).Clear(),
        ["windows"] = frame => Blank(frame, frame.IsTcp, frame.Layout.TransportOffset + 14, 2),
        ["push"] = frame => Blank(frame, frame.IsTcp, frame.Layout.TransportOffset + 13, 1, mask: 0xF7),
        ["ttl"] = frame => Blank(frame, true, frame.Layout.IpOffset + (frame.Layout.IpVersion == 4 ? 8 : 7), 1),
        ["traffic-class"] = frame => IpHeader.SetTrafficClass(frame.Network, 0),
        ["dont-fragment"] = frame => Blank(frame, frame.Layout.IpVersion == 4, frame.Layout.IpOffset + 6, 1, mask: 0xBF),
        ["flow-labels"] = BlankFlowLabel,
        ["ip-ids"] = BlankIdentification,
        ["vlan-priority"] = BlankPriorities,
        ["mac"] = frame => Blank(frame, true, 0, 12),
        ["delay"] = _ => { },
        ["udp-checksums"] = _ => { },
        ["partial-checksums"] = _ => { },
        ["padding"] = _ => { },
    };

    private static readonly Capture Mixed = Read("mixed");

    private static IEnumerable<string> Names() => Pipeline.Names;

    private static IEnumerable<string> HeaderNames() => Pipeline.Names.Where(Blanks.ContainsKey);

    private static IEnumerable<string> Fixtures() =>
        TwinMatrix.CapturesIn(FixtureTests.Folder).Select(path => Path.GetFileNameWithoutExtension(path));

    private static IEnumerable<TestCaseData> Harms() =>
        from name in Fixtures()
        from harm in HarmKinds.Names
        where HarmKinds.Named(harm).Places(Read(name)).Count > 0
        select new TestCaseData(name, harm);

    [TestCaseSource(nameof(Names))]
    public void Each_difference_makes_one_and_says_the_same(string name)
    {
        // Only there is a guest that acknowledges without saying anything.
        Capture capture = name == "drop-acks" ? Read("iperf4") : Mixed;
        Twin twin = Make(capture, name);
        Assert.Multiple(() =>
        {
            Assert.That(TwinWords.Differences(twin.Primary, twin.Secondary), Is.Empty);
            Assert.That(ChangedRetransmissions(twin.Secondary), Is.Empty);
            Assert.That(Lines(twin.Secondary), Is.Not.EqualTo(Lines(twin.Primary)));
        });
    }

    [TestCaseSource(nameof(HeaderNames))]
    public void A_difference_of_headers_changes_nothing_else(string name)
    {
        Twin twin = Make(Mixed, name);
        Assert.That(Blanked(twin.Secondary, name), Is.EqualTo(Blanked(twin.Primary, name)));
    }

    [TestCaseSource(nameof(Fixtures))]
    public void All_differences_together_say_the_same(string name)
    {
        Capture capture = Read(name);
        for (int seed = 1; seed <= Seeds; seed++)
        {
            Twin twin = Twin.Of(capture, new TwinOptions { Seed = seed })!;
            Assert.That(TwinWords.Differences(twin.Primary, twin.Secondary), Is.Empty, $"seed {seed}");
        }
    }

    [TestCaseSource(nameof(Harms))]
    public void A_harm_is_done_to_the_flow_that_is_named_and_to_no_other(string name, string harm)
    {
        Capture capture = Read(name);
        for (int seed = 1; seed <= Seeds; seed++)
        {
            Twin twin = Twin.Of(capture, new TwinOptions { Seed = seed, Harm = harm })!;
            // A changed retransmission says nothing new; it is harm because it says it otherwise.
            List<FlowKey> found = harm == "retransmit"
                ? ChangedRetransmissions(twin.Primary)
                : TwinWords.Differences(twin.Primary, twin.Secondary);
            Assert.That(found, Is.EqualTo(new[] { twin.Harm!.Flow }), $"seed {seed}");
        }
    }

    [Test]
    public void Reordered_frames_fall_behind_by_less_than_a_comparer_waits()
    {
        const long GraceMicroseconds = 20_000;
        Dictionary<int, long> sent = Mixed.Frames.ToDictionary(frame => frame.PrimaryFrame, frame => frame.TimeMicroseconds);
        for (int seed = 1; seed <= 20; seed++)
        {
            Twin twin = Twin.Of(
                Mixed, new TwinOptions { Seed = seed, Only = ["reorder-segments", "reorder-datagrams", "delay"] })!;
            long lag = twin.Secondary.Max(frame => frame.TimeMicroseconds - sent[frame.PrimaryFrame]);
            Assert.That(lag, Is.LessThan(GraceMicroseconds / 2 + 1000), $"seed {seed}");
        }
    }

    [Test]
    public void The_same_seed_gives_the_same_twin_and_another_one_another()
    {
        string[] first = Lines(Twin.Of(Mixed, new TwinOptions { Seed = 1 })!.Secondary);
        Assert.Multiple(() =>
        {
            Assert.That(Lines(Twin.Of(Mixed, new TwinOptions { Seed = 1 })!.Secondary), Is.EqualTo(first));
            Assert.That(Lines(Twin.Of(Mixed, new TwinOptions { Seed = 2 })!.Secondary), Is.Not.EqualTo(first));
        });
    }

    [Test]
    public void Another_priority_leaves_the_vlans_alone()
    {
        using ScratchFolder folder = new();
        string path = new CaptureScript().At(0, TestFrame.Tag(TestFrame.Udp("question"), 0xFFF, 0xABC))
            .Save(folder.File("tagged.pcap"));
        Capture capture = new(TwinMaker.CaptureFile.Read(path));
        TwinFrame frame = Make(capture, "vlan-priority").Secondary[0];
        Assert.Multiple(() =>
        {
            Assert.That(FrameLayout.Of(frame.Bytes).VlanIds, Is.EqualTo(new[] { 0xFFF, 0xABC }));
            Assert.That(frame.Bytes, Is.Not.EqualTo(capture.Frames[0].Bytes));
        });
    }

    [Test]
    public void A_capture_without_datagrams_has_none_to_drop_and_nothing_is_written()
    {
        using ScratchFolder folder = new();
        TwinFiles files = new(PathOf("http4"), folder.File("twin.pcap"), null);
        using StringWriter errors = new();
        int exitCode = TwinCommand.Run(new TwinOptions { Seed = 1, Harm = "drop" }, files, TextWriter.Null, errors);
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.EqualTo(TwinCommand.NothingToHarm));
            Assert.That(errors.ToString(), Does.Contain("nothing to harm by drop").And.Contain(files.Primary));
            Assert.That(files.Secondary, Does.Not.Exist);
        });
    }

    [Test]
    public void A_harm_is_told_in_one_line_and_the_harmed_primary_is_written()
    {
        using ScratchFolder folder = new();
        TwinFiles files = new(PathOf("qinq-http4"), folder.File("twin.pcap"), folder.File("primary.pcap"));
        using StringWriter output = new();
        TwinCommand.Run(new TwinOptions { Seed = 1, Harm = "retransmit", HarmAt = 1 }, files, output, TextWriter.Null);
        HashSet<string> sent = [.. Lines(Read("qinq-http4").Frames)];
        TwinFrame added = TwinMaker.CaptureFile.Read(files.PrimaryOut!).Single(frame => !sent.Contains(Lines([frame])[0]));
        string expected = $$"""
            {"kind":"retransmit","flow":{"proto":"tcp","src":"10.77.10.2","sport":8080,"dst":"10.77.10.1",
            "dport":{{added.Flow.DestinationPort}},"vlan":[100,10]},
            "primary_frames":[{{added.PrimaryFrame}}],"reasons":["retransmit"]}
            """;
        Assert.That(output.ToString(), Is.EqualTo(expected.ReplaceLineEndings("") + Environment.NewLine));
    }

    [Test]
    public void A_place_that_does_not_exist_is_refused()
    {
        int places = HarmKinds.Named("flip").Places(Mixed).Count;
        Assert.Multiple(() =>
        {
            Assert.That(Twin.Of(Mixed, new TwinOptions { Seed = 1, Harm = "flip", HarmAt = places }), Is.Not.Null);
            Assert.That(
                () => Twin.Of(Mixed, new TwinOptions { Seed = 1, Harm = "flip", HarmAt = places + 1 }),
                Throws.TypeOf<BadInputException>().With.Message.Contains($"1 to {places}"));
        });
    }

    [Test]
    public void A_frame_that_is_there_only_in_part_is_copied_and_never_harmed()
    {
        using ScratchFolder folder = new();
        byte[] frame = TestFrame.Udp("a question that is cut off");
        string path = new CaptureScript().At(0, frame, wireLength: (uint)frame.Length + 1).Save(folder.File("partial.pcap"));
        Capture capture = new(TwinMaker.CaptureFile.Read(path));
        string copy = folder.File("copy.pcap");
        TwinMaker.CaptureFile.Write(
            copy, Twin.Of(capture, new TwinOptions { Seed = 1, Only = ["ttl", "mac", "ip-ids"] })!.Secondary);
        Assert.Multiple(() =>
        {
            // The sixteen bytes of its record tell both lengths.
            Assert.That(File.ReadAllBytes(copy)[24..], Is.EqualTo(File.ReadAllBytes(path)[24..]));
            Assert.That(HarmKinds.Names.SelectMany(harm => HarmKinds.Named(harm).Places(capture)), Is.Empty);
        });
    }

    [Test]
    public void A_capture_is_never_written_over_not_even_by_another_name()
    {
        using ScratchFolder folder = new();
        string path = folder.Write("primary.pcap", []);
        string link = folder.File("link.pcap");
        File.CreateSymbolicLink(link, path);
        string other = folder.File("other.pcap");
        Assert.Multiple(() =>
        {
            Assert.That(new TwinFiles(path, path, null).Check, Throws.TypeOf<BadInputException>());
            Assert.That(new TwinFiles(path, link, null).Check, Throws.TypeOf<BadInputException>());
            Assert.That(new TwinFiles(path, other, link).Check, Throws.TypeOf<BadInputException>());
            Assert.That(new TwinFiles(path, other, other).Check, Throws.TypeOf<BadInputException>());
            Assert.That(new TwinFiles(path, other, null).Check, Throws.Nothing);
        });
    }

    private static Capture Read(string name) => new(TwinMaker.CaptureFile.Read(PathOf(name)));

    private static string PathOf(string name) => Path.Combine(FixtureTests.Folder, name + ".pcap");

    private static Twin Make(Capture capture, string difference) =>
        Twin.Of(capture, new TwinOptions { Seed = 1, Only = [difference] })!;

    private static string[] Lines(IEnumerable<TwinFrame> frames) =>
        [.. frames.Select(frame => $"{frame.TimeMicroseconds} {Convert.ToHexString(frame.Bytes)}")];

    /// <summary>Flows in which a byte of a stream is sent again as another one.</summary>
    private static List<FlowKey> ChangedRetransmissions(IReadOnlyList<TwinFrame> frames)
    {
        IReadOnlyList<SegmentNews?> news = SegmentNews.Of(frames);
        return [.. Enumerable.Range(0, frames.Count).Where(index => news[index]?.Connection.Conflicts.Count > 0)
            .Select(index => frames[index].Flow).Distinct()];
    }

    /// <summary>The frames in their old order, without what the difference may change, and without the checksums over
    /// that.</summary>
    private static string[] Blanked(IEnumerable<TwinFrame> frames, string name)
    {
        List<string> lines = [];
        foreach (TwinFrame frame in frames.OrderBy(frame => frame.PrimaryFrame))
        {
            TwinFrame copy = frame.Copy();
            if (!copy.IsCopied)
            {
                Blanks[name](copy);
                Blank(copy, copy.Layout.IpVersion == 4, copy.Layout.IpOffset + 10, 2);
                Blank(copy, copy.IsTcp, copy.Layout.TransportOffset + 16, 2);
                Blank(copy, copy.Layout.Transport == Transport.Udp, copy.Layout.TransportOffset + 6, 2);
            }

            int end = copy.IsCopied || name != "padding" ? copy.Bytes.Length : copy.Layout.IpEnd;
            lines.Add(Convert.ToHexString(copy.Bytes.AsSpan(0, end)));
        }

        return [.. lines];
    }

    private static void Blank(TwinFrame frame, bool applies, int offset, int length, byte mask = 0)
    {
        foreach (ref byte value in applies ? frame.Bytes.AsSpan(offset, length) : [])
        {
            value &= mask;
        }
    }

    private static void BlankFlowLabel(TwinFrame frame)
    {
        Blank(frame, frame.Layout.IpVersion == 6, frame.Layout.IpOffset + 1, 1, mask: 0xF0);
        Blank(frame, frame.Layout.IpVersion == 6, frame.Layout.IpOffset + 2, 2);
    }

    private static void BlankPriorities(TwinFrame frame)
    {
        Blank(frame, frame.Layout.VlanIds.Count > 0, 14, 1, mask: 0x0F);
        Blank(frame, frame.Layout.VlanIds.Count > 1, 18, 1, mask: 0x0F);
    }

    private static void BlankIdentification(TwinFrame frame)
    {
        Blank(frame, frame.Layout.IpVersion == 4, frame.Layout.IpOffset + 4, 2);
        Blank(frame, frame.Layout.Ipv6FragmentOffset > 0, frame.Layout.Ipv6FragmentOffset + 4, 4);
    }
}
