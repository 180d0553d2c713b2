// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text.Json;
using ColoWire.Commands;
using ColoWire.Ports.Linux;
using ColoWire.Reports;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

internal sealed class InterfacesTests
{
    private static readonly PortPermissions NoPermission = new(
        new("no permission", "setcap [x]"), new("nor for programs", "setcap [y]"));

    [Test]
    public void The_table_names_what_is_wrong_and_the_whole_command()
    {
        using StringWriter text = new(CultureInfo.InvariantCulture);
        InterfacesCommand.WriteTable(
            text, InterfacesReport.Of([Facts("eth1", isUp: true, gro: true), Facts("eth2", isUp: false)], NoPermission), 200);
        string table = text.ToString();
        Assert.That(table, Does.Match(@"eth1 .*e1000e .*up .*1500 .*no .*gro on"));
        Assert.That(table, Does.Contain("ethtool -K eth1 gro off").And.Contain("ip link set eth2 up"));
        Assert.That(table, Does.EndWith("no permission\n  setcap [x]\nnor for programs\n  setcap [y]\n"));
    }

    [TestCase(true, false, true)]
    [TestCase(false, false, false)]
    [TestCase(true, true, false)]
    public void Usable_is_what_is_up_and_may_be_opened(bool isUp, bool forbidden, bool usable)
    {
        using StringWriter text = new(CultureInfo.InvariantCulture);
        InterfacesCommand.WriteJson(text, InterfacesReport.Of([Facts("eth1", isUp)], forbidden ? NoPermission : default));
        using JsonDocument json = JsonDocument.Parse(text.ToString());
        JsonElement only = json.RootElement.GetProperty("interfaces")[0];
        Assert.That(only.GetProperty("usable").GetBoolean(), Is.EqualTo(usable));
        Assert.That(only.GetProperty("state").GetString(), Is.EqualTo(isUp ? "up" : "down"));
        Assert.That(only.GetProperty("problems").GetArrayLength(), Is.EqualTo(isUp ? 0 : 1));
        Assert.That(json.RootElement.GetProperty("problems").GetArrayLength(), Is.EqualTo(forbidden ? 2 : 0));
    }

    [Test]
    public void The_addresses_of_the_host_and_the_bridge_of_an_interface_are_shown()
    {
        InterfaceFacts facts = Facts("eth1", isUp: true) with { Addresses = ["192.0.2.1/24", "2001:db8::1/64"], Master = "br0" };
        InterfacesReport report = InterfacesReport.Of([facts, Facts("eth2", isUp: true)], default);
        using StringWriter table = new(CultureInfo.InvariantCulture);
        InterfacesCommand.WriteTable(table, report, 200);
        Assert.That(table.ToString(),
            Does.Match(@"│ eth1 [^\n]*│ 192\.0\.2\.1/24 +│[^\n]*\n[^\n]*│ 2001:db8::1/64 +│[^\n]*\n[^\n]*│ in br0 +│"));
        Assert.That(table.ToString(), Does.Match(@"│ eth2 +│ e1000e +│ up +│ 1500 +│ - +│ yes"));

        using StringWriter text = new(CultureInfo.InvariantCulture);
        InterfacesCommand.WriteJson(text, report);
        using JsonDocument json = JsonDocument.Parse(text.ToString());
        JsonElement first = json.RootElement.GetProperty("interfaces")[0];
        Assert.That(
            first.GetProperty("addresses").Deserialize<string[]>(), Is.EqualTo(new[] { "192.0.2.1/24", "2001:db8::1/64" }));
        Assert.That(first.GetProperty("master").GetString(), Is.EqualTo("br0"));
        JsonElement second = json.RootElement.GetProperty("interfaces")[1];
        Assert.That(second.GetProperty("addresses").GetArrayLength(), Is.Zero);
        Assert.That(second.GetProperty("master").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public void Without_permission_for_programs_an_interface_is_usable_all_the_same()
    {
        using StringWriter text = new(CultureInfo.InvariantCulture);
        InterfacesCommand.WriteJson(text, InterfacesReport.Of([Facts("eth1", isUp: true)], NoPermission with { Ports = null }));
        using JsonDocument json = JsonDocument.Parse(text.ToString());
        Assert.That(json.RootElement.GetProperty("interfaces")[0].GetProperty("usable").GetBoolean(), Is.True);
        Assert.That(json.RootElement.GetProperty("problems")[0].GetProperty("command").GetString(), Is.EqualTo("setcap [y]"));
    }

    [TestCase(1500, 0xFUL, 1, "zero_copy", null, @"zero copy +│ +│\n[^\n]*│ 1 receive queue +│")]
    [TestCase(1500, 0x7UL, 4, "native", "with a copy", @"native: with a copy +│ +│\n[^\n]*│ 4 receive queues +│")]
    [TestCase(1500, 0x7UL, null, "native", "with a copy", @"native: with a copy +│ +│\n╰")]
    [TestCase(1500, 0UL, 2, "generic", "not in its driver", @"generic: not in its driver")]
    [TestCase(1500, null, 2, "unknown", "reported from Linux 6.3 on", @"unknown: reported from Linux 6.3 on")]
    [TestCase(9000, 0xFUL, 2, "none", "MTU above 1770", @"no: MTU above 1770")]
    public void It_tells_how_well_an_interface_does_as_an_xdp_port(
        int mtu, ulong? features, int? queues, string support, string? why, string cell)
    {
        InterfaceFacts facts = Facts("eth1", isUp: true) with { Mtu = mtu, XdpFeatures = features, ReceiveQueues = queues };
        using StringWriter table = new(CultureInfo.InvariantCulture);
        InterfacesCommand.WriteTable(table, InterfacesReport.Of([facts], default), 200);
        Assert.That(table.ToString(), Does.Match(cell));

        using StringWriter text = new(CultureInfo.InvariantCulture);
        InterfacesCommand.WriteJson(text, InterfacesReport.Of([facts], default));
        using JsonDocument json = JsonDocument.Parse(text.ToString());
        JsonElement xdp = json.RootElement.GetProperty("interfaces")[0].GetProperty("xdp");
        Assert.That(xdp.GetProperty("support").GetString(), Is.EqualTo(support));
        Assert.That(xdp.GetProperty("why").GetString(), Is.EqualTo(why));
        Assert.That(xdp.GetProperty("receive_queues").Deserialize<int?>(), Is.EqualTo(queues));
    }

    [TestCase("tun", true)]
    [TestCase("veth", true)]
    [TestCase("macvlan", true)]
    [TestCase("ixgbe", false)]
    [TestCase(null, false)]
    public void Behind_a_virtual_interface_checksums_may_be_undone_which_is_told_last(string? driver, bool told)
    {
        InterfaceFacts facts = Facts("eth1", isUp: true, gro: true) with { Driver = driver };
        IReadOnlyList<InterfaceProblem> problems = InterfaceProblems.Of(facts);
        Assert.That(problems, Has.Count.EqualTo(told ? 2 : 1));
        Assert.That(problems[0].What, Does.StartWith("gro on"));
        Assert.That(problems[^1].What.Contains("partial_checksums", StringComparison.Ordinal), Is.EqualTo(told));
        Assert.That(problems[^1].Command == "ethtool -K IF tx off", Is.EqualTo(told));
    }

    private static InterfaceFacts Facts(string name, bool isUp, bool gro = false) => new()
    {
        Name = name,
        IsUp = isUp,
        IsRunning = isUp,
        Mtu = 1500,
        HardwareType = 1,
        Addresses = [],
        Master = null,
        IsPromiscuous = false,
        Driver = "e1000e",
        Offloads = new InterfaceOffloads(false, false, gro, false, false, false, false, false),
        Rings = null,
    };
}
