// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Flows;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

public sealed class VerifiedRangesTests
{
    [Test]
    public void Never_believes_what_was_not_added_and_forgets_only_when_there_is_no_room() =>
        Gen.Select(Gen.UInt, Gen.Select(Gen.Int[0, 200], Gen.Int[1, 40]).List[1, 60]).Sample((origin, additions) =>
        {
            VerifiedRanges ranges = default;
            HashSet<uint> model = [];
            int mostPieces = 0;
            foreach ((int offset, int length) in additions)
            {
                uint start = origin + (uint)offset;
                ranges.Add(start, start + (uint)length);
                for (uint i = 0; i < length; i++)
                {
                    model.Add(start + i);
                }

                mostPieces = Math.Max(mostPieces, Pieces(model, origin));
                for (uint i = 0; i < 260; i++)
                {
                    bool contains = ranges.Contains(origin + i, out uint end);
                    Assert.That(!contains || model.Contains(origin + i), "contains only added bytes");
                    if (mostPieces <= EngineLimits.MaxVerifiedRanges)
                    {
                        Assert.That(contains, Is.EqualTo(model.Contains(origin + i)), "contains all added bytes");
                        Assert.That(!contains || !model.Contains(end), "the range does not end too early");
                    }
                }
            }
        });

    [Test]
    public void A_range_that_grows_for_ever_forgets_its_beginning_before_serial_arithmetic_fails()
    {
        VerifiedRanges ranges = default;
        uint at = 7;
        for (int i = 0; i < 100; i++)
        {
            ranges.Add(at, at + (1u << 26));
            at += 1u << 26;
            Assert.That(ranges.Contains(at - 1, out _), Is.True);
            Assert.That(ranges.Contains(at, out _), Is.False);
            Assert.That(ranges.Contains(at + (1u << 27), out _), Is.False, "the next bytes are not verified");
        }
    }

    [Test]
    public void Ranges_from_all_around_the_circle_make_nobody_believe_what_was_not_added() =>
        Gen.Select(Gen.UInt, Gen.Select(Gen.UInt[0, 7], Gen.UInt[0, 200], Gen.UInt[1, 40]).List[1, 60]).Sample((origin, additions) =>
        {
            VerifiedRanges ranges = default;
            HashSet<uint> model = [];
            foreach ((uint eighth, uint offset, uint length) in additions)
            {
                uint start = origin + (eighth << 29) + offset;
                ranges.Add(start, start + length);
                for (uint i = 0; i < length; i++)
                {
                    model.Add(start + i);
                }

                Assert.That(ranges.Covers(start, start + length), "an added range is covered, as the caller requires");
                for (uint i = 0; i < 8 * 260; i++)
                {
                    uint position = origin + ((i / 260) << 29) + (i % 260);
                    Assert.That(!ranges.Contains(position, out _) || model.Contains(position), "contains only added bytes");
                }
            }
        }, iter: 30);

    [Test]
    public void What_grows_for_ever_behind_a_hole_forgets_what_stands_before_the_hole_before_its_numbers_come_again()
    {
        VerifiedRanges ranges = default;
        ranges.Add(1000, 1100);
        ranges.Add(1200, 1300);
        uint at = 1300;
        const uint Step = 1u << 26;
        for (ulong bytes = Step; bytes < (1UL << 32) + EngineLimits.VerifiedBytes; bytes += Step)
        {
            uint end = at + Step;
            if (ranges.EndAtWithRoom(at, end))
            {
                ranges.AddBehind(end);
            }
            else
            {
                ranges.Add(at, end);
            }

            at = end;
            Assert.That(ranges.Contains(at - 1, out _), Is.True);
            bool isRemembered = bytes + 300 <= EngineLimits.MaxVerifiedSpanBytes;
            bool isSaidAgain = bytes >= 1UL << 32;
            Assert.That(ranges.Contains(1050, out _), Is.EqualTo(isRemembered || isSaidAgain), $"{bytes} bytes later");
        }
    }

    private static int Pieces(HashSet<uint> model, uint origin)
    {
        int pieces = 0;
        for (uint i = 0; i < 260; i++)
        {
            pieces += model.Contains(origin + i) && !model.Contains(origin + i - 1) ? 1 : 0;
        }

        return pieces;
    }
}
