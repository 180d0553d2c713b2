// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// In which bytes of their headers two frames differ, found at once: bit n of a mask stands for byte n, the last bit for all bytes from
/// there on.
/// </summary>
internal static class HeaderMask
{
    /// <summary>As many bytes as are looked at in one go; every slot has room for them, whatever the frame's length.</summary>
    private const int Bytes = 64;

    /// <summary>Of a plain TCP segment (<see cref="FrameLayout.IsPlain"/>): ports, sequence number, acknowledgment, header length and flags.</summary>
    public const ulong PlaceInStream =
        ((1UL << (Tcp.FlagsOffset + 1)) - 1) << FrameLayout.PlainTransportOffset;

    /// <summary>Whether two frames are plain and their layers lie in the same places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreAlike(in FrameLayout left, in FrameLayout right) =>
        left.IsPlain && Whole(in left) == Whole(in right);

    /// <summary>Compares the headers of two frames.</summary>
    /// <param name="left">First byte of a frame.</param>
    /// <param name="right">First byte of another one.</param>
    /// <param name="length">How many bytes are headers.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(ref readonly byte left, ref readonly byte right, int length) => length <= Bytes
        ? OfFirst(in left, in right) & (ulong.MaxValue >> (Bytes - length))
        : OfFirst(in left, in right) | OfRest(in left, in right, length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong OfFirst(ref readonly byte left, ref readonly byte right)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            return ~Vector512.Equals(Vector512.LoadUnsafe(in left), Vector512.LoadUnsafe(in right)).ExtractMostSignificantBits();
        }

        if (Vector256.IsHardwareAccelerated)
        {
            return Differing256(in left, in right, 0) | ((ulong)Differing256(in left, in right, 32) << 32);
        }

        ulong differing = 0;
        for (int at = 0; at < Bytes; at += Vector128<byte>.Count)
        {
            Vector128<byte> equal = Vector128.Equals(Vector128.LoadUnsafe(in left, (nuint)at), Vector128.LoadUnsafe(in right, (nuint)at));
            differing |= (ulong)(~equal).ExtractMostSignificantBits() << at;
        }

        return differing;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong OfRest(ref readonly byte left, ref readonly byte right, int length)
    {
        ReadOnlySpan<byte> ours = MemoryMarshal.CreateReadOnlySpan(in left, length)[Bytes..];
        ReadOnlySpan<byte> theirs = MemoryMarshal.CreateReadOnlySpan(in right, length)[Bytes..];
        return ours.SequenceEqual(theirs) ? 0 : 1UL << (Bytes - 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Differing256(ref readonly byte left, ref readonly byte right, nuint at) =>
        ~Vector256.Equals(Vector256.LoadUnsafe(in left, at), Vector256.LoadUnsafe(in right, at)).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Whole(in FrameLayout layout) =>
        Unsafe.ReadUnaligned<Vector128<byte>>(in Unsafe.As<FrameLayout, byte>(ref Unsafe.AsRef(in layout)));
}
