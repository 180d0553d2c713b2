// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Options;

/// <summary>Finds the known name that is nearest to a mistyped one.</summary>
internal static class EditDistance
{
    /// <summary>The known name with the fewest edits from the given one.</summary>
    public static string Nearest(string name, IEnumerable<string> known)
    {
        string nearest = string.Empty;
        int least = int.MaxValue;
        foreach (string candidate in known)
        {
            int distance = Between(name, candidate);
            if (distance < least)
            {
                least = distance;
                nearest = candidate;
            }
        }

        return nearest;
    }

    /// <summary>Characters to insert, delete or replace until one name is the other (Levenshtein).</summary>
    public static int Between(string left, string right)
    {
        int[] row = new int[right.Length + 1];
        for (int j = 0; j <= right.Length; j++)
        {
            row[j] = j;
        }

        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int replace = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[right.Length];
    }
}
