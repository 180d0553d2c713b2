// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using ColoWire.Commands;
using ColoWire.Tests.Program;
using NUnit.Framework;

namespace ColoWire.Tests.Compare;

/// <summary>From the operator's words to what leaves.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ComparePolicyTests
{
    private readonly CompareCase captures = new();

    [TearDown]
    public void TearDown() => captures.Dispose();

    [TestCase("pass udp", true)]
    [TestCase("pass 17", true)]
    [TestCase("pass tcp", false)]
    [TestCase("pass port 53", true)]
    [TestCase("pass port 40000-40001", true)]
    [TestCase("pass udp port 54", false)]
    [TestCase("pass net 10.0.0.0/8", true)]
    [TestCase("pass net 10.0.0.2/32", true)]
    [TestCase("pass net 10.0.0.2/31", true)]
    [TestCase("pass net 10.0.0.4/30", false)]
    [TestCase("pass net ::/0", false)]
    [TestCase("pass vlan 5", true)]
    [TestCase("pass vlan 0", false)]
    [TestCase("compare udp, pass", false)]
    [TestCase("pass udp port 53, compare", true)]
    public void What_passes_is_not_compared(string rules, bool passes)
    {
        byte[] frame = TestFrame.Tag(TestFrame.Udp("a question"), 5);
        captures.Primary.At(0, frame);
        captures.Secondary.At(1, TestFrame.Flip(frame, frame.Length - 1));
        JsonObject report = RunWith("--policies", rules);
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(passes ? CompareCommand.NothingCompared : CompareCommand.Diverged));
            Assert.That(CompareCase.Released(report), Is.EqualTo(passes ? (0, 1, 0) : (0, 0, 1)));
            Assert.That(File.ReadAllBytes(captures.OutPath), Is.EqualTo(captures.Primary.ToArray()));
        });
    }

    [TestCase("drop udp", true)]
    [TestCase("drop net 2001:db8::/33", true)]
    [TestCase("drop net 2001:db8:8000::/33", false)]
    [TestCase("pass udp, drop", false)]
    public void What_is_dropped_does_not_leave(string rules, bool drops)
    {
        byte[] frame = TestFrame.Udp("a question", source: "2001:db8::1");
        captures.Both(0, frame);
        JsonObject report = RunWith("--policies", rules);
        string[] dropped = [.. report["drops"]!.AsObject().Select(drop => drop.Key).Where(name => name == "primary_policy")];
        Assert.Multiple(() =>
        {
            Assert.That(dropped, Has.Length.EqualTo(drops ? 1 : 0));
            Assert.That(new FileInfo(captures.OutPath).Length, drops ? Is.LessThan(frame.Length) : Is.GreaterThan(frame.Length));
        });
    }

    [TestCase("132", "compare sctp", "payload")]
    [TestCase("132", "", null)]
    [TestCase("50", "compare esp", "payload")]
    [TestCase("51", "", null)]
    [TestCase("2", "", null)]
    [TestCase("47", "", "payload")]
    [TestCase("47", "pass gre", null)]
    public void The_operators_rules_come_before_the_defaults(string protocol, string rules, string? reason)
    {
        byte[] frame = TestFrame.OtherProtocol(byte.Parse(protocol, null), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        captures.Primary.At(0, frame);
        captures.Secondary.At(1, TestFrame.Flip(frame, frame.Length - 1));
        string[] reasons = [.. CompareCase.Divergences(RunWith("--policies", rules)).Select(divergence => divergence.Reason)];
        Assert.That(reasons, Is.EqualTo(reason == null ? [] : new[] { reason }));
    }

    [TestCase("ip_id", true)]
    [TestCase("ttl", false)]
    [TestCase("", false)]
    public void A_strict_field_that_differs_is_a_divergence_that_names_it(string fields, bool diverges)
    {
        captures.Primary.At(0, TestFrame.Udp("question", id: 1));
        captures.Secondary.At(0, TestFrame.Udp("question", id: 2));
        JsonObject report = RunWith("--strict", fields);
        Assert.Multiple(() =>
        {
            Assert.That(CompareCase.Divergences(report), Has.Count.EqualTo(diverges ? 1 : 0));
            Assert.That(report["divergences"]!.AsArray().All(divergence => divergence!["field"]!.GetValue<string>() == fields), Is.True);
        });
    }

    private JsonObject RunWith(string option, string value)
    {
        captures.Engine = OptionCase.Bind([.. OptionCase.PortArguments, option, value], OptionCase.Machine).Engine;
        return captures.RunJson();
    }
}
