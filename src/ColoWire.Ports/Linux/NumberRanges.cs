// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;

namespace ColoWire.Ports.Linux;

/// <summary>Lists of numbers in the form of the kernel and of operators: <c>0-3,8</c> (List format of cpuset(7)).</summary>
public static class NumberRanges
{
    /// <summary>Parses a list.</summary>
    /// <param name="text">Numbers and ranges separated by commas, in any order; spaces around them are ignored. An empty text is
    /// an empty list.</param>
    /// <param name="greatest">The greatest number that is allowed.</param>
    /// <param name="numbers">Each number, in the order of the text.</param>
    /// <returns>False when the text is no such list.</returns>
    public static bool TryParse(string text, int greatest, out IReadOnlyList<int> numbers)
    {
        List<int> read = [];
        numbers = read;
        if (string.IsNullOrWhiteSpace(text))
        {
            return true;
        }

        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] ends = part.Split('-', 2);
            if (!TryParseNumber(ends[0], greatest, out int first)
                || !TryParseNumber(ends[^1], greatest, out int last)
                || last < first)
            {
                return false;
            }

            for (int number = first; number <= last; number++)
            {
                read.Add(number);
            }
        }

        return true;
    }

    private static bool TryParseNumber(string text, int greatest, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= greatest;
}
