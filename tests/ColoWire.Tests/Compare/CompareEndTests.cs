// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;
using ColoWire.Commands;
using ColoWire.Tests.Program;
using NUnit.Framework;

namespace ColoWire.Tests.Compare;

/// <summary>The end of two captures: the clock runs on until all is said of what they hold.</summary>
internal sealed class CompareEndTests
{
    private const long NanosecondsPerMs = 1_000_000;

    [Test]
    public void Scenario_96_what_found_no_partner_is_reported_after_the_end_of_the_captures()
    {
        using CompareCase captures = new();
        captures.Both(0, TestFrame.Tcp("data", 1000)).Both(1, TestFrame.Udp("both"));
        captures.Primary.At(2, TestFrame.Udp("the primary alone", 50_000));
        captures.Secondary.At(2, TestFrame.Udp("the secondary alone", 50_001));
        captures.Primary.At(3, TestFrame.Tcp("", 1004, acknowledgement: 6000, flags: 0x10));
        captures.Both(4, TestFrame.Udp("both again"));

        JsonObject report = captures.RunJson();

        (string, int?, int?, int)[] expected = [("timeout", 3, null, 0), ("timeout", null, 3, 0), ("ack", 4, null, 0)];
        IEnumerable<long> judgedMs = report["divergences"]!.AsArray()
            .Select(d => (d!["at_ns"]!.GetValue<long>() - CaptureScript.StartNs) / NanosecondsPerMs);
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Diverged));
            Assert.That(CompareCase.Divergences(report), Is.EquivalentTo(expected));
            Assert.That(judgedMs, Has.All.InRange(3000, 4010), "within one scan of compare_timeout, long after the last frame");
            Assert.That(CompareCase.Released(report), Is.EqualTo((3, 0, 2)), "each primary frame is accounted for");
            Assert.That(report["drops"]!["secondary_unmatched"]!.GetValue<int>(), Is.EqualTo(1), "and each of the secondary");
            Assert.That(
                TestCapture.Read(captures.OutPath), Is.EquivalentTo(TestCapture.Read(captures.PrimaryPath)), "and has left");
        });
    }
}
