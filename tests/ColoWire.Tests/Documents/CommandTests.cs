// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Linq;
using System.Text.RegularExpressions;
using ColoWire.Commands;
using ColoWire.Options;
using ColoWire.Tests.Program;
using ColoWire.Tests.Shared;
using ColoWire.Writing;
using NUnit.Framework;

namespace ColoWire.Tests.Documents;

/// <summary>The program accepts every command line of its own that the pages show.</summary>
internal sealed partial class CommandTests
{
    private static readonly string[] Lines = [.. Page.All
        .SelectMany(page => page.Commands.Concat(page.InlineCode))
        .Select(line => Start().Match(line))
        .Where(match => match.Success)
        .Select(match => match.Groups["arguments"].Value)
        // A placeholder for several words.
        .Where(line => !line.Contains("ORDER") && !line.Contains("..."))
        .Distinct()];

    private static readonly string[] Settings = [.. Page.All
        .SelectMany(page => page.Commands.Concat(page.InlineCode))
        .Where(line => Setting().IsMatch(line))
        .Distinct()];

    [TestCaseSource(nameof(Lines))]
    public void The_program_accepts_it(string line)
    {
        string[] words = Words(line);
        StandardOutputs outputs = StandardOutputs.Of(TestContext.Out, TestContext.Error);
        RootCommand root =
        [
            RunCommand.Create(Verbs.Run, outputs, TimeProvider.System), RunCommand.Create(Verbs.Observe, outputs, TimeProvider.System),
            CompareCommand.Create(TimeProvider.System), InterfacesCommand.Create(), CtlCommand.Create(), OptionsCommand.Create(),
        ];
        ParseResult parsed = root.Parse(words);
        Assert.That(parsed.UnmatchedTokens, Is.Empty);
        // A command is also named without what it needs: an order, or its ports.
        Assert.That(parsed.Errors.Where(error => error.SymbolResult is not CommandResult), Is.Empty);
        if (words.Contains("--primary-in"))
        {
            Assert.That(OptionCase.Faults(words[1..]), Is.Empty);
        }
    }

    [TestCaseSource(nameof(Settings))]
    public void The_program_accepts_it_in_its_file(string setting) =>
        Assert.That(OptionCase.Faults($"{{ {OptionCase.RequiredPorts}, {setting} }}"), Is.Empty);

    [Test]
    public void The_comparison_of_two_fixtures_ends_as_the_pages_say()
    {
        string line = Lines.Single(line => line.StartsWith("compare tests/fixtures/", StringComparison.Ordinal));
        (int code, string output, string errors) = ShellProgram.Run($"cd '{Repository.Root}' && COLOWIRE {line}");
        Assert.That((code, errors), Is.EqualTo((1, "")));
        Assert.That(output, Does.StartWith("diverged: 1 of 70 flows (payload 1)"));
    }

    /// <summary>The words as a shell makes them, with addresses in the place of names for hosts.</summary>
    private static string[] Words(string line) =>
        [.. Word().Matches(Host().Replace(line, "192.0.2.1")).Select(match => match.Value.Trim('"'))];

    [GeneratedRegex("^(/opt/colowire/colowire|colowire|dotnet run --project src/ColoWire --) (?<arguments>[a-z-].*)$")]
    private static partial Regex Start();

    [GeneratedRegex("^\"[a-z_]+\": ")]
    private static partial Regex Setting();

    [GeneratedRegex("\"[^\"]*\"|[^ ]+")]
    private static partial Regex Word();

    [GeneratedRegex("(?<=[:=])(PRIMARY|SECONDARY|COLOWIRE)\\b")]
    private static partial Regex Host();
}
