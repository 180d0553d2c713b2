// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ColoWire.Engine.Compare;

/// <summary>In which of their first 64 bytes two frames differ, found at once: bit n of a mask stands for byte n.</summary>
internal static class HeaderMask
{
    /// <summary>As many bytes as are looked at; every slot has room for them, whatever the frame's length.</summary>
    public const int Bytes = 64;

    /// <summary>Compares the first bytes of two frames.</summary>
    /// <param name="left">First byte of a frame.</param>
    /// <param name="right">First byte of another one.</param>
    /// <param name="length">How many bytes count, 64 at most.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(ref readonly byte left, ref readonly byte right, int length)
    {
        ulong counts = ulong.MaxValue >> (Bytes - length);
        if (Vector512.IsHardwareAccelerated)
        {
            return ~Vector512.Equals(Vector512.LoadUnsafe(in left), Vector512.LoadUnsafe(in right)).ExtractMostSignificantBits() & counts;
        }

        if (Vector256.IsHardwareAccelerated)
        {
            return (Differing256(in left, in right, 0) | ((ulong)Differing256(in left, in right, 32) << 32)) & counts;
        }

        ulong differing = 0;
        for (int at = 0; at < Bytes; at += Vector128<byte>.Count)
        {
            Vector128<byte> equal = Vector128.Equals(Vector128.LoadUnsafe(in left, (nuint)at), Vector128.LoadUnsafe(in right, (nuint)at));
            differing |= (ulong)(~equal).ExtractMostSignificantBits() << at;
        }

        return differing & counts;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Differing256(ref readonly byte left, ref readonly byte right, nuint at) =>
        ~Vector256.Equals(Vector256.LoadUnsafe(in left, at), Vector256.LoadUnsafe(in right, at)).ExtractMostSignificantBits();
}
