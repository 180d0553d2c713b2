// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using ColoWire.Control;
using ColoWire.Engine.Checkpoint;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports.Files;
using ColoWire.Ports.Linux;
using ColoWire.Services;
using ColoWire.Tests.Control;
using ColoWire.Tests.Ports;
using ColoWire.Tests.Shared;
using ColoWire.Writing;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>What an appliance that is left alone allocates: a collection of garbage stops the threads that move frames.</summary>
[NonParallelizable]
internal sealed class IdleAllocationTests
{
    private const int WarmUpSeconds = 3;

    /// <summary>Bytes of a scrape through the HTTP server, on a connection that stays: what the server itself allocates for a
    /// request.</summary>
    private const long ScrapeBytes = 1000;

    private ScratchFolder folder = null!;

    [SetUp]
    public void MakeFolder() => folder = new ScratchFolder();

    [TearDown]
    public void RemoveFolder() => folder.Dispose();

    [TestCase(StatusForm.Log)]
    [TestCase(StatusForm.Json)]
    public void Counters_that_are_told_each_second_allocate_nothing(object form)
    {
        using Appliance appliance = Idle();
        StandardOutputs outputs = StandardOutputs.Of(TextWriter.Null, TextWriter.Null);
        ApplicationLifetime host = new(NullLogger<ApplicationLifetime>.Instance);
        using StatusService status = new(
            appliance, (StatusForm)form, outputs, host, NullLogger<StatusService>.Instance, TimeProvider.System);
        Seconds(WarmUpSeconds);
        Assert.That(Allocation.LeastBytes(() => Seconds(1)), Is.Zero);

        void Seconds(int count)
        {
            for (int look = 0; look < count * StatusService.LooksPerSecond; look++)
            {
                status.Look();
            }
        }
    }

    [Test]
    public void A_status_that_is_asked_for_allocates_nothing()
    {
        using Appliance appliance = Idle();
        StatusReports reports = new(appliance, StandardOutputs.Of(TextWriter.Null, TextWriter.Null));
        int length = 0;
        Scrape();
        Assert.That(Allocation.LeastBytes(Scrape), Is.Zero);
        Assert.That(length, Is.GreaterThan(1000));

        void Scrape()
        {
            StatusReports.Report report = reports.Take();
            length = report.Bytes.Length;
            reports.GiveBack(report);
        }
    }

    [Test]
    public void A_log_of_divergences_of_which_there_are_none_allocates_nothing()
    {
        using Appliance appliance = Idle();
        using DivergenceLog log = new(appliance, NullLogger<DivergenceLog>.Instance, TimeProvider.System);
        log.Drain();
        Assert.That(Allocation.LeastBytes(log.Drain), Is.Zero);
    }

    [Test]
    public void Looking_again_and_again_allocates_nothing()
    {
        using CancellationTokenSource ending = new();
        int looks = 0;
        long first = 0;
        long last = 0;
        new Cadence(TimeProvider.System).Run(TimeSpan.FromMilliseconds(1), Look, ending.Token);
        Assert.That(looks, Is.EqualTo(30));
        Assert.That(last - first, Is.Zero);

        // The first ones make what is made once.
        void Look()
        {
            last = GC.GetAllocatedBytesForCurrentThread();
            first = looks == 9 ? last : first;
            if (++looks == 30)
            {
                ending.Cancel();
            }
        }
    }

    [Test]
    public void A_monitor_on_a_connection_that_stays_costs_what_the_server_allocates_for_a_request()
    {
        const int scrapes = 200;
        using ControlRig rig = new();
        using Socket monitor = ControlSocket.NewSocket();
        monitor.Connect(new UnixDomainSocketEndPoint(rig.Path));
        byte[] request = Encoding.ASCII.GetBytes("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n");
        byte[] answer = new byte[65_536];
        Scrape(scrapes);
        long least = long.MaxValue;
        for (int run = 0; run < 5; run++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            Scrape(scrapes);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        TestContext.Out.WriteLine($"{least / scrapes} bytes for each scrape");
        Assert.That(least / scrapes, Is.LessThan(ScrapeBytes));

        void Scrape(int count)
        {
            for (int i = 0; i < count; i++)
            {
                monitor.Send(request);
                int length = 0;
                while (length == 0 || answer[length - 1] != '\n' || answer[length - 2] != '}')
                {
                    length += monitor.Receive(answer, length, answer.Length - length, SocketFlags.None);
                }
            }
        }
    }

    /// <summary>With ports as an operator has them: what they are asked for many times a second counts.</summary>
    private Appliance Idle()
    {
        TestCapture.Write(folder.File("p"), [(0, TestCapture.Udp("one")), (3_600_000, TestCapture.Udp("an hour later"))]);
        ApplianceOptions options = new()
        {
            Cores = [CpuAffinity.AllowedCpus()[0]],
            Engine = FakePorts.Slots with { Flows = 1024 },
        };
        AppliancePorts ports = FakePorts.Of(
            FileCapturePort.OpenAsLive(folder.File("p")), FileCapturePort.OpenAsLive(folder.File("p")),
            new FileInjectPort(folder.File("out")));
        Appliance appliance = new(options, ports, new NoCheckpoints(), TimeProvider.System);
        for (int round = 0; round < 10; round++)
        {
            appliance.Path.Poll(round * 10_000_000L);
        }

        return appliance;
    }
}
