// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ColoWire.Engine.Compare;

/// <summary>Equality of two pieces of payload.</summary>
internal static class ByteEquality
{
    /// <summary>Finds the first difference.</summary>
    /// <returns>Its offset; the length of the shorter when that is a prefix of the longer; -1 when they are equal.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FirstDifference(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        return left.Length == right.Length && AreEqual(left, right) ? -1 : Search(left, right);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreEqual(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        nuint length = (uint)left.Length;
        if (length - (uint)Vector128<byte>.Count > (uint)Vector128<byte>.Count)
        {
            return left.SequenceEqual(right);
        }

        ref byte a = ref MemoryMarshal.GetReference(left);
        ref byte b = ref MemoryMarshal.GetReference(right);
        nuint last = length - (uint)Vector128<byte>.Count;
        Vector128<byte> difference = (Vector128.LoadUnsafe(ref a) ^ Vector128.LoadUnsafe(ref b))
            | (Vector128.LoadUnsafe(ref a, last) ^ Vector128.LoadUnsafe(ref b, last));
        return difference == Vector128<byte>.Zero;
    }

    /// <summary>Kept out of the way of what is equal.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Search(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        return left.CommonPrefixLength(right);
    }
}
