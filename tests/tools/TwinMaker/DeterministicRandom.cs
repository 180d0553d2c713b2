// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.TwinMaker;

/// <summary>SplitMix64: the same seed gives the same choices on every machine and every runtime.</summary>
internal sealed class DeterministicRandom
{
    private ulong _state;

    private DeterministicRandom(ulong state) => _state = state;

    /// <summary>Each purpose draws from a sequence of its own, so that a new transformation does not change the choices of the
    /// others.</summary>
    public static DeterministicRandom For(int seed, string purpose)
    {
        const ulong fnvOffset = 14695981039346656037;
        const ulong fnvPrime = 1099511628211;
        ulong state = fnvOffset ^ (ulong)seed;
        foreach (char letter in purpose)
            state = (state ^ letter) * fnvPrime;
        return new DeterministicRandom(state);
    }

    /// <summary>A number from <paramref name="least"/> to <paramref name="most"/>, both included.</summary>
    public int Between(int least, int most) => least + (int)(Next() % ((ulong)((long)most - least) + 1));

    public bool Chance(int percent) => Between(1, 100) <= percent;

    public uint Next32() => (uint)(Next() >> 32);

    private ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong mixed = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
