// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Writing;

/// <summary>A line of a terminal that is rewritten in place.</summary>
internal static class TerminalLine
{
    /// <summary>Moves to the first column, and erases to the end of the line (ECMA-48, EL).</summary>
    public const string Erase = "\r\u001b[K";

    /// <summary>Whether the line of counters and the log go to the same terminal.</summary>
    public static bool IsSharedWithLog => !Console.IsOutputRedirected && !Console.IsErrorRedirected;

    /// <summary>The characters that replace the line by another text.</summary>
    public static string Rewrite(string text)
    {
        // A line that wraps could not be rewritten. A terminal whose width is not known has the width 0.
        int width = Console.WindowWidth > 1 ? Console.WindowWidth - 1 : text.Length;
        return Erase + text[..Math.Min(text.Length, width)];
    }
}
