// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Engine.Fragments;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

public sealed class ReassemblerBitRangeTests
{
    private const int Bits = 192;

    [Test]
    public void Every_range_sets_and_counts_exactly_its_bits()
    {
        for (int from = 0; from < Bits; from++)
        {
            for (int to = from; to <= Bits; to++)
            {
                ulong[] words = new ulong[Bits / 64];
                BitRange.Set(words, from, to);
                Assert.That(
                    Enumerable.Range(0, Bits).Where(bit => BitRange.IsSet(words, bit)), Is.EqualTo(Enumerable.Range(from, to - from)));
                Assert.That(BitRange.Count([ulong.MaxValue, ulong.MaxValue, ulong.MaxValue], from, to), Is.EqualTo(to - from));
            }
        }
    }
}
