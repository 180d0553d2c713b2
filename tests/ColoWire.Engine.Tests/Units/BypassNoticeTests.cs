// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Checkpoint;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

internal sealed class BypassNoticeTests
{
    [TestCase(7L, 0L, 7L)]
    [TestCase(0L, 7L, 7L)]
    [TestCase(0L, 0L, 0L)]
    public void Of_two_notices_the_one_with_the_longest_time_is_taken_once(long first, long second, long taken)
    {
        BypassNotice notice = new();
        notice.Give(first);
        notice.Give(second);
        Assert.That(notice.TryTake(out long forNs), Is.True);
        Assert.That(forNs, Is.EqualTo(taken));
        Assert.That(notice.TryTake(out _), Is.False);
    }
}
