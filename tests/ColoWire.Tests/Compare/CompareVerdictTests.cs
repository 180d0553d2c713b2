// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using ColoWire.Commands;
using ColoWire.Engine;
using ColoWire.Ports.Files;
using NUnit.Framework;

namespace ColoWire.Tests.Compare;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class CompareVerdictTests
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly CompareCase captures = new();

    [TearDown]
    public void TearDown() => captures.Dispose();

    [Test]
    public void Equal_captures_exit_0_and_the_output_is_the_primary_byte_for_byte()
    {
        captures
            .Both(0, TestFrame.Tcp("GET", 1000))
            .Both(1, TestFrame.Udp("question"))
            .Both(2, TestFrame.Udp("question", source: "2001:db8::1"))
            .Both(3, TestFrame.Arp())
            .Both(4, TestFrame.Tcp("POST", 1003));
        JsonObject report = captures.RunJson();
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Equal));
            Assert.That(CompareCase.Released(report), Is.EqualTo((4, 1, 0)));
            Assert.That(CompareCase.Divergences(report), Is.Empty);
            Assert.That(File.ReadAllBytes(captures.OutPath), Is.EqualTo(captures.Primary.ToArray()));
            Assert.That(captures.Errors, Is.Empty);
        });
    }

    [Test]
    public void A_flipped_byte_is_one_divergence_and_only_its_flow_goes_on_unverified()
    {
        captures.Both(0, TestFrame.Udp("first")).Both(10, TestFrame.Udp("other flow", 50_000));
        byte[] frame = TestFrame.Udp("a longer question");
        captures.Primary.At(20, frame);
        captures.Secondary.At(21, TestFrame.Flip(frame, TestFrame.UdpPayloadOffset + 9));
        captures.Both(130, TestFrame.Udp("third")).Both(140, TestFrame.Udp("other flow again", 50_000));
        JsonObject report = captures.RunJson();
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Diverged));
            Assert.That(CompareCase.Divergences(report), Is.EqualTo(new[] { ("payload", (int?)3, (int?)3, 9) }));
            Assert.That(CompareCase.Released(report), Is.EqualTo((3, 0, 2)));
            Assert.That(report["checkpoints"]!.GetValue<int>(), Is.EqualTo(1));
            Assert.That(File.ReadAllBytes(captures.OutPath), Is.EqualTo(captures.Primary.ToArray()));
        });
    }

    [Test]
    public void A_primary_frame_without_partner_is_judged_within_one_scan_of_the_timeout()
    {
        captures.Primary.At(0, TestFrame.Udp("lonely"));
        JsonObject report = captures.RunJson();
        long atNs = report["divergences"]![0]!["at_ns"]!.GetValue<long>() - CaptureScript.StartNs;
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Diverged));
            Assert.That(CompareCase.Divergences(report), Is.EqualTo(new[] { ("timeout", (int?)1, (int?)null, 0) }));
            Assert.That(atNs, Is.InRange(3000 * NanosecondsPerMs, 4000 * NanosecondsPerMs));
            Assert.That(CompareCase.Released(report), Is.EqualTo((0, 0, 1)));
            Assert.That(File.ReadAllBytes(captures.OutPath), Is.EqualTo(captures.Primary.ToArray()));
        });
    }

    [Test]
    public void A_secondary_frame_without_partner_is_judged_and_never_leaves()
    {
        captures.Secondary.At(0, TestFrame.Udp("lonely"));
        JsonObject report = captures.RunJson();
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Diverged));
            Assert.That(CompareCase.Divergences(report), Is.EqualTo(new[] { ("timeout", (int?)null, (int?)1, 0) }));
            Assert.That(CompareCase.Released(report), Is.EqualTo((0, 0, 0)));
            Assert.That(File.ReadAllBytes(captures.OutPath), Is.EqualTo(captures.Primary.ToArray()));
        });
    }

    [Test]
    public void An_acknowledgement_that_the_secondary_never_gave_is_a_divergence_at_the_end()
    {
        captures.Both(0, TestFrame.Tcp("data", 1000));
        captures.Primary.At(5, TestFrame.Tcp("", 1004, acknowledgement: 6000, flags: 0x10));
        JsonObject report = captures.RunJson();
        Assert.That(CompareCase.Divergences(report).Single(), Is.EqualTo(("ack", (int?)2, (int?)null, 0)));
    }

    [TestCase(7)]
    [TestCase(333)]
    [TestCase(1000)]
    public void A_partner_from_after_the_timeout_comes_too_late_although_no_frame_drives_the_clock(int scanCycleMs)
    {
        captures.Engine = new EngineOptions { CompareTimeoutMs = 500, ExpiredScanCycleMs = scanCycleMs };
        captures.Primary.At(0, TestFrame.Udp("late"));
        captures.Secondary.At(500 + (2 * scanCycleMs), TestFrame.Udp("late"));
        JsonObject report = captures.RunJson();
        long atNs = report["divergences"]![0]!["at_ns"]!.GetValue<long>() - CaptureScript.StartNs;
        Assert.Multiple(() =>
        {
            Assert.That(CompareCase.Divergences(report).Single().Reason, Is.EqualTo("timeout"));
            Assert.That(atNs, Is.InRange(500 * NanosecondsPerMs, (500 + scanCycleMs) * NanosecondsPerMs));
            Assert.That(report["drops"]!["secondary_after_divergence"]!.GetValue<int>(), Is.EqualTo(1));
        });
    }

    [Test]
    public void Scans_keep_their_cycle_when_frames_come_between_them()
    {
        captures.Engine = new EngineOptions { CompareTimeoutMs = 100, ExpiredScanCycleMs = 1000 };
        captures.Both(0, TestFrame.Udp("one")).Both(1300, TestFrame.Udp("two"));
        captures.Primary.At(1400, TestFrame.Udp("lonely", 50_000));
        captures.Both(9000, TestFrame.Udp("three"));
        long atNs = captures.RunJson()["divergences"]![0]!["at_ns"]!.GetValue<long>() - CaptureScript.StartNs;
        Assert.That(atNs, Is.InRange(1500 * NanosecondsPerMs, 2500 * NanosecondsPerMs));
    }

    [TestCase(false, CompareCommand.Diverged)]
    [TestCase(true, CompareCommand.Equal)]
    public void Align_makes_captures_of_two_hosts_start_together(bool align, int exitCode)
    {
        const double anHourMs = 3_600_000;
        captures.Align = align;
        for (int i = 0; i < 5; i++)
        {
            captures.Primary.At((100 * i) + anHourMs, TestFrame.Tcp("data", 1000 + ((uint)i * 4)));
            captures.Secondary.At(100 * i, TestFrame.Tcp("data", 1000 + ((uint)i * 4)));
        }

        captures.RunJson();
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(exitCode));
            Assert.That(File.ReadAllBytes(captures.OutPath), Is.EqualTo(captures.Primary.ToArray()));
        });
    }

    [Test]
    public void Many_frames_at_one_instant_need_few_slots()
    {
        captures.Engine = new EngineOptions { SlotsPerSide = EngineLimits.SlotsPerSide.Minimum };
        for (int i = 0; i < 5000; i++)
        {
            captures.Primary.At(0, TestFrame.Udp($"number {i}", (ushort)(1000 + (i % 7))));
            captures.Secondary.At(0, TestFrame.Udp($"number {i}", (ushort)(1000 + (i % 7))));
        }

        JsonObject report = captures.RunJson();
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Equal));
            Assert.That(CompareCase.Released(report), Is.EqualTo((5000, 0, 0)));
        });
    }

    [Test]
    public void A_lagging_secondary_with_too_few_slots_ends_in_overflow_and_loses_nothing()
    {
        captures.Engine = new EngineOptions { SlotsPerSide = EngineLimits.SlotsPerSide.Minimum };
        for (int i = 0; i < 1000; i++)
        {
            captures.Primary.At(0.01 * i, TestFrame.Udp($"number {i}"));
            captures.Secondary.At(1000 + (0.01 * i), TestFrame.Udp($"number {i}"));
        }

        JsonObject report = captures.RunJson();
        Assert.Multiple(() =>
        {
            Assert.That(CompareCase.Divergences(report).Single().Reason, Is.EqualTo("overflow"));
            Assert.That(CompareCase.Released(report), Is.EqualTo((0, 0, 1000)));
            Assert.That(File.ReadAllBytes(captures.OutPath), Is.EqualTo(captures.Primary.ToArray()));
        });
    }

    [Test]
    public void Every_flow_that_times_out_at_once_is_listed()
    {
        for (int i = 0; i < 3000; i++)
        {
            captures.Primary.At(0, TestFrame.Udp("lonely", (ushort)(1000 + i)));
        }

        JsonObject report = captures.RunJson();
        Assert.Multiple(() =>
        {
            Assert.That(report["divergences"]!.AsArray(), Has.Count.EqualTo(3000));
            Assert.That(report["divergences_total"]!.GetValue<int>(), Is.EqualTo(3000));
            Assert.That(CompareCase.Released(report), Is.EqualTo((0, 0, 3000)));
        });
    }

    [Test]
    [CancelAfter(20_000)]
    public void A_gap_of_years_costs_no_time(CancellationToken cancellation)
    {
        const double tenYearsMs = 10 * 365 * 86_400_000.0;
        captures.Engine = new EngineOptions { ExpiredScanCycleMs = 1 };
        captures.Cancellation = cancellation;
        captures.Both(0, TestFrame.Udp("before"));
        captures.Primary.At(100, TestFrame.Udp("lonely", 50_000));
        captures.Both(tenYearsMs, TestFrame.Udp("after"));
        JsonObject report = captures.RunJson();
        Assert.That(CompareCase.Released(report), Is.EqualTo((2, 0, 1)));
    }

    [Test]
    public void Timestamps_that_go_back_do_not_turn_the_clock_back()
    {
        foreach (int atMs in (ReadOnlySpan<int>)[500, 100, 900, 400])
        {
            captures.Both(atMs, TestFrame.Udp($"at {atMs}"));
        }

        captures.RunJson();
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Equal));
            Assert.That(File.ReadAllBytes(captures.OutPath), Is.EqualTo(captures.Primary.ToArray()));
        });
    }

    [Test]
    public void A_cut_off_frame_is_counted_and_the_others_keep_their_numbers()
    {
        byte[] frame = TestFrame.Udp("question");
        captures.Primary.At(0, frame, wireLength: (uint)frame.Length + 1).At(1, frame);
        captures.Secondary.At(1, TestFrame.Flip(frame, TestFrame.UdpPayloadOffset));
        JsonObject report = captures.RunJson();
        Assert.Multiple(() =>
        {
            Assert.That(CompareCase.Divergences(report), Is.EqualTo(new[] { ("payload", (int?)2, (int?)1, 0) }));
            Assert.That(report["drops"]!["primary_truncated"]!.GetValue<int>(), Is.EqualTo(1));
        });
    }

    [Test]
    public void The_same_captures_always_give_the_same_report_and_output()
    {
        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            byte[] frame = TestFrame.Udp($"number {i}", (ushort)(1000 + random.Next(50)));
            captures.Primary.At(i, frame);
            if (random.Next(40) != 0)
            {
                captures.Secondary.At(i + random.Next(30), random.Next(40) == 0 ? TestFrame.Flip(frame, 50) : frame);
            }
        }

        string first = captures.Run(json: true);
        byte[] firstOutput = File.ReadAllBytes(captures.OutPath);
        string second = captures.Run(json: true);
        JsonObject report = JsonNode.Parse(second)!.AsObject();
        (int verified, int passed, int unverified) = CompareCase.Released(report);
        Assert.Multiple(() =>
        {
            Assert.That(second, Is.EqualTo(first));
            Assert.That(File.ReadAllBytes(captures.OutPath), Is.EqualTo(firstOutput));
            Assert.That(CompareCase.Divergences(report), Is.Not.Empty);
            Assert.That(verified, Is.Positive);
            Assert.That(verified + passed + unverified + report["held_at_end"]!.GetValue<int>(), Is.EqualTo(2000));
        });
    }

    [Test]
    public void An_interrupted_comparison_ends_with_130_and_prints_nothing()
    {
        for (int i = 0; i < 5000; i++)
        {
            captures.Both(i, TestFrame.Udp("question"));
        }

        captures.Cancellation = new CancellationToken(canceled: true);
        Assert.Multiple(() =>
        {
            Assert.That(captures.Run(json: true), Is.Empty);
            Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Interrupted));
            Assert.That(captures.Errors, Is.Empty);
        });
    }

    [Test]
    public void Captures_without_frames_are_equal()
    {
        JsonObject report = captures.RunJson();
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Equal));
            Assert.That(CompareCase.Released(report), Is.EqualTo((0, 0, 0)));
        });
    }

    [Test]
    public void What_is_allocated_does_not_grow_with_the_frames()
    {
        const int allowedBytes = 4096;
        long few = AllocatedBytes(2_000);
        long many = AllocatedBytes(20_000);
        Assert.That(many - few, Is.LessThan(allowedBytes));

        static long AllocatedBytes(int frames)
        {
            using CompareCase captures = new();
            for (int i = 0; i < frames; i++)
            {
                captures.Both(i, TestFrame.Tcp("data", 1000 + ((uint)i * 4)));
            }

            // Once to compile and to fill caches, once to count.
            captures.RunJson();
            using FileCapturePort primary = new(captures.PrimaryPath);
            using FileCapturePort secondary = new(captures.SecondaryPath);
            using DiscardPort output = new();
            using CompareRun run = new(captures.Engine, primary, secondary, output, captures.Show);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.That(run.Run().Verified, Is.EqualTo(frames));
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
}
