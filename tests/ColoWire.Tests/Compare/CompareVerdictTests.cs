// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Threading;
using ColoWire.Commands;
using ColoWire.Engine;
using ColoWire.Ports.Files;
using ColoWire.Reports;
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
    public void A_primary_frame_without_partner_is_reported_within_one_scan_of_the_timeout()
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
    public void A_secondary_frame_without_partner_is_reported_and_never_leaves()
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
            Assert.That(captures.ExitCode, Is.EqualTo(ExitCodes.Interrupted));
            Assert.That(captures.Errors, Is.Empty);
        });
    }

    [Test]
    public void Captures_without_frames_are_not_equal_because_nothing_was_compared() =>
        ExpectNothingCompared("nothing compared: the captures hold no frame");

    [Test]
    public void Captures_of_which_every_frame_is_cut_off_are_not_equal()
    {
        byte[] frame = TestFrame.Udp("question");
        captures.Primary.At(0, frame, wireLength: (uint)frame.Length + 1);
        captures.Secondary.At(1, TestFrame.Flip(frame, TestFrame.UdpPayloadOffset), wireLength: (uint)frame.Length + 1);
        ExpectNothingCompared("nothing compared: 2 frames held only in part, damaged, or too long");
    }

    [Test]
    public void Captures_of_frames_that_are_never_compared_are_not_equal()
    {
        captures.Both(0, TestFrame.Arp());
        ExpectNothingCompared("nothing compared: no frame is of a kind that is compared");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void One_cut_off_frame_beside_others_that_agree_is_not_equal(bool onPrimary)
    {
        byte[] frame = TestFrame.Udp("question");
        captures.Both(0, TestFrame.Udp("both"));
        (onPrimary ? captures.Primary : captures.Secondary).At(1, frame, wireLength: (uint)frame.Length + 1);
        string text = captures.RunText();
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Diverged));
            Assert.That(text, Does.StartWith("not all compared: 1 frame verified, 1 could not be compared\n"));
            Assert.That(captures.Errors, Is.Empty);
            Assert.That(captures.RunJson()["not_compared"]!.GetValue<int>(), Is.EqualTo(1));
        });
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_frame_whose_length_was_cut_beneath_its_header_is_not_compared(bool onPrimary)
    {
        // As a tool writes it that cuts frames and forgets how long they were.
        captures.Both(0, TestFrame.Udp("both"));
        (onPrimary ? captures.Primary : captures.Secondary).At(1, TestFrame.Udp("question")[..^3]);
        captures.RunJson();
        Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Diverged));
    }

    [Test]
    public void Hold_times_are_those_of_the_frames_after_a_clock_was_set_back_by_an_hour()
    {
        const double anHourMs = 3_600_000;
        foreach (double atMs in (ReadOnlySpan<double>)[anHourMs, anHourMs + 100, 0, 100, 200])
        {
            captures.Both(atMs, TestFrame.Udp($"at {atMs}"));
        }

        string text = captures.RunText();
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Equal));
            Assert.That(HeldMicroseconds(text), Has.All.LessThan(1000), text);
            Assert.That(text, Does.Contain("The primary's clock was set back before frame 3; time goes on from there."));
            Assert.That(text, Does.Contain("The secondary's clock was set back before frame 3; time goes on from there."));
            Assert.That(File.ReadAllBytes(captures.OutPath), Is.EqualTo(captures.Primary.ToArray()),
                "each with the time that it has in its capture");
        });
    }

    [Test]
    public void A_clock_that_was_set_back_leaves_what_differs_its_time()
    {
        const double anHourMs = 3_600_000;
        captures.Both(anHourMs, TestFrame.Udp("before"));
        captures.Primary.At(0, TestFrame.Udp("late", 50_000));
        captures.Secondary.At(0, TestFrame.Udp("meanwhile", 50_001)).At(2000, TestFrame.Udp("late", 50_000));
        captures.Primary.At(2500, TestFrame.Udp("meanwhile", 50_001));
        captures.RunJson();
        Assert.That(
            captures.ExitCode, Is.EqualTo(CompareCommand.Equal), "two seconds are less than compare_timeout, after the step too");
    }

    private static int[] HeldMicroseconds(string text) =>
    [
        .. Regex.Match(text, "held: median ([0-9,]+) us, p99 ([0-9,]+) us").Groups.Values.Skip(1)
            .Select(group => int.Parse(group.Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture)),
    ];

    private void ExpectNothingCompared(string line)
    {
        string text = captures.RunText();
        string errors = captures.Errors;
        captures.RunJson();
        Assert.Multiple(() =>
        {
            Assert.That(captures.ExitCode, Is.EqualTo(2));
            Assert.That(text, Does.StartWith(line));
            Assert.That(errors, Does.StartWith($"colowire: {line}").And.EndsWith("\n"));
            Assert.That(captures.Errors, Is.EqualTo(errors));
            Assert.That(errors.TrimEnd('\n'), Does.Not.Contain("\n"));
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
            using CompareRun run = new(
                captures.Engine, new CompareInputs(primary, secondary, null), output, output, captures.Show);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.That(run.Run().Verified, Is.EqualTo(frames));
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
}
