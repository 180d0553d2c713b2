// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using ColoWire.Tests.Shared;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>
/// Holds <c>tests/SCENARIOS.md</c> against the tests. A test names its scenario at the beginning of its own name
/// (<c>Scenario_NUMBER_</c>), or at the beginning of a row of its table.
/// </summary>
public sealed partial class ScenarioNumberTests
{
    private const BindingFlags Anything =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    private static readonly Dictionary<string, bool> IsPlanned = ReadPage();

    private static readonly HashSet<string> Shown = [.. OfThisProject(), .. OfOtherProjects()];

    [Test]
    public void The_page_has_the_scenarios_in_the_order_of_their_numbers()
    {
        int[] numbers =
            [.. IsPlanned.Keys.Select(number => int.Parse(number.TrimEnd('a', 'b', 'c', 'd'), CultureInfo.InvariantCulture))];
        Assert.That(numbers, Is.Ordered);
        Assert.That(numbers.Distinct(), Is.EqualTo(Enumerable.Range(1, numbers.Max())), "a number is missing");
    }

    [Test]
    public void Every_scenario_that_is_not_planned_has_a_test_of_its_number() =>
        Assert.That(IsPlanned.Where(scenario => !scenario.Value).Select(scenario => scenario.Key).Except(Shown), Is.Empty);

    [Test]
    public void No_planned_scenario_has_a_test() =>
        Assert.That(IsPlanned.Where(scenario => scenario.Value).Select(scenario => scenario.Key).Intersect(Shown), Is.Empty);

    [Test]
    public void Every_number_that_a_test_names_is_a_scenario_of_the_page() => Assert.That(Shown.Except(IsPlanned.Keys), Is.Empty);

    private static Dictionary<string, bool> ReadPage() => File.ReadLines(Repository.PathOf("tests/SCENARIOS.md"))
        .Select(line => ScenarioOfPage().Match(line))
        .Where(match => match.Success)
        .ToDictionary(match => match.Groups["number"].Value, match => match.Groups["planned"].Success);

    private static IEnumerable<string> OfThisProject() =>
        typeof(ScenarioNumberTests).Assembly.GetTypes().SelectMany(type => type.GetMethods(Anything)).SelectMany(Numbers);

    /// <summary>Their assemblies are not loaded here, so their sources are read.</summary>
    private static IEnumerable<string> OfOtherProjects() => Directory
        .EnumerateFiles(Repository.PathOf("tests"), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.StartsWith(Repository.PathOf("tests/ColoWire.Engine.Tests/"), StringComparison.Ordinal))
        .Select(File.ReadAllText)
        .SelectMany(source => TestOfSource().Matches(source).SelectMany(test => NumbersOfName(test.Groups["name"].Value))
            .Concat(RowOfSource().Matches(source).Select(row => row.Groups["number"].Value)));

    private static IEnumerable<string> Numbers(MethodInfo method)
    {
        if (!method.IsDefined(typeof(NUnitAttribute), inherit: false))
        {
            return [];
        }

        IEnumerable<TestCaseSourceAttribute> sources = method.GetCustomAttributes<TestCaseSourceAttribute>();
        return NumbersOfName(method.Name).Concat(sources.SelectMany(source => NumbersOfRows(method, source)));
    }

    private static IEnumerable<string> NumbersOfName(string name) =>
        ScenarioMethod().Match(name).Groups["number"].Captures.Select(number => number.Value);

    private static IEnumerable<string> NumbersOfRows(MethodInfo method, TestCaseSourceAttribute source)
    {
        FieldInfo rows = method.DeclaringType!.GetField(source.SourceName!, Anything)!;
        return ((IEnumerable)rows.GetValue(null)!).Cast<object>()
            .Select(row => ScenarioRow().Match(row is object[] { Length: > 0 } parts ? $"{parts[0]}" : $"{row}").Groups["number"])
            .Where(number => number.Success)
            .Select(number => number.Value);
    }

    [GeneratedRegex(@"^- \*\*(?<number>[0-9]+[a-z]?)\.\*\*(?<planned> \*\(planned\)\*)?")]
    private static partial Regex ScenarioOfPage();

    [GeneratedRegex("^Scenario_(?<number>[0-9]+[a-z]?)(_and_(?<number>[0-9]+[a-z]?))*_")]
    private static partial Regex ScenarioMethod();

    [GeneratedRegex("^(?<number>[0-9]+[a-z]?) ")]
    private static partial Regex ScenarioRow();

    [GeneratedRegex(@"^ *\[[^\n]*\]\n *public [A-Za-z ]+ (?<name>Scenario_\w+)\(", RegexOptions.Multiline)]
    private static partial Regex TestOfSource();

    [GeneratedRegex("^ *new\\(\"(?<number>[0-9]+[a-z]?) ", RegexOptions.Multiline)]
    private static partial Regex RowOfSource();
}
