// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Fuzz.Generating;

/// <summary>A fast pseudorandom number generator: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).</summary>
internal sealed class Dice(ulong seed)
{
    private ulong state = seed;

    public ulong Next()
    {
        state += 0x9E3779B97F4A7C15;
        ulong z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>A number from 0 to <paramref name="bound"/> - 1.</summary>
    public int Below(int bound) => (int)(((Next() >> 32) * (ulong)bound) >> 32);

    /// <summary>A number between two limits, both included.</summary>
    public int Between(int first, int last) => first + (int)(((Next() >> 32) * ((ulong)(uint)(last - first) + 1)) >> 32);

    /// <summary>True with a probability of one in the given number; never for 0.</summary>
    public bool OneIn(int times) => times > 0 && Below(times) == 0;

    /// <summary>A number between two limits, both included; each order of magnitude is equally likely.</summary>
    public int LogBetween(int first, int last)
    {
        double low = Math.Log(first + 1.0);
        double high = Math.Log(last + 1.0);
        double chosen = Math.Exp(low + ((Next() >> 11) * (1.0 / (1UL << 53)) * (high - low))) - 1;
        return Math.Clamp((int)Math.Round(chosen), first, last);
    }

    public T Pick<T>(ReadOnlySpan<T> from) => from[Below(from.Length)];

    public void Fill(Span<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i += sizeof(ulong))
        {
            ulong bits = Next();
            for (int k = i; k < Math.Min(bytes.Length, i + sizeof(ulong)); k++, bits >>= 8)
            {
                bytes[k] = (byte)bits;
            }
        }
    }
}
