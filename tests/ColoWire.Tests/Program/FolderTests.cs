// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using ColoWire.Tests.Shared;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>The folders of the program use each other in one direction only.</summary>
internal sealed partial class FolderTests
{
    /// <summary>Each folder may use those before it.</summary>
    private static readonly string[] Order = ["Writing", "Reports", "Options", "Hosting", "Services", "Control", "Commands"];

    private static string Source => Repository.PathOf("src/ColoWire");

    [Test]
    public void The_order_names_every_folder()
    {
        IEnumerable<string> folders = Directory.GetFiles(Source, "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Source, Path.GetDirectoryName(file)!))
            .Where(folder => folder != "." && folder.Split('/')[0] is not ("bin" or "obj"));
        Assert.That(folders.Distinct(), Is.EquivalentTo(Order));
    }

    [TestCaseSource(nameof(Order))]
    public void A_folder_uses_only_those_before_it(string folder)
    {
        string[] allowed = Order[..(Array.IndexOf(Order, folder) + 1)];
        foreach (string file in Directory.GetFiles(Path.Combine(Source, folder), "*.cs"))
        {
            string[] used = [.. File.ReadLines(file).SelectMany(line => Use().Matches(line)).Select(match => match.Groups["folder"].Value)];
            Assert.That(used, Is.SubsetOf(allowed), file);
        }
    }

    [GeneratedRegex(@"^using ColoWire\.(?<folder>Commands|Control|Hosting|Options|Reports|Services|Writing);"
        + @"|^(?! *//).*?(?<![\w.])(?<folder>Commands|Control|Hosting|Reports|Services|Writing)\.[A-Z]"
        + @"|^(?! *//).*?(?<![\w.])(?<folder>Cli|Program)\.[A-Z]")]
    private static partial Regex Use();
}
