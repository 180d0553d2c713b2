// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Ports.Linux;
using NUnit.Framework;

namespace ColoWire.Tests.Ports;

internal sealed class NumberRangesTests
{
    [TestCase("", new int[] { })]
    [TestCase("\n", new int[] { })]
    [TestCase("3\n", new[] { 3 })]
    [TestCase("0-2,7", new[] { 0, 1, 2, 7 })]
    [TestCase(" 4 , 2-3 ", new[] { 4, 2, 3 })]
    public void Lists_in_the_kernels_form_are_parsed(string text, int[] expected)
    {
        Assert.That(NumberRanges.TryParse(text, 7, out IReadOnlyList<int> numbers), Is.True);
        Assert.That(numbers, Is.EqualTo(expected));
    }

    [TestCase("a")]
    [TestCase("1,")]
    [TestCase("3-1")]
    [TestCase("8")]
    [TestCase("-1")]
    [TestCase("1-2-3")]
    public void Anything_else_is_refused(string text) => Assert.That(NumberRanges.TryParse(text, 7, out _), Is.False);
}
