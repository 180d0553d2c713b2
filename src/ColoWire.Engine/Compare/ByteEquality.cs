// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;

namespace ColoWire.Engine.Compare;

/// <summary>Equality of two pieces of payload.</summary>
internal static class ByteEquality
{
    /// <summary>Finds the first difference.</summary>
    /// <returns>Its offset; the length of the shorter when that is a prefix of the longer; -1 when they are equal.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FirstDifference(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        int common = left.CommonPrefixLength(right);
        return common == left.Length && common == right.Length ? -1 : common;
    }
}
