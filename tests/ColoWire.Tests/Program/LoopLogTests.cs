// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Services;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>Frames of the guest that come back from the outside: a line when that begins, and one when it has ended.</summary>
internal sealed class LoopLogTests
{
    private const long SecondNs = 1_000_000_000;

    private readonly LogTests.LineCatcher lines = new();

    [SetUp]
    public void Clear() => lines.Text.Clear();

    [Test]
    public void A_loop_is_told_once_however_many_frames_come_back()
    {
        LoopLog log = new("pcap:eth3", lines);
        log.Look(0, 0);
        Assert.That(lines.Text, Is.Empty);
        for (int second = 1; second <= 600; second++)
        {
            log.Look(second * 1000L, second * SecondNs);
        }

        Assert.That(lines.Text, Has.Count.EqualTo(1));
        Assert.That(lines.Text[0], Does.StartWith("pcap:eth3: 1000 frames of the guest itself came back from the outside"));
        Assert.That(lines.Text[0], Does.Contain("bridge link").And.Contain("tc filter show dev IF ingress"));
    }

    [Test]
    public void The_end_of_a_loop_is_told_after_a_quiet_minute_and_the_next_one_anew()
    {
        LoopLog log = new("pcap:eth3", lines);
        log.Look(5, 10 * SecondNs);
        log.Look(5, (10 * SecondNs) + LoopLog.QuietNs - 1);
        Assert.That(lines.Text, Has.Count.EqualTo(1));
        log.Look(5, (10 * SecondNs) + LoopLog.QuietNs);
        Assert.That(lines.Text, Has.Count.EqualTo(2));
        log.Look(5, (20 * SecondNs) + LoopLog.QuietNs);
        Assert.That(lines.Text, Has.Count.EqualTo(2));
        Assert.That(
            lines.Text[1], Is.EqualTo(
                "pcap:eth3: no frame of the guest itself has come back from the outside for a minute; 5 since the start"));
        log.Look(8, (21 * SecondNs) + LoopLog.QuietNs);
        Assert.That(lines.Text, Has.Count.EqualTo(3));
        Assert.That(lines.Text[2], Does.StartWith("pcap:eth3: 3 frames of the guest itself came back from the outside"));
    }
}
