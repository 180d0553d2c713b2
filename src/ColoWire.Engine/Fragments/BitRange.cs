// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Numerics;

namespace ColoWire.Engine.Fragments;

/// <summary>Counts and sets ranges of bits in an array of 64-bit words.</summary>
internal static class BitRange
{
    private const int WordBits = 64;

    /// <summary>Counts the set bits in a range, the end excluded.</summary>
    public static int Count(ReadOnlySpan<ulong> words, int from, int to)
    {
        int count = 0;
        for (int at = from; at < to; at = NextWord(at))
        {
            count += BitOperations.PopCount(words[at / WordBits] & Mask(at, to));
        }

        return count;
    }

    /// <summary>Sets the bits in a range, the end excluded.</summary>
    public static void Set(Span<ulong> words, int from, int to)
    {
        for (int at = from; at < to; at = NextWord(at))
        {
            words[at / WordBits] |= Mask(at, to);
        }
    }

    public static bool IsSet(ReadOnlySpan<ulong> words, int bit) => ((words[bit / WordBits] >> (bit % WordBits)) & 1) != 0;

    private static int NextWord(int at) => (at | (WordBits - 1)) + 1;

    private static ulong Mask(int from, int to)
    {
        ulong fromHere = ulong.MaxValue << (from % WordBits);
        return to < NextWord(from) ? fromHere & ((1ul << (to % WordBits)) - 1) : fromHere;
    }
}
