// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Compare;
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
                    Assert.That(!contains || model.Contains(origin + i), "believes what was never added");
                    if (mostPieces <= EngineLimits.MaxVerifiedRanges)
                    {
                        Assert.That(contains, Is.EqualTo(model.Contains(origin + i)), "forgot without need");
                        Assert.That(!contains || !model.Contains(end), "ends too early");
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
            Assert.That(ranges.Contains(at + (1u << 27), out _), Is.False, "what comes next is not verified");
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
