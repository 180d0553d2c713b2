// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using ColoWire.Commands;
using ColoWire.Engine;
using NUnit.Framework;

namespace ColoWire.Tests.Compare;

/// <summary>What real programs said, and what a second guest would have said in their place.</summary>
[TestFixture]
internal sealed class FixtureTests
{
    private const string PrimaryEnd = ".pcap";
    private const string SecondaryEnd = ".secondary.pcap";

    /// <summary>Where the fixtures are.</summary>
    internal static string Folder { get; } = FindFolder();

    private static IEnumerable<string> Pairs() => Directory.EnumerateFiles(Folder, "*" + SecondaryEnd)
        .Select(path => Path.GetFileName(path)[..^SecondaryEnd.Length])
        .Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Pairs))]
    public void A_pair_is_equal(string name)
    {
        (int exitCode, JsonNode report) = Compare(name + PrimaryEnd, name + SecondaryEnd);
        Assert.Multiple(() =>
        {
            Assert.That(report["divergences"]!.AsArray(), Is.Empty);
            Assert.That(report["released"]!["verified"]!.GetValue<int>(), Is.Positive);
            Assert.That(exitCode, Is.EqualTo(CompareCommand.Equal));
        });
    }

    [Test]
    public void The_flipped_byte_is_found_where_it_was_flipped()
    {
        JsonNode flipped = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "mixed.flipped.json")))!;
        (int exitCode, JsonNode report) = Compare("mixed.pcap", "mixed.flipped.pcap");
        JsonNode found = report["divergences"]!.AsArray().Single()!;
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.EqualTo(CompareCommand.Diverged));
            Assert.That(found["reason"]!.GetValue<string>(), Is.EqualTo("payload"));
            Assert.That(found["primary_frame"]!.GetValue<int>(), Is.EqualTo(flipped["primary_frame"]!.GetValue<int>()));
            Assert.That(found["offset"]!.GetValue<int>(), Is.EqualTo(flipped["offset"]!.GetValue<int>()));
            Assert.That(found["flow"]!["dport"]!.GetValue<int>(), Is.EqualTo(flipped["flow"]!["dport"]!.GetValue<int>()));
        });
    }

    private static (int ExitCode, JsonNode Report) Compare(string primary, string secondary)
    {
        CompareRequest request = new(Path.Combine(Folder, primary), Path.Combine(Folder, secondary), new EngineOptions())
        {
            Json = true,
        };
        using StringWriter output = new();
        using StringWriter errors = new();
        int exitCode = CompareCommand.Run(request, output, errors, CancellationToken.None);
        Assert.That(errors.ToString(), Is.Empty);
        return (exitCode, JsonNode.Parse(output.ToString())!);
    }

    private static string FindFolder()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "ColoWire.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return Path.Combine(folder ?? throw new DirectoryNotFoundException("ColoWire.sln"), "tests", "fixtures");
    }
}
