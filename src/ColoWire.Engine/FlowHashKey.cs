// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;

namespace ColoWire.Engine;

/// <summary>
/// The secret of the flow hash: 13 random words of 64 bits, one for each 32-bit word of a flow key and one more.
/// </summary>
[InlineArray(Words)]
public struct FlowHashKey : IEquatable<FlowHashKey>
{
    /// <summary>The number of words of a key.</summary>
    public const int Words = 13;

    private ulong first;

    /// <summary>Derives a key from a seed with the SplitMix64 generator. A live host passes a random seed.</summary>
    public static FlowHashKey FromSeed(ulong seed)
    {
        FlowHashKey key = default;
        for (int i = 0; i < Words; i++)
        {
            seed += 0x9E3779B97F4A7C15;
            ulong z = seed;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            key[i] = z ^ (z >> 31);
        }

        return key;
    }

    /// <inheritdoc/>
    public readonly bool Equals(FlowHashKey other) => ((ReadOnlySpan<ulong>)this).SequenceEqual(other);

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is FlowHashKey other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => this[0].GetHashCode();

    /// <summary>Equality of all words.</summary>
    public static bool operator ==(FlowHashKey left, FlowHashKey right) => left.Equals(right);

    /// <summary>Inequality of any word.</summary>
    public static bool operator !=(FlowHashKey left, FlowHashKey right) => !left.Equals(right);
}
