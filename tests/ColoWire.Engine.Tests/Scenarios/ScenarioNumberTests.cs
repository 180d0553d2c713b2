// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>Checks that each scenario of the page has a test: the name of a test begins with the number of its
/// scenario.</summary>
public sealed partial class ScenarioNumberTests
{
    private static readonly int[] All = [.. Enumerable.Range(1, 99)];

    private const BindingFlags Anything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    /// <summary>Scenarios that the engine alone cannot test, with the place of their tests.</summary>
    private static readonly Dictionary<int, string> Elsewhere = new()
    {
        [87] = "of the stream port: ColoWire.Tests, StreamCapturePortTests",
        [96] = "the end of two captures is colowire compare's: ColoWire.Tests, CompareEndTests",
    };

    [Test]
    public void Every_scenario_has_a_test_of_its_number()
    {
        HashSet<int> shown = [.. typeof(ScenarioNumberTests).Assembly.GetTypes().SelectMany(type => type.GetMethods(Anything)).SelectMany(Numbers)];
        Assert.That(All.Except(shown), Is.EquivalentTo(Elsewhere.Keys), string.Join("; ", Elsewhere.Values));
        Assert.That(shown, Is.SubsetOf(All));
    }

    private static IEnumerable<int> Numbers(MethodInfo method)
    {
        if (!method.IsDefined(typeof(NUnitAttribute), inherit: false))
        {
            return [];
        }

        IEnumerable<int> ofName = ScenarioMethod().Match(method.Name).Groups["number"].Captures.Select(number => Parse(number.Value));
        return ofName.Concat(method.GetCustomAttributes<TestCaseSourceAttribute>().SelectMany(source => NumbersOfRows(method, source)));
    }

    private static IEnumerable<int> NumbersOfRows(MethodInfo method, TestCaseSourceAttribute source)
    {
        FieldInfo rows = method.DeclaringType!.GetField(source.SourceName!, Anything)!;
        return ((IEnumerable)rows.GetValue(null)!).Cast<object>()
            .Select(row => ScenarioRow().Match(row is object[] { Length: > 0 } parts ? $"{parts[0]}" : $"{row}").Groups["number"])
            .Where(number => number.Success)
            .Select(number => Parse(number.Value));
    }

    private static int Parse(string number) => int.Parse(number, CultureInfo.InvariantCulture);

    [GeneratedRegex("^Scenario_(?<number>[0-9]+)(_and_(?<number>[0-9]+))*_")]
    private static partial Regex ScenarioMethod();

    [GeneratedRegex("^(?<number>[0-9]+) ")]
    private static partial Regex ScenarioRow();
}
