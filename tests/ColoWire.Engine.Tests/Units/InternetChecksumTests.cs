// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Wire;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

public sealed class InternetChecksumTests
{
    private const int MostBytes = 400;

    [Test]
    public void The_example_of_RFC_1071_sums_up_as_it_says() =>
        Assert.That(Sum([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]), Is.EqualTo(0xDDF2));

    [Test]
    public void Any_bytes_sum_up_as_word_by_word_wherever_they_begin() =>
        Gen.Select(Gen.Byte.Array[0, 3000], Gen.Int[0, 70]).Sample((bytes, start) =>
        {
            byte[] piece = bytes[Math.Min(start, bytes.Length)..];
            return Sum(bytes.AsSpan(bytes.Length - piece.Length)) == Checksums.Sum(piece);
        });

    [Test]
    public void No_carry_is_lost_however_long_and_full_the_bytes_are()
    {
        byte[] full = new byte[EngineLimits.MaxFrameBytes + MostBytes];
        Array.Fill(full, (byte)0xFF);
        foreach (int length in (int[])[1, 2, 3, 63, 64, 65, 4096, EngineLimits.MaxFrameBytes, full.Length - 1])
        {
            Assert.That(Sum(full.AsSpan(0, length)), Is.EqualTo(Checksums.Sum(full[..length])), $"{length} bytes");
        }
    }

    [Test]
    public void Nothing_is_read_before_the_first_byte_or_behind_the_last()
    {
        // A read beyond either end touches an inaccessible page and ends the process.
        using GuardedPage page = new();
        page.Span.Fill(0x5A);
        byte[] same = page.Span.ToArray();
        for (int length = 0; length <= MostBytes; length++)
        {
            ushort expected = Checksums.Sum(same[..length]);
            Assert.That(Sum(page.Span[..length]), Is.EqualTo(expected));
            Assert.That(Sum(page.Span[^length..]), Is.EqualTo(expected));
        }
    }

    [TestCase(0UL, ExpectedResult = 0)]
    [TestCase(0xFFFFUL, ExpectedResult = 0xFFFF)]
    [TestCase(0x1_0000UL, ExpectedResult = 1)]
    [TestCase(0x1_FFFF_FFFFUL, ExpectedResult = 1)]
    [TestCase(0x2_0000_FFFEUL, ExpectedResult = 1)]
    [TestCase(ulong.MaxValue, ExpectedResult = 0xFFFF)]
    public int Carries_come_in_at_the_other_end(ulong sum) => InternetChecksum.Fold(sum);

    [Test]
    public void Folding_is_the_remainder_by_65535_but_for_zero() =>
        Gen.ULong.Sample(sum => InternetChecksum.Fold(sum) == (sum == 0 ? 0 : ((sum - 1) % 0xFFFF) + 1), iter: 10_000);

    /// <summary>The sum as a number in network byte order.</summary>
    private static ushort Sum(ReadOnlySpan<byte> bytes)
    {
        ushort raw = InternetChecksum.RawSum(bytes);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(raw) : raw;
    }
}
