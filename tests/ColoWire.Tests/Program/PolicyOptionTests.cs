// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Text.Json;
using ColoWire.Engine;
using ColoWire.Options;
using ColoWire.Reports;
using ColoWire.Writing;
using NUnit.Framework;
using static ColoWire.Tests.Program.OptionCase;

namespace ColoWire.Tests.Program;

internal sealed class PolicyOptionTests
{
    private const string Grammar = "ACTION [PROTOCOL] [net CIDR] [port N[-M]] [vlan N]";
    private const string Networks = "an address and its prefix length, for example 10.0.0.0/8 or 2001:db8::/32";
    private const string PortNumbers = "1 to 65535, or a range from the lower to the higher, for example 5000-5100";
    private const string FirstWords =
        "a protocol (tcp, udp, icmp, icmpv6, sctp, esp, ah, igmp, gre, or its number, 0 to 255), or net, port or vlan";

    private static readonly string[] TwoRules = ["pass udp port 123", "drop vlan 5"];

    private static readonly PolicyRule[] TwoRulesRead =
    [
        new(PolicyAction.Pass) { Protocol = 17, Ports = new PortRange(123, 123) },
        new(PolicyAction.Drop) { Vlan = 5 },
    ];

    private static IEnumerable<TestCaseData> GoodRules()
    {
        yield return Rule("compare", new PolicyRule(PolicyAction.Compare));
        yield return Rule("pass", new PolicyRule(PolicyAction.Pass));
        yield return Rule("drop", new PolicyRule(PolicyAction.Drop));
        foreach ((string name, byte number) in ((string, byte)[])
            [("tcp", 6), ("udp", 17), ("icmp", 1), ("icmpv6", 58), ("sctp", 132), ("esp", 50), ("ah", 51), ("igmp", 2),
                ("gre", 47), ("0", 0), ("255", 255)])
        {
            yield return Rule($"pass {name}", new PolicyRule(PolicyAction.Pass) { Protocol = number });
        }

        yield return Rule(
            "pass udp port 123", new PolicyRule(PolicyAction.Pass) { Protocol = 17, Ports = new PortRange(123, 123) });
        yield return Rule("drop port 1-65535", new PolicyRule(PolicyAction.Drop) { Ports = new PortRange(1, 65_535) });
        yield return Rule("drop 6 port 80-80", new PolicyRule(PolicyAction.Drop) { Protocol = 6, Ports = new PortRange(80, 80) });
        yield return Rule("drop vlan 0", new PolicyRule(PolicyAction.Drop) { Vlan = 0 });
        yield return Rule("compare sctp vlan 4095", new PolicyRule(PolicyAction.Compare) { Protocol = 132, Vlan = 4095 });
        yield return Rule("pass net 0.0.0.0/0", new PolicyRule(PolicyAction.Pass), "0.0.0.0/0");
        yield return Rule("pass net 192.0.2.1/32", new PolicyRule(PolicyAction.Pass), "192.0.2.1/32");
        yield return Rule("pass icmpv6 net 2001:DB8::/32", new PolicyRule(PolicyAction.Pass) { Protocol = 58 }, "2001:db8::/32");
        PolicyRule all = new(PolicyAction.Pass) { Protocol = 6, Ports = new PortRange(5000, 5100), Vlan = 7 };
        yield return Rule("pass tcp net 10.0.0.0/8 port 5000-5100 vlan 7", all, "10.0.0.0/8");
        yield return Rule(" pass  tcp vlan 7 port 5000-5100 net 10.0.0.0/8 ", all, "10.0.0.0/8");

        static TestCaseData Rule(string text, PolicyRule rule, string? network = null) =>
            new TestCaseData(text, rule, network).SetArgDisplayNames(text);
    }

    [TestCaseSource(nameof(GoodRules))]
    public void A_sentence_is_a_rule(string text, PolicyRule expected, string? network)
    {
        PolicyReader reader = new(text);
        Assert.That(reader.Read(), Is.Null);
        Assert.That(reader.Rule with { Network = null }, Is.EqualTo(expected));
        Assert.That(reader.Rule.Network != null, Is.EqualTo(network != null));
        Assert.That(reader.Network, Is.EqualTo(network == null ? null : (IPNetwork?)IPNetwork.Parse(network)));
    }

    [TestCase("", "a rule is missing here: " + Grammar)]
    [TestCase("  ", "a rule is missing here: " + Grammar)]
    [TestCase("allow udp", "'allow' is no action: compare, pass or drop")]
    [TestCase("Pass udp", "'Pass' is no action: compare, pass or drop")]
    [TestCase("udp port 123", "'udp' is no action: compare, pass or drop")]
    [TestCase("pass upd", "'upd' is unknown: " + FirstWords)]
    [TestCase("pass 256", "'256' is unknown: " + FirstWords)]
    [TestCase("pass -1", "'-1' is unknown: " + FirstWords)]
    [TestCase("pass tcp udp", "'udp' is unknown here: net, port or vlan")]
    [TestCase("pass port 80 tcp", "'tcp' is unknown here: net, port or vlan")]
    [TestCase("pass tcp ports 80", "'ports' is unknown here: net, port or vlan")]
    [TestCase("pass net", "the value of net is missing: " + Networks)]
    [TestCase("pass net 10.0.0.0", "'10.0.0.0' is no network: " + Networks)]
    [TestCase("pass net 10.0.0.0/33", "'10.0.0.0/33' is no network: " + Networks)]
    [TestCase("pass net 10.0.0.0/", "'10.0.0.0/' is no network: " + Networks)]
    [TestCase("pass net 10.0.0/8", "'10.0.0/8' is no network, its network would be 10.0.0.0/8: " + Networks)]
    [TestCase("pass net 10.0.0.1/8", "'10.0.0.1/8' is no network, its network would be 10.0.0.0/8: " + Networks)]
    [TestCase("pass net 010.0.0.0/8", "'010.0.0.0/8' is no network, its network would be 8.0.0.0/8: " + Networks)]
    [TestCase("pass net 2001:db8::1/32", "'2001:db8::1/32' is no network, its network would be 2001:db8::/32: " + Networks)]
    [TestCase("pass net fe80::%1/64", "'fe80::%1/64' is no network: " + Networks)]
    [TestCase("pass net example.org/8", "'example.org/8' is no network: " + Networks)]
    [TestCase("pass udp port", "the value of port is missing: " + PortNumbers)]
    [TestCase("pass udp port 0", "'0' is no port: " + PortNumbers)]
    [TestCase("pass udp port 65536", "'65536' is no port: " + PortNumbers)]
    [TestCase("pass udp port dns", "'dns' is no port: " + PortNumbers)]
    [TestCase("pass udp port 80-79", "'80-79' is no port: " + PortNumbers)]
    [TestCase("pass udp port 0-79", "'0-79' is no port: " + PortNumbers)]
    [TestCase("pass udp port 80-", "'80-' is no port: " + PortNumbers)]
    [TestCase("pass udp port 1-2-3", "'1-2-3' is no port: " + PortNumbers)]
    [TestCase("pass icmp port 7", "port goes with tcp, udp or no protocol only")]
    [TestCase("pass sctp port 7", "port goes with tcp, udp or no protocol only")]
    [TestCase("pass 50 port 7", "port goes with tcp, udp or no protocol only")]
    [TestCase("drop vlan", "the value of vlan is missing: 0 to 4095")]
    [TestCase("drop vlan 4096", "'4096' is no VLAN: 0 to 4095")]
    [TestCase("drop vlan -1", "'-1' is no VLAN: 0 to 4095")]
    [TestCase("drop vlan 1 vlan 2", "vlan is given twice; once is allowed")]
    public void A_rule_that_is_none_says_why_and_what_is_allowed(string text, string fault)
    {
        AssertEqual(Faults(Json("drop 99", text)), $"policies (colowire.json): rule 2, '{text}': {fault}");
    }

    [TestCase("pass", "drop vlan 5")]
    [TestCase("pass", "pass")]
    [TestCase("pass tcp", "compare tcp port 22")]
    [TestCase("pass tcp", "compare 6 vlan 3")]
    [TestCase("pass port 20-30", "compare tcp port 22")]
    [TestCase("pass port 20-30", "compare tcp port 20-30 net 10.0.0.0/8")]
    [TestCase("pass net 10.0.0.0/8", "compare net 10.1.0.0/16")]
    [TestCase("pass net 10.0.0.0/8", "compare net 10.0.0.0/8")]
    [TestCase("pass net ::/0", "compare tcp net 2001:db8::/32")]
    [TestCase("pass vlan 5", "drop udp vlan 5")]
    public void A_rule_that_an_earlier_one_makes_useless_is_a_fault(string earlier, string later)
    {
        AssertEqual(
            Faults(Json("drop 99", earlier, later)),
            $"policies (colowire.json): rule 3, '{later}': can never match: rule 2, '{earlier}', takes all that it would; "
            + "put this one first, or leave it out");
    }

    [TestCase("drop vlan 5", "pass")]
    [TestCase("compare tcp port 22", "pass tcp")]
    [TestCase("pass tcp", "compare port 22")]
    [TestCase("pass tcp", "compare udp")]
    [TestCase("pass port 20-30", "compare tcp port 22-31")]
    [TestCase("pass port 20-30", "compare port 19-30")]
    [TestCase("pass tcp port 20-30", "compare tcp")]
    [TestCase("pass net 10.1.0.0/16", "compare net 10.0.0.0/8")]
    [TestCase("pass net 10.0.0.0/16", "compare net 10.0.0.0/8")]
    [TestCase("pass net 10.0.0.0/8", "compare net 11.0.0.0/8")]
    [TestCase("pass net 0.0.0.0/0", "compare net ::/0")]
    [TestCase("pass net ::/0", "compare net 10.0.0.0/8")]
    [TestCase("pass net 10.0.0.0/8", "compare tcp")]
    [TestCase("pass vlan 5", "drop vlan 6")]
    [TestCase("pass udp vlan 5", "drop vlan 5")]
    public void A_rule_that_still_takes_something_is_good(string earlier, string later)
    {
        Assert.That(Load(Json(earlier, later)).Engine.Policies, Has.Count.EqualTo(2));
    }

    [Test]
    public void Rules_keep_their_order()
    {
        Assert.That(Load(Json(TwoRules)).Engine.Policies, Is.EqualTo(TwoRulesRead));
        Assert.That(Load(Json([.. TwoRules.Reverse()])).Engine.Policies, Is.EqualTo(TwoRulesRead.Reverse()));
    }

    private static IEnumerable<TestCaseData> CommandLines()
    {
        yield return new TestCaseData(new[] { "--policies", TwoRules[0], "--policies", TwoRules[1] }, null)
            .SetArgDisplayNames("repeated");
        yield return new TestCaseData(new[] { "--policies", string.Join(", ", TwoRules) }, null).SetArgDisplayNames("commas");
        yield return new TestCaseData(Array.Empty<string>(), $"{{ \"policies\": \"{string.Join(',', TwoRules)}\" }}")
            .SetArgDisplayNames("text");
        yield return new TestCaseData(Array.Empty<string>(), Json(TwoRules)).SetArgDisplayNames("array");
        yield return new TestCaseData(new[] { "--policies", string.Join(',', TwoRules) }, Json("drop"))
            .SetArgDisplayNames("overriding");
    }

    [TestCaseSource(nameof(CommandLines))]
    public void Rules_are_an_array_in_the_file_and_commas_or_repetition_on_the_command_line(string[] arguments, string? file)
    {
        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, "policies.json");
        File.WriteAllText(path, file ?? "{}");
        Assert.That(Bind([.. PortArguments, "--config", path, .. arguments], Machine).Engine.Policies, Is.EqualTo(TwoRulesRead));
    }

    [TestCase("5", "5 is no list: " + Grammar + ", for example pass udp port 123")]
    [TestCase("null", "null is no list: " + Grammar + ", for example pass udp port 123")]
    [TestCase("[5]", "rule 1, 5: no text: " + Grammar + ", for example pass udp port 123")]
    [TestCase("[\"drop vlan 5\", [\"pass\"]]", "rule 2, [\"pass\"]: no text: " + Grammar + ", for example pass udp port 123")]
    [TestCase("[\"drop vlan 5, pass\"]", "rule 1, 'drop vlan 5, pass': '5,' is no VLAN: 0 to 4095")]
    public void What_is_no_list_of_sentences_is_a_fault(string value, string fault)
    {
        AssertEqual(Faults($"{{ {RequiredPorts}, \"policies\": {value} }}"), "policies (colowire.json): " + fault);
    }

    [Test]
    public void Every_bad_rule_is_a_fault_and_one_line_of_exit_code_2()
    {
        using StringWriter errors = new();
        int code = Cli.Run(
            ["compare", "p.pcap", "s.pcap", "--policies", "allow udp,pass udp,drop vlan x,", "--policies", "pass tcp"],
            StandardOutputs.Of(TextWriter.Null, errors),
            TimeProvider.System);
        Assert.That(code, Is.EqualTo(ExitCodes.BadInput));
        AssertEqual(
            errors.ToString().TrimEnd().Split(Environment.NewLine),
            "colowire: --policies (command line): rule 1, 'allow udp': 'allow' is no action: compare, pass or drop",
            "colowire: --policies (command line): rule 3, 'drop vlan x': 'x' is no VLAN: 0 to 4095",
            "colowire: --policies (command line): rule 4, '': a rule is missing here: " + Grammar);
    }

    private static string Json(params string[] rules) =>
        $"{{ {RequiredPorts}, \"policies\": {JsonSerializer.Serialize(rules)} }}";
}
