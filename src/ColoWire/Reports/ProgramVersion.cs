// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Reports;

/// <summary>The version of the program.</summary>
internal static class ProgramVersion
{
    /// <summary>Major, minor and patch number.</summary>
    public static string Text { get; } = typeof(ProgramVersion).Assembly.GetName().Version?.ToString(fieldCount: 3) ?? "unknown";
}
