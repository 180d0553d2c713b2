// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;

namespace ColoWire.Reports;

/// <summary>The names of enum values in reports: the names of the code in snake_case.</summary>
internal static class CounterNames
{
    /// <summary>The name of one value.</summary>
    public static string Of<T>(T value)
        where T : struct, Enum => Names<T>.Known.TryGetValue(value, out string? name) ? name : Names<T>.Make(value);

    /// <summary>The names of all values, in the order of the values, which count from 0.</summary>
    public static IReadOnlyList<string> All<T>()
        where T : struct, Enum => Names<T>.InOrder;

    /// <summary>Made once, because counters are shown each second.</summary>
    private static class Names<T>
        where T : struct, Enum
    {
        public static readonly string[] InOrder = [.. Enum.GetValues<T>().Select(Make)];

        public static readonly Dictionary<T, string> Known = Enum.GetValues<T>().Distinct().ToDictionary(value => value, Make);

        public static string Make(T value) => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
    }
}
