// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Wire;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

public sealed class ByteEqualityTests
{
    private const int MostBytes = 300;

    // Offsets: both at the beginning of a cache line, each elsewhere in a line, and where payloads begin.
    private static readonly (int Left, int Right)[] Offsets = [(0, 0), (1, 0), (0, 63), (42, 42), (42, 47), (54, 31)];

    [Test]
    public void Equal_bytes_have_no_difference_whatever_their_length_and_place()
    {
        byte[] left = Numbers(MostBytes + 64);
        byte[] right = new byte[MostBytes + 64];
        foreach ((int leftOffset, int rightOffset) in Offsets)
        {
            for (int length = 0; length <= MostBytes; length++)
            {
                // The bytes before and after both ranges differ.
                Array.Fill(right, (byte)0xEE);
                left.AsSpan(leftOffset, length).CopyTo(right.AsSpan(rightOffset));
                int found = ByteEquality.FirstDifference(left.AsSpan(leftOffset, length), right.AsSpan(rightOffset, length));
                Assert.That(found, Is.EqualTo(-1), $"{length} bytes at {leftOffset} and {rightOffset}");
            }
        }
    }

    [Test]
    public void The_first_of_two_differences_is_found_wherever_it_is()
    {
        byte[] left = Numbers(MostBytes + 64);
        byte[] right = new byte[MostBytes + 64];
        foreach ((int leftOffset, int rightOffset) in Offsets)
        {
            for (int length = 1; length <= MostBytes; length++)
            {
                Span<byte> whole = right.AsSpan(rightOffset, length);
                left.AsSpan(leftOffset, length).CopyTo(whole);
                // From the last byte to the first, so that all bytes behind the changed one differ, too.
                for (int position = length - 1; position >= 0; position--)
                {
                    whole[position] ^= 0x10;
                    int found = ByteEquality.FirstDifference(left.AsSpan(leftOffset, length), whole);
                    if (found != position)
                    {
                        Assert.Fail($"{found}, not {position} of {length} bytes at {leftOffset} and {rightOffset}");
                    }
                }
            }
        }
    }

    [Test]
    public void A_single_difference_is_found_wherever_it_is()
    {
        byte[] left = Numbers(MostBytes);
        byte[] right = [.. left];
        for (int length = 1; length <= MostBytes; length++)
        {
            for (int position = 0; position < length; position++)
            {
                right[position] ^= 0x80;
                int found = ByteEquality.FirstDifference(left.AsSpan(0, length), right.AsSpan(0, length));
                right[position] ^= 0x80;
                if (found != position)
                {
                    Assert.Fail($"{found}, not {position} of {length} bytes");
                }
            }
        }
    }

    [Test]
    public void Any_two_pieces_are_judged_as_by_a_loop() =>
        Gen.Select(Gen.Byte[0, 1].Array[0, 80], Gen.Byte[0, 1].Array[0, 80], Gen.Int[0, 80]).Sample((left, right, common) =>
        {
            // A common prefix, because random bytes nearly always differ in the first few.
            int shared = Math.Min(common, Math.Min(left.Length, right.Length));
            left.AsSpan(0, shared).CopyTo(right);
            return ByteEquality.FirstDifference(left, right) == ByLoop(left, right);
        });

    [TestCase(5, 9, ExpectedResult = 5)]
    [TestCase(9, 5, ExpectedResult = 5)]
    [TestCase(0, 1, ExpectedResult = 0)]
    [TestCase(200, 0, ExpectedResult = 0)]
    [TestCase(64, 65, ExpectedResult = 64)]
    [TestCase(0, 0, ExpectedResult = -1)]
    public int A_prefix_differs_where_it_ends(int leftBytes, int rightBytes) =>
        ByteEquality.FirstDifference(Numbers(leftBytes), Numbers(rightBytes));

    [Test]
    public void Nothing_is_read_before_the_first_byte_or_behind_the_last()
    {
        // A read beyond either end touches an inaccessible page and ends the process.
        using GuardedPage left = new();
        using GuardedPage right = new();
        Numbers(GuardedPage.Bytes).CopyTo(left.Span);
        Numbers(GuardedPage.Bytes).CopyTo(right.Span);
        for (int length = 0; length <= MostBytes; length++)
        {
            Assert.That(ByteEquality.FirstDifference(left.Span[..length], right.Span[..length]), Is.EqualTo(-1));
            Assert.That(ByteEquality.FirstDifference(left.Span[^length..], right.Span[^length..]), Is.EqualTo(-1));
            if (length != 0)
            {
                right.Span[^1] ^= 1;
                Assert.That(ByteEquality.FirstDifference(left.Span[^length..], right.Span[^length..]), Is.EqualTo(length - 1));
                right.Span[^1] ^= 1;
            }
        }
    }

    private static int ByLoop(byte[] left, byte[] right)
    {
        int i = 0;
        while (i < left.Length && i < right.Length && left[i] == right[i])
        {
            i++;
        }

        return i == left.Length && i == right.Length ? -1 : i;
    }

    private static byte[] Numbers(int count)
    {
        byte[] numbers = new byte[count];
        for (int i = 0; i < count; i++)
        {
            numbers[i] = (byte)(i * 13);
        }

        return numbers;
    }
}
