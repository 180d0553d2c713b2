// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Text.Json;

namespace ColoWire.Reports;

/// <summary>How counters and their reasons are called in reports: the engine's own names in lower case with underscores.</summary>
internal static class CounterNames
{
    /// <summary>The name of one value.</summary>
    public static string Of<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}

/// <summary>What was counted under a name.</summary>
/// <param name="Name">Lower case with underscores.</param>
/// <param name="Count">How often.</param>
internal readonly record struct NamedCount(string Name, long Count);
