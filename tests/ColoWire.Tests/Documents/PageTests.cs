// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using ColoWire.Tests.Shared;
using NUnit.Framework;

namespace ColoWire.Tests.Documents;

/// <summary>What the pages point to exists.</summary>
internal sealed partial class PageTests
{
    /// <summary>Columns of a line of prose.</summary>
    private const int MostColumns = 120;

    private static readonly Page[] Pages = [.. Page.All];

    [TestCaseSource(nameof(Pages))]
    public void Each_link_within_the_repository_leads_somewhere(Page page)
    {
        string[] broken = [.. page.Text.SelectMany(line => Link().Matches(line)).Select(match => match.Groups["target"].Value)
            .Where(target => !target.Contains("://") && !LeadsSomewhere(page, target))];
        Assert.That(broken, Is.Empty);
    }

    [TestCaseSource(nameof(Pages))]
    public void Each_file_that_is_named_exists(Page page)
    {
        IEnumerable<string> inText = page.InlineCode
            .SelectMany(code => code.Split(' ').Where((word, i) => IsPath(word) || (i == 0 && IsFile(word))));
        IEnumerable<string> inCommands = page.Commands
            .SelectMany(command => command.Split(' ').Where(word => IsPath(word) || word.StartsWith("./")));
        Assert.That(inText.Concat(inCommands).Distinct().Where(path => !Exists(page, path)), Is.Empty);
    }

    [TestCaseSource(nameof(Pages))]
    public void A_line_of_prose_has_120_columns_at_most(Page page) =>
        Assert.That(page.Prose.Where(line => line.Length > MostColumns), Is.Empty);

    private static bool LeadsSomewhere(Page page, string target)
    {
        string[] parts = target.Split('#', 2);
        string path = parts[0].Length == 0 ? Repository.PathOf(page.Name) : Path.GetFullPath(Path.Combine(page.Folder, parts[0]));
        return parts.Length == 1
            ? Path.Exists(path)
            : File.Exists(path) && Page.Read(Path.GetRelativePath(Repository.Root, path)).Anchors.Contains(parts[1]);
    }

    private static bool Exists(Page page, string path) =>
        Path.Exists(Path.Combine(page.Folder, path)) || Path.Exists(Repository.PathOf(path));

    /// <summary>Whether a word is a path from the root.</summary>
    private static bool IsPath(string word) => FromRoot().IsMatch(word);

    /// <summary>Whether a word is the name of a file, from the page's folder or from the root.</summary>
    private static bool IsFile(string word) => FileName().IsMatch(word);

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^(native-config|src|tests|perf|runsettings|\.ci)/[\w./-]*$")]
    private static partial Regex FromRoot();

    [GeneratedRegex(@"^[\w.-][\w./-]*\.(sh|md|cs|json|service|conf|pcap|runsettings|c|py|sln)$")]
    private static partial Regex FileName();
}
