// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using ColoWire.Commands;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ColoWire.Tests.Compare;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class CompareReportTests
{
    private readonly CompareCase captures = new();

    [TearDown]
    public void TearDown() => captures.Dispose();

    [Test]
    public void The_object_has_the_agreed_members()
    {
        byte[] frame = TestFrame.Udp("question");
        captures.Primary.At(0, frame).At(1, TestFrame.Arp()).At(2, new byte[13]);
        captures.Secondary.At(1, TestFrame.Flip(frame, TestFrame.UdpPayloadOffset + 2)).At(2, TestFrame.Arp());
        string expected = $$$"""
            {"primary":{"frames":3,"bytes":{{{frame.Length + 42 + 13}}}},"secondary":{"frames":2,"bytes":{{{frame.Length + 42}}}},
            "released":{"verified":0,"passed":2,"unverified":1},"not_compared":1,"held_at_end":0,"checkpoints":1,
            "divergences":[{"reason":"payload","flow":{"proto":"udp","src":"10.0.0.1","sport":53,"dst":"10.0.0.2","dport":40000,"vlan":null},
            "offset":2,"primary_frame":1,"secondary_frame":1,"at_ns":1700000000021000000}],"divergences_total":1,
            "soft":{},"drops":{"secondary_passed":1,"secondary_unmatched":1},"fragments":{"primary":{},"secondary":{}},
            "passed":{"arp":1},"malformed":{"ethernet_short":1},"unverified":{"after_divergence":1}}
            """;
        Assert.That(captures.Run(json: true), Is.EqualTo(expected.ReplaceLineEndings("") + Environment.NewLine));
    }

    [Test]
    public void Soft_differences_are_counted_by_name()
    {
        captures.Primary.At(0, TestFrame.Udp("question", id: 1));
        captures.Secondary.At(0, TestFrame.Udp("question", id: 2));
        Assert.That(captures.RunJson()["soft"]!.ToJsonString(), Is.EqualTo("""{"ip_id":1}"""));
    }

    private static IEnumerable<TestCaseData> Flows()
    {
        yield return Flow("udp", TestFrame.Udp("x"), """{"proto":"udp","src":"10.0.0.1","sport":53,"dst":"10.0.0.2","dport":40000,"vlan":null}""");
        yield return Flow(
            "tcp", TestFrame.Tcp("x", 1000), """{"proto":"tcp","src":"10.0.0.1","sport":80,"dst":"10.0.0.2","dport":40001,"vlan":null}""");
        yield return Flow(
            "icmp",
            TestFrame.Icmp([8, 0, 0, 0, 0, 1, 0, 1]),
            """{"proto":"icmp","src":"10.0.0.1","sport":null,"dst":"10.0.0.2","dport":null,"vlan":null}""");
        yield return Flow(
            "other",
            TestFrame.OtherProtocol(47, [1, 2, 3, 4]),
            """{"proto":"47","src":"10.0.0.1","sport":null,"dst":"10.0.0.2","dport":null,"vlan":null}""");
        yield return Flow(
            "ipv6",
            TestFrame.Udp("x", source: "2001:db8::1"),
            """{"proto":"udp","src":"2001:db8::1","sport":53,"dst":"2001:db8::2","dport":40000,"vlan":null}""");
        yield return Flow(
            "vlan",
            TestFrame.Tag(TestFrame.Udp("x"), 5),
            """{"proto":"udp","src":"10.0.0.1","sport":53,"dst":"10.0.0.2","dport":40000,"vlan":5}""");
        yield return Flow(
            "qinq",
            TestFrame.Tag(TestFrame.Udp("x"), 100, 5),
            """{"proto":"udp","src":"10.0.0.1","sport":53,"dst":"10.0.0.2","dport":40000,"vlan":[100,5]}""");

        static TestCaseData Flow(string name, byte[] frame, string json) => new TestCaseData(frame, json).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Flows))]
    public void A_flow_is_named_as_on_the_wire(byte[] frame, string json)
    {
        captures.Primary.At(0, frame);
        Assert.That(captures.RunJson()["divergences"]![0]!["flow"]!.ToJsonString(), Is.EqualTo(json));
    }

    [Test]
    public void People_get_the_verdict_first_and_the_differing_byte_marked_on_both_sides()
    {
        byte[] frame = TestFrame.Udp("a longer question");
        captures.Both(0, TestFrame.Tcp("x", 1000));
        captures.Primary.At(1000, frame);
        captures.Secondary.At(1250, TestFrame.Flip(frame, TestFrame.UdpPayloadOffset + 9));
        string[] lines = captures.RunText().Split(Environment.NewLine);
        string[] expected =
        [
            "payload: udp 10.0.0.1:53 > 10.0.0.2:40000, frames 2/2, offset 9, at +1.270000 s",
            "  primary 2: 59 bytes, ip id 1 ttl 64 length 45, udp length 25",
            "    0000  00 00 00 00 00 00 00 00 00 00 00 00 08 00 45 00  ..............E.",
            "    0010  00 2d 00 01 00 00 40 11 00 00 0a 00 00 01 0a 00  .-....@.........",
            "    0020  00 02 00 35 9c 40 00 19 00 00 61 20 6c 6f 6e 67  ...5.@....a long",
            "    0030  65 72 20[71]75 65 73 74 69 6f 6e                 er question",
            "  secondary 2: 59 bytes, ip id 1 ttl 64 length 45, udp length 25",
            "    0000  00 00 00 00 00 00 00 00 00 00 00 00 08 00 45 00  ..............E.",
            "    0010  00 2d 00 01 00 00 40 11 00 00 0a 00 00 01 0a 00  .-....@.........",
            "    0020  00 02 00 35 9c 40 00 19 00 00 61 20 6c 6f 6e 67  ...5.@....a long",
            "    0030  65 72 20[51]75 65 73 74 69 6f 6e                 er Question",
        ];
        Assert.Multiple(() =>
        {
            Assert.That(lines[0], Is.EqualTo("diverged: 1 of 2 flows (payload 1)"));
            Assert.That(lines.SkipWhile(line => line != expected[0]).Take(expected.Length), Is.EqualTo(expected));
        });
    }

    [Test]
    public void Plain_text_has_no_colours_and_all_but_the_headlines_fit_a_terminal()
    {
        byte[] frame = TestFrame.Udp(new byte[1400], 40_000);
        captures.Both(0, TestFrame.Arp()).Both(1, TestFrame.Icmp([8]));
        captures.Primary.At(2, frame);
        captures.Secondary.At(2, TestFrame.Flip(frame, 1000));
        string text = captures.RunText();
        Assert.Multiple(() =>
        {
            Assert.That(text, Does.Not.Contain('\x1b'));
            Assert.That(text, Does.Contain("[20]"));
            Assert.That(text.Split(Environment.NewLine).Where(IsNoHeadline).Max(line => line.Length), Is.LessThanOrEqualTo(80));
        });

        static bool IsNoHeadline(string line) => !line.StartsWith("payload: ", StringComparison.Ordinal);
    }

    [TestCase(0, 0, "3 more; --show N shows more of them, --json lists them.")]
    [TestCase(2, 2, "1 more; --show N shows more of them, --json lists them.")]
    [TestCase(3, 3, null)]
    public void The_first_divergences_are_shown_and_the_rest_is_counted(int show, int shown, string? more)
    {
        captures.Show = show;
        for (ushort port = 1; port <= 3; port++)
        {
            captures.Primary.At(port, TestFrame.Udp("lonely", port));
        }

        string[] lines = captures.RunText().Split(Environment.NewLine);
        Assert.Multiple(() =>
        {
            Assert.That(lines.Count(line => line.StartsWith("timeout: ", StringComparison.Ordinal)), Is.EqualTo(shown));
            Assert.That(lines.SingleOrDefault(line => line.Contains(" more; ", StringComparison.Ordinal)), Is.EqualTo(more));
        });
    }

    [TestCase(60_000, "The captures start 60.000 s apart; --align makes them start together.")]
    [TestCase(0, null)]
    public void Captures_that_start_far_apart_get_a_hint(int lagMs, string? hint)
    {
        captures.Primary.At(0, TestFrame.Udp("question"));
        captures.Secondary.At(lagMs, TestFrame.Udp("answer"));
        string? line = captures.RunText().Split(Environment.NewLine).SingleOrDefault(l => l.Contains("--align", StringComparison.Ordinal));
        Assert.That(line, Is.EqualTo(hint));
    }

    [Test]
    public void Frames_that_could_not_be_compared_are_not_kept_quiet()
    {
        byte[] frame = TestFrame.Udp("question");
        captures.Primary.At(0, frame, wireLength: (uint)frame.Length + 1);
        captures.Secondary.At(0, frame, wireLength: (uint)frame.Length + 1);
        string[] lines = captures.RunText().Split(Environment.NewLine);
        Assert.That(lines[1], Is.EqualTo("Not compared: 2 frames held only in part, damaged, or too long."));
    }

    [Test]
    public void Progress_rewrites_one_line_and_takes_it_away()
    {
        using StringWriter terminal = new();
        FakeTimeProvider time = new();
        CompareProgress progress = new(terminal, totalBytes: 200, time);
        progress.Show(1, 10);
        time.Advance(TimeSpan.FromMilliseconds(99));
        progress.Show(2, 20);
        string atOnce = terminal.ToString();
        time.Advance(TimeSpan.FromMilliseconds(1));
        progress.Show(1234, 100);
        progress.Clear();
        Assert.Multiple(() =>
        {
            Assert.That(atOnce, Is.Empty);
            Assert.That(terminal.ToString(), Is.EqualTo("\r\x1b[Kcomparing: 50 %, 1,234 frames\r\x1b[K"));
        });
    }
}
