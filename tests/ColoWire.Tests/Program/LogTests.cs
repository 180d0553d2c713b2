// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports.Linux;
using ColoWire.Reports;
using ColoWire.Services;
using ColoWire.Writing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

internal sealed class LogTests
{
    private static readonly DateTimeOffset LogTime = new(2026, 2, 1, 13, 4, 5, 678, TimeSpan.Zero);

    [TestCase(LogLevel.Information, "<6>one\n<6>two\n")]
    [TestCase(LogLevel.Warning, "<4>one\n<4>two\n")]
    [TestCase(LogLevel.Critical, "<2>one\n<2>two\n")]
    public void The_journal_gets_the_level_of_each_line(LogLevel level, string expected)
    {
        Assert.That(Format(level, "one\ntwo", forJournal: true), Is.EqualTo(expected));
    }

    [Test]
    public void Elsewhere_a_line_bears_the_time_and_the_level_where_it_is_not_the_usual_one()
    {
        Assert.That(Format(LogLevel.Information, "words", forJournal: false), Does.EndWith("13:04:05.678 words\n"));
        Assert.That(Format(LogLevel.Error, "words", forJournal: false), Does.EndWith("13:04:05.678 error: words\n"));
    }

    [Test]
    public void A_storm_of_divergences_is_cut_and_counted()
    {
        const int flows = 30;
        FakeCapturePort primary = new("fake:primary", flows, i => TestCapture.Udp("P", (ushort)(1000 + i)));
        FakeCapturePort secondary = new("fake:secondary", flows, i => TestCapture.Udp("S", (ushort)(1000 + i)));
        ApplianceOptions options = new()
        {
            Cores = [CpuAffinity.AllowedCpus()[0]],
            Engine = FakePorts.Slots with { Flows = 1024 },
        };
        AppliancePorts ports = FakePorts.Of(primary, secondary, new FakeInjectPort());
        using Appliance appliance = new(options, ports, new NoCheckpoints(), TimeProvider.System);
        for (int round = 0; round < 10; round++)
        {
            appliance.Path.Poll(round * 10_000_000L);
        }

        LineCatcher lines = new();
        FakeTimeProvider time = new();
        using DivergenceLog log = new(appliance, lines, time);
        log.Drain();
        Assert.That(lines.Text, Has.Count.EqualTo(DivergenceLog.MaxPerSecond));
        Assert.That(lines.Text, Has.All.Contain("payload: udp 10.0.0.1:10"));
        time.Advance(TimeSpan.FromSeconds(1));
        log.Drain();
        Assert.That(lines.Text[^1], Does.StartWith("20 more divergences and checkpoint causes are not shown"));
    }

    [Test]
    public void A_cause_of_a_checkpoint_that_is_no_divergence_is_not_called_one()
    {
        ApplianceOptions options = new()
        {
            Cores = [CpuAffinity.AllowedCpus()[0]],
            Engine = FakePorts.Slots with { Flows = 1024 },
        };
        AppliancePorts ports = FakePorts.Of(
            new FakeCapturePort("p", 1, i => TestCapture.Udp($"{i}")),
            new FakeCapturePort("s", 1, i => TestCapture.Udp($"{i}")), new FakeInjectPort());
        using Appliance appliance = new(options, ports, new NoCheckpoints(), TimeProvider.System);
        appliance.Path.Gate.NoteBypass();
        for (int round = 0; round < 10; round++)
        {
            appliance.Path.Poll(round * 10_000_000L);
        }

        LineCatcher lines = new();
        using DivergenceLog log = new(appliance, lines, new FakeTimeProvider());
        log.Drain();
        Assert.That(lines.Text, Has.Count.EqualTo(1).And.All.StartsWith("checkpoint cause: absence: all flows, at "));
    }

    [Test]
    public void The_line_of_counters_tells_rates_since_the_last_look()
    {
        ApplianceOptions options = new()
        {
            Cores = [CpuAffinity.AllowedCpus()[0]],
            Engine = FakePorts.Slots with { Flows = 1024 },
        };
        AppliancePorts ports = FakePorts.Of(
            new FakeCapturePort("p", 64, i => TestCapture.Udp($"{i}")),
            new FakeCapturePort("s", 64, i => TestCapture.Udp($"{i}")), new FakeInjectPort());
        using Appliance appliance = new(options, ports, new NoCheckpoints(), TimeProvider.System);
        ApplianceSnapshot before = SnapshotReader.Of(appliance) with { ElapsedNs = 0 };
        for (int round = 0; round < 10; round++)
        {
            appliance.Path.Poll(round * 10_000_000L);
        }

        ApplianceSnapshot after = SnapshotReader.Of(appliance) with { ElapsedNs = 500_000_000 };
        Assert.That(
            StatusLine.Text(after, before), Does.StartWith("in 128/128 per s | verified 64 passed 0 unverified 0 held 0 |"));
        Assert.That(after.CountsLike(before), Is.False);
        Assert.That(after.CountsLike(after with { ElapsedNs = 1 }), Is.True);
    }

    [Test]
    public void Each_cause_of_a_loss_is_told_once_with_what_came_since_the_last_look()
    {
        CaptureStatistics before = new(100, 6000, KernelDropped: 5, InterfaceDropped: 0, Oversize: 0, Truncated: 1);
        CaptureStatistics after = new(200, 12000, KernelDropped: 8, InterfaceDropped: 0, Oversize: 2, Truncated: 1);
        Assert.That(
            LossText.Of("pcap:eth1", after, before),
            Is.EqualTo(new[]
            {
                "pcap:eth1: 3 frames lost: they came when the kernel's buffer was full (--capture-buffer)",
                "pcap:eth1: 2 frames lost: they are longer than 65536 bytes",
            }));
        Assert.That(
            LossText.Of("xdp:eth1", after, before),
            Is.EqualTo(new[]
            {
                "xdp:eth1: 3 frames lost: they came when the kernel's ring was full (--xdp-ring)",
                "xdp:eth1: 2 frames lost: they are longer than the 1792 bytes of a slot: the MTU was raised while ColoWire runs "
                + "(ip link set IF mtu, or pcap:)",
            }));
        Assert.That(
            LossText.Of("stream:unix:a", after with { KernelDropped = 5, Oversize = 3, BadLengths = 1 }, before),
            Is.EqualTo(new[]
            {
                "stream:unix:a: 1 frames lost: they were announced with a length that no frame can have, and "
                + "the connection was closed: "
                    + "is vnet_hdr_support the same at both ends?",
                "stream:unix:a: 2 frames lost: they are longer than 65536 bytes, or than a slot (--large-slots 0)",
            }));
        Assert.That(LossText.Of("pcap:eth1", after, after), Is.Empty);
        Assert.That(
            LossText.Of("pcap:eth3", new InjectStatistics(9, 900, Retries: 7, TooLong: 1, LinkDown: 0, Failed: 0),
                default(InjectStatistics)),
            Is.EqualTo(new[] { "pcap:eth3: 1 frames lost: they are longer than the interface's MTU allows" }));
    }

    private static string Format(LogLevel level, string message, bool forJournal)
    {
        using StringWriter text = new(CultureInfo.InvariantCulture);
        new LineFormatter(forJournal, new FakeTimeProvider(LogTime)).Write(level, message, exception: null, text);
        return text.ToString();
    }

    internal sealed class LineCatcher : ILogger<DivergenceLog>
    {
        public System.Collections.Generic.List<string> Text { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Text.Add(formatter(state, exception));
    }
}
