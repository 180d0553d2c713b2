// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ColoWire.Benchmarks.Micro;

/// <summary>
/// Hand-written equality, one loop for each width of a register: whole registers from the front, and a last one that ends with
/// the last byte and overlaps the one before. Ranges shorter than a register go to the next narrower loop.
/// </summary>
internal static class EqualityLoops
{
    /// <summary>A byte at a time.</summary>
    public static bool Scalar(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        for (int i = 0; i < left.Length; i++)
        {
            if (left[i] != right[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Eight bytes at a time.</summary>
    public static bool Words(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        nuint length = (uint)left.Length;
        if (length < sizeof(ulong))
        {
            return Scalar(left, right);
        }

        ref byte a = ref MemoryMarshal.GetReference(left);
        ref byte b = ref MemoryMarshal.GetReference(right);
        nuint last = length - sizeof(ulong);
        for (nuint i = 0; i < last; i += sizeof(ulong))
        {
            if (Word(ref a, i) != Word(ref b, i))
            {
                return false;
            }
        }

        return Word(ref a, last) == Word(ref b, last);
    }

    /// <summary>16 bytes at a time.</summary>
    public static bool By128(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        nuint length = (uint)left.Length;
        if (length < (uint)Vector128<byte>.Count)
        {
            return Words(left, right);
        }

        ref byte a = ref MemoryMarshal.GetReference(left);
        ref byte b = ref MemoryMarshal.GetReference(right);
        nuint last = length - (uint)Vector128<byte>.Count;
        for (nuint i = 0; i < last; i += (uint)Vector128<byte>.Count)
        {
            if (Vector128.LoadUnsafe(ref a, i) != Vector128.LoadUnsafe(ref b, i))
            {
                return false;
            }
        }

        return Vector128.LoadUnsafe(ref a, last) == Vector128.LoadUnsafe(ref b, last);
    }

    /// <summary>32 bytes at a time.</summary>
    public static bool By256(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        nuint length = (uint)left.Length;
        if (length < (uint)Vector256<byte>.Count)
        {
            return By128(left, right);
        }

        ref byte a = ref MemoryMarshal.GetReference(left);
        ref byte b = ref MemoryMarshal.GetReference(right);
        nuint last = length - (uint)Vector256<byte>.Count;
        for (nuint i = 0; i < last; i += (uint)Vector256<byte>.Count)
        {
            if (Vector256.LoadUnsafe(ref a, i) != Vector256.LoadUnsafe(ref b, i))
            {
                return false;
            }
        }

        return Vector256.LoadUnsafe(ref a, last) == Vector256.LoadUnsafe(ref b, last);
    }

    /// <summary>64 bytes at a time.</summary>
    public static bool By512(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        nuint length = (uint)left.Length;
        if (length < (uint)Vector512<byte>.Count)
        {
            return By256(left, right);
        }

        ref byte a = ref MemoryMarshal.GetReference(left);
        ref byte b = ref MemoryMarshal.GetReference(right);
        nuint last = length - (uint)Vector512<byte>.Count;
        for (nuint i = 0; i < last; i += (uint)Vector512<byte>.Count)
        {
            if (Vector512.LoadUnsafe(ref a, i) != Vector512.LoadUnsafe(ref b, i))
            {
                return false;
            }
        }

        return Vector512.LoadUnsafe(ref a, last) == Vector512.LoadUnsafe(ref b, last);
    }

    /// <summary>256 bytes at a time with one test, then 64 at a time.</summary>
    public static bool By512Unrolled(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        const int Block = 4 * 64;
        nuint length = (uint)left.Length;
        if (length < Block)
        {
            return By512(left, right);
        }

        ref byte a = ref MemoryMarshal.GetReference(left);
        ref byte b = ref MemoryMarshal.GetReference(right);
        nuint i = 0;
        for (; i + Block <= length; i += Block)
        {
            Vector512<byte> difference =
                (Difference512(ref a, ref b, i) | Difference512(ref a, ref b, i + 64))
                | (Difference512(ref a, ref b, i + 128) | Difference512(ref a, ref b, i + 192));
            if (difference != Vector512<byte>.Zero)
            {
                return false;
            }
        }

        nuint last = length - (uint)Vector512<byte>.Count;
        for (; i < last; i += (uint)Vector512<byte>.Count)
        {
            if (Vector512.LoadUnsafe(ref a, i) != Vector512.LoadUnsafe(ref b, i))
            {
                return false;
            }
        }

        return Vector512.LoadUnsafe(ref a, last) == Vector512.LoadUnsafe(ref b, last);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Word(ref byte from, nuint offset) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref from, offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Difference512(ref byte a, ref byte b, nuint offset) =>
        Vector512.LoadUnsafe(ref a, offset) ^ Vector512.LoadUnsafe(ref b, offset);
}
