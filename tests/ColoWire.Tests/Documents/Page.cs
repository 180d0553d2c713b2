// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using ColoWire.Tests.Shared;

namespace ColoWire.Tests.Documents;

/// <summary>One Markdown page of the repository, taken apart as far as the tests of the pages need it.</summary>
internal sealed partial class Page
{
    private static readonly string[] Folders = ["native-config", "src", "tests", "perf"];

    /// <summary>Folders below these that hold no pages: what builds and benchmarks have made.</summary>
    private static readonly string[] Made = ["bin", "obj", "results", "TestResults"];

    private readonly string[] lines;

    private Page(string path)
    {
        Name = Path.GetRelativePath(Repository.Root, path);
        lines = File.ReadAllLines(path);
    }

    /// <summary>Its path from the root.</summary>
    public string Name { get; }

    /// <summary>The absolute path of its folder.</summary>
    public string Folder => Path.GetDirectoryName(Repository.PathOf(Name))!;

    /// <summary>Lines of prose: neither code nor tables.</summary>
    public IEnumerable<string> Prose => lines.Where(line => !IsCode(line) && !line.StartsWith('|'));

    /// <summary>Lines that are not code: prose and tables.</summary>
    public IEnumerable<string> Text => lines.Where(line => !IsCode(line));

    /// <summary>Commands and other words between backticks.</summary>
    public IEnumerable<string> InlineCode =>
        Text.SelectMany(line => Inline().Matches(line)).Select(match => match.Groups["code"].Value);

    /// <summary>The anchors that a link can name.</summary>
    public IEnumerable<string> Anchors =>
        Text.Where(line => line.StartsWith('#')).Select(line => Anchor(line.TrimStart('#').Trim()));

    /// <summary>Commands in blocks of code: one that a backslash continues is one line, and comments are left out.</summary>
    public IEnumerable<string> Commands =>
        Comment().Replace(Continuation().Replace(string.Join('\n', lines.Where(IsCode).Select(line => line[4..])), " "), "")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Every page of the repository.</summary>
    public static IEnumerable<Page> All => Folders
        .SelectMany(folder => Directory.EnumerateFiles(Repository.PathOf(folder), "*.md", SearchOption.AllDirectories))
        .Where(path => !Path.GetRelativePath(Repository.Root, path).Split('/').Intersect(Made).Any())
        .Append(Repository.PathOf("README.md"))
        .Order(StringComparer.Ordinal)
        .Select(path => new Page(path));

    /// <summary>Reads one.</summary>
    /// <param name="name">Its path from the root.</param>
    public static Page Read(string name) => new(Repository.PathOf(name));

    /// <summary>Its path from the root, which is the name of a test of it.</summary>
    public override string ToString() => Name;

    private static bool IsCode(string line) => line.StartsWith("    ", StringComparison.Ordinal);

    /// <summary>What hosts of repositories make of a heading: lower case, no punctuation, a hyphen for each space.</summary>
    private static string Anchor(string heading) => Punctuation().Replace(heading, "").ToLowerInvariant().Replace(' ', '-');

    [GeneratedRegex("`(?<code>[^`]+)`")]
    private static partial Regex Inline();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Punctuation();

    [GeneratedRegex(@" *\\\n *")]
    private static partial Regex Continuation();

    [GeneratedRegex("(^| +)#.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();
}
