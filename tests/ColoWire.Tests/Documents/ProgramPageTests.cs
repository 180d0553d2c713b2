// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using ColoWire.Control;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Fragments;
using ColoWire.Options;
using ColoWire.Reports;
using ColoWire.Tests.Control;
using ColoWire.Tests.Program;
using ColoWire.Tests.Shared;
using NUnit.Framework;

namespace ColoWire.Tests.Documents;

/// <summary>The page of the program has every option, order, member of its JSON, and name of a counter.</summary>
internal sealed class ProgramPageTests
{
    private const string PageName = "src/ColoWire/README.md";

    private static readonly HashSet<string> Described = [.. Page.Read(PageName).InlineCode];

    [Test]
    public void Its_table_of_options_is_what_the_options_generate() => Assert.That(
        File.ReadAllText(Repository.PathOf(PageName)),
        Does.EndWith(OptionDocuments.Markdown()),
        "regenerate it: colowire options --markdown");

    [Test]
    public void It_describes_every_order()
    {
        IEnumerable<string> names = ControlOrder.All.SelectMany(order => (string[])[order.Words, $"{order.Method} {order.Path}"]);
        Assert.That(names.Except(Described), Is.Empty);
    }

    [Test]
    public void It_describes_every_member_of_the_status()
    {
        using ControlRig rig = new();
        Assert.That(Members(rig.Order("status").Answer).Except(Described), Is.Empty);
    }

    [TestCase("run --json --primary-in file:{0}/mixed.pcap --secondary-in file:{0}/mixed.secondary.pcap --outdev file:/dev/null")]
    [TestCase("compare --json {0}/mixed.pcap {0}/mixed.flipped.pcap")]
    [TestCase("interfaces --json")]
    public void It_describes_every_member_of_what_a_command_prints(string words)
    {
        (_, string output, _) = ShellProgram.Run("COLOWIRE " + words.Replace("{0}", Repository.PathOf("tests/fixtures")));
        string last = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        using JsonDocument document = JsonDocument.Parse(last);
        Assert.That(Members(document.RootElement).Except(Described), Is.Empty);
    }

    [Test]
    public void It_describes_every_name_of_a_counter()
    {
        IEnumerable<string> names = CounterNames.All<DivergenceReason>().Concat(CounterNames.All<UnverifiedReason>())
            .Concat(CounterNames.All<DropReason>()).Concat(CounterNames.All<ToleratedField>()).Concat(CounterNames.All<NotComparedReason>())
            .Concat(CounterNames.All<MalformedKind>()).Concat(CounterNames.All<DatagramOutcome>())
            .Concat(CounterNames.All<Protection>());
        Assert.That(names.Except(Described), Is.Empty);
    }

    private static IEnumerable<string> Members(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member => Members(member.Value).Prepend(member.Name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Members),
        _ => [],
    };
}
