// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Pipelines;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports.Files;
using ColoWire.Ports.Linux;
using ColoWire.Reports;
using ColoWire.Services;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

[NonParallelizable]
internal sealed class ApplianceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [TestCase(1, 1)]
    [TestCase(1, 3)]
    [TestCase(2, 1)]
    [TestCase(3, 2)]
    [TestCase(4, 1)]
    [TestCase(5, 2)]
    public void Whatever_the_plan_every_matched_frame_leaves(int cores, int shards)
    {
        // Fewer than there are slots: no side waits for room, whichever thread runs first.
        const int frames = 10_000;
        using FakeInjectPort output = new();
        using Appliance appliance = Make(Ports(frames, frames, output), cores, shards);
        appliance.Start();
        WaitUntil(() => output.Statistics.Frames == frames);
        appliance.Stop(Patience);
        ApplianceSnapshot snapshot = SnapshotReader.Of(appliance);
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.Drained));
        Assert.That(snapshot.Released.Verified, Is.EqualTo(frames));
        Assert.That(snapshot.Released.Unverified + snapshot.Released.NotCompared + snapshot.Held, Is.Zero);
        Assert.That(appliance.Unsent, Is.Zero);
    }

    [Test]
    public void A_stop_releases_what_is_held()
    {
        const int frames = 100;
        using FakeInjectPort output = new();
        using Appliance appliance = Make(Ports(frames, 0, output), 1, 1);
        appliance.Start();
        WaitUntil(() => SnapshotReader.Of(appliance).Held == frames);
        Assert.That(output.Statistics.Frames, Is.Zero, "lockstep holds what the secondary has not said");
        appliance.Stop(Patience);
        ApplianceSnapshot snapshot = SnapshotReader.Of(appliance);
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.Drained));
        Assert.That(output.Statistics.Frames, Is.EqualTo(frames));
        Assert.That(snapshot.Unverified.Single().ToString(), Does.Contain("stop").And.Contain("100"));
    }

    [Test]
    public void A_stuck_out_port_ends_the_stop_after_its_patience_and_says_what_was_held_back()
    {
        const int frames = 100;
        using FakeInjectPort output = new(stuck: true);
        using Appliance appliance = Make(Ports(frames, frames, output), 2, 1);
        appliance.Start();
        WaitUntil(() => output.Statistics.Retries > 0);
        long start = Stopwatch.GetTimestamp();
        appliance.Stop(TimeSpan.FromMilliseconds(200));
        Assert.That(Stopwatch.GetElapsedTime(start), Is.AtLeast(TimeSpan.FromMilliseconds(200)));
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.HeldBack));
        Assert.That(appliance.Unsent, Is.EqualTo(frames));
    }

    [Test]
    public void A_duty_that_throws_again_and_again_ends_the_appliance_and_does_not_hang_it()
    {
        FakeCapturePort primary = new("fake:primary", 10, i => TestCapture.Udp($"{i}"))
        {
            OnReceive = () => throw new InvalidOperationException("a bug"),
        };
        using Appliance appliance = Make(FakePorts.Of(primary, Twin(10), new FakeInjectPort()), 2, 1);
        appliance.Start();
        Assert.That(appliance.Failing.WaitHandle.WaitOne(Patience), Is.True);
        long start = Stopwatch.GetTimestamp();
        appliance.Stop(Patience);
        Assert.That(Stopwatch.GetElapsedTime(start), Is.LessThan(Patience), "nothing can be drained any more");
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.Failed));
        Assert.That(appliance.Failure, Has.Message.EqualTo("a bug"));
    }

    [Test]
    public void In_steady_state_a_duty_thread_allocates_nothing()
    {
        const int frames = 200_000;
        const int warmUpFrames = 50_000;
        long before = -1;
        long after = -1;
        FakeCapturePort? primary = null;
        primary = new FakeCapturePort("fake:primary", frames, i => TestCapture.Udp($"{i}"))
        {
            OnReceive = () =>
            {
                long delivered = primary!.Statistics.Frames;
                if (before < 0 && delivered >= warmUpFrames)
                {
                    before = GC.GetAllocatedBytesForCurrentThread();
                }

                // Long after the last frame, so that the sleep of the idle thread counts too.
                Volatile.Write(ref after, GC.GetAllocatedBytesForCurrentThread());
            },
        };
        using FakeInjectPort output = new();
        using Appliance appliance = Make(FakePorts.Of(primary, Twin(frames), output), 1, 1);
        appliance.Start();
        WaitUntil(() => output.Statistics.Frames == frames);
        long rounds = appliance.Rounds()[0];
        WaitUntil(() => appliance.Rounds()[0] > rounds + 100);
        appliance.Stop(Patience);
        Assert.That(before, Is.Positive);
        // A collection that another test starts may charge this thread for the rest of its allocation context, some 8 KiB, once.
        Assert.That(after - before, Is.LessThan(frames - warmUpFrames), "bytes: less than one per frame");
    }

    [Test]
    public void Time_counts_from_the_start_not_from_the_boot_of_the_machine()
    {
        using Appliance appliance = Make(Ports(0, 0, new FakeInjectPort()), 1, 1);
        Assert.That(SnapshotReader.Of(appliance).ElapsedNs, Is.Zero);
        appliance.Start();
        Assert.That(SnapshotReader.Of(appliance).ElapsedNs, Is.InRange(0, Patience.Ticks * 100));
        appliance.Stop(Patience);
    }

    [Test]
    public void An_idle_appliance_leaves_its_cores_alone()
    {
        using Appliance appliance = Make(Ports(0, 0, new FakeInjectPort()), 2, 1);
        const int rounds = 1000;
        appliance.Start();
        long before = appliance.Rounds().Sum();
        long start = Stopwatch.GetTimestamp();
        WaitUntil(() => appliance.Rounds().Sum() > before + rounds);
        double leastMicroseconds = (rounds / 2.0 - 2) * DutyLoop.SleepMicroseconds;
        Assert.That(
            Stopwatch.GetElapsedTime(start).TotalMicroseconds,
            Is.AtLeast(leastMicroseconds),
            "each of the two threads sleeps between rounds; one that spins takes a hundredth of the time");
        appliance.Stop(Patience);
    }

    [Test]
    public void The_watchdog_sees_threads_that_move_and_threads_that_hang()
    {
        using ManualResetEventSlim hang = new(initialState: true);
        using ManualResetEventSlim hangs = new();
        FakeCapturePort secondary = new("fake:secondary", 0, _ => [])
        {
            OnReceive = () =>
            {
                if (!hang.IsSet)
                {
                    hangs.Set();
                }

                hang.Wait();
            },
        };
        using Appliance appliance = Make(
            FakePorts.Of(new FakeCapturePort("fake:primary", 0, Frame), secondary, new FakeInjectPort()), 2, 1);
        using WatchdogService watchdog = new(
            appliance, new SystemdNotifier(), NullLogger<WatchdogService>.Instance, TimeProvider.System);
        appliance.Start();
        WaitUntil(watchdog.AllMoved);
        hang.Reset();
        Assert.That(hangs.Wait(Patience), Is.True);
        watchdog.AllMoved();
        Assert.That(watchdog.AllMoved(), Is.False);
        hang.Set();
        WaitUntil(watchdog.AllMoved);
        appliance.Stop(Patience);
    }

    [Test]
    public void Captures_in_the_place_of_interfaces_run_to_their_end()
    {
        string folder = Directory.CreateTempSubdirectory("colowire-").FullName;
        string capture = Path.Combine(folder, "in.pcap");
        string released = Path.Combine(folder, "out.pcap");
        (int, byte[])[] frames = [.. Enumerable.Range(0, 500).Select(i => (i / 10, TestCapture.Udp($"datagram {i}")))];
        TestCapture.Write(capture, frames);
        AppliancePorts ports = FakePorts.Of(
            FileCapturePort.OpenAsLive(capture), FileCapturePort.OpenAsLive(capture),
            new FileInjectPort(released, nanoseconds: false));
        using (Appliance appliance = Make(ports, 1, 1))
        {
            appliance.Start();
            WaitUntil(() => ports.Ended && appliance.Unsent == 0);
            appliance.Stop(Patience);
            Assert.That(SnapshotReader.Of(appliance).Released.Verified, Is.EqualTo(500));
        }

        Assert.That(TestCapture.Read(released), Is.EqualTo(frames.Select(frame => frame.Item2)));
        Directory.Delete(folder, recursive: true);
    }

    [Test]
    public void A_snapshot_for_programs_is_one_line_of_JSON()
    {
        using Appliance appliance = Make(Ports(64, 64, new FakeInjectPort()), 1, 1);
        appliance.Start();
        WaitUntil(() => appliance.Ports.OutputStatistics.Frames == 64);
        appliance.Stop(Patience);
        using StringWriter text = new(CultureInfo.InvariantCulture);
        text.Write(SnapshotText.Json(SnapshotReader.Of(appliance)));
        string line = text.ToString();
        Assert.That(line.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(
            line, Does.Contain("\"final\":true").And.Contain("\"released\":{\"verified\":64,\"passed\":0,\"unverified\":0}"));
        Assert.That(line, Does.Match("\"runtime\":{\"garbage_collections\":[0-9]+,\"allocated_bytes\":[1-9][0-9]+}"));
    }

    [Test]
    public void Checksums_that_were_completed_are_told_of_each_side()
    {
        PipelinePorts pipeline = Ports(64, 0, new FakeInjectPort()).Pipelines[0] with
        {
            Primary = new FakeCapturePort("fake:primary", 64, PartialFrame),
        };
        AppliancePorts ports = new([pipeline]);
        using Appliance appliance = Make(ports, 1, 1);
        appliance.Start();
        WaitUntil(() => SnapshotReader.Of(appliance).Held == 64);
        appliance.Stop(Patience);
        using StringWriter text = new(CultureInfo.InvariantCulture);
        text.Write(SnapshotText.Json(SnapshotReader.Of(appliance)));
        Assert.That(text.ToString(), Does.Contain("\"partial_checksums\":{\"primary\":64,\"secondary\":0}"));
        FinalReport.Write(text, SnapshotReader.Of(appliance));
        Assert.That(text.ToString(), Does.Contain("completed:    partial checksums: 64 primary, 0 secondary\n"));
    }

    [TestCase(999, "999 ns")]
    [TestCase(1_500, "1.50 us")]
    [TestCase(12_340_000, "12.3 ms")]
    [TestCase(500_000_000, "500 ms")]
    [TestCase(3_000_000_000, "3.00 s")]
    public void Durations_have_three_digits(long durationNs, string text)
    {
        Assert.That(DurationText.Of(durationNs), Is.EqualTo(text));
    }

    private static AppliancePorts Ports(int primaryFrames, int secondaryFrames, FakeInjectPort output) =>
        FakePorts.Of(new FakeCapturePort("fake:primary", primaryFrames, Frame), Twin(secondaryFrames), output);

    private static FakeCapturePort Twin(int frames) => new("fake:secondary", frames, Frame);

    // Frames of one flow that repeat: datagrams are matched in order.
    private static byte[] Frame(int index) => TestCapture.Udp($"datagram {index}", (ushort)(1000 + (index % 8)));

    /// <summary>With the sum of the pseudo-header in the place of the checksum.</summary>
    private static byte[] PartialFrame(int index)
    {
        byte[] frame = Frame(index);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(40), (ushort)(0x0A00 + 1 + 0x0A00 + 2 + 17 + frame.Length - 34));
        return frame;
    }

    private static Appliance Make(AppliancePorts ports, int cores, int shards)
    {
        IReadOnlyList<int> cpus = CpuAffinity.AllowedCpus();
        ApplianceOptions options = new()
        {
            // More threads than this machine has CPUs share them; the plan is the same.
            Cores = [.. Enumerable.Range(0, cores).Select(core => cpus[core % cpus.Count])],
            Engine = new EngineOptions
            {
                Shards = shards,
                Flows = 1024,
                MaxQueueSize = 1 << 20,
                CompareTimeoutMs = 600_000,
                LargeSlotsPerSide = 0,
            },
        };
        return new Appliance(options, ports, new NoCheckpoints(), TimeProvider.System);
    }

    private static void WaitUntil(Func<bool> condition) =>
        Assert.That(SpinWait.SpinUntil(condition, Patience), Is.True, "it took too long");
}
