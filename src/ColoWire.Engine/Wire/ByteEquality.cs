// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ColoWire.Engine.Wire;

/// <summary>Equality of two pieces of payload.</summary>
/// <remarks>
/// Chosen by measurement (EqualityBenchmarks in perf/; ns on an AMD EPYC of family 26, payloads out of step with the cache's lines):
/// <code>
/// bytes                                22     64    256   1458   9000
/// SequenceEqual                       1.9    2.1    5.0   25.5    154
/// CommonPrefixLength                  1.5    2.1    9.3   45.6    253
/// loop by hand, 16 bytes              2.0    2.7    9.3   46.2    251
/// loop by hand, 32 bytes              2.0    2.1    5.9   30.1    166
/// loop by hand, 64 bytes              2.0    2.3    5.2   27.2    139
/// loop by hand, 4 x 64 bytes          2.0    2.3    5.9   28.2    183
/// FirstDifference                     1.5    1.9    5.1   27.8    140
/// </code>
/// So the base class library judges what is long, in registers as wide as the processor has them; by hand is only what fits into two
/// registers of 8 or 16 bytes, for there its call would cost more than the comparison. Where a difference is, is looked for only when there
/// is one: that takes twice as long, and happens once in the life of a connection.
/// </remarks>
internal static class ByteEquality
{
    /// <summary>Finds the first difference.</summary>
    /// <returns>Its offset; the length of the shorter when that is a prefix of the longer; -1 when they are equal.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FirstDifference(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        AreEqual(left, right) ? -1 : left.CommonPrefixLength(right);

    /// <summary>Whether two pieces are the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreEqual(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (left.Length != right.Length)
        {
            return false;
        }

        // By hand, the front and the back: together all, and none beyond either end.
        ref byte a = ref MemoryMarshal.GetReference(left);
        ref byte b = ref MemoryMarshal.GetReference(right);
        switch (left.Length)
        {
            case >= 8 and <= 16:
                nuint back = (uint)left.Length - 8u;
                return ((Load64(ref a, 0) ^ Load64(ref b, 0)) | (Load64(ref a, back) ^ Load64(ref b, back))) == 0;
            case > 16 and <= 32:
                nuint last = (uint)left.Length - 16u;
                Vector128<byte> difference = (Vector128.LoadUnsafe(ref a) ^ Vector128.LoadUnsafe(ref b))
                    | (Vector128.LoadUnsafe(ref a, last) ^ Vector128.LoadUnsafe(ref b, last));
                return difference == Vector128<byte>.Zero;
            default:
                return left.SequenceEqual(right);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Load64(ref byte start, nuint offset) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.AddByteOffset(ref start, offset));
}
