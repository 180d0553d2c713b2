// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using ColoWire.Reports;
using ColoWire.Services;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>An appliance whose ports have several queues.</summary>
[NonParallelizable]
internal sealed class PipelineTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Test]
    public void Each_lane_runs_to_completion_on_its_core_and_the_counters_are_of_all()
    {
        int[] frames = [6000, 4000, 100];
        using Appliance appliance = Make([.. frames.Select(count => Pipeline(count, count))]);
        Assert.That(appliance.Plan.Select(core => core.Duties[0]), Is.EqualTo(Enumerable.Range(0, 3).Select(i => new PlannedDuty(DutyKind.Pipeline, i))));
        appliance.Start();
        WaitUntil(() => appliance.Ports.OutputStatistics.Frames == frames.Sum());
        appliance.Stop(Patience);
        ApplianceSnapshot snapshot = SnapshotReader.Of(appliance);
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.Drained));
        Assert.That(snapshot.Released.Verified, Is.EqualTo(frames.Sum()));
        Assert.That((snapshot.Primary.Frames, snapshot.Secondary.Frames), Is.EqualTo((frames.Sum(), frames.Sum())));
        Assert.That(appliance.Path.Pipelines.Select(pipeline => pipeline.Shards.Sum(shard => shard.Counters.Verified)), Is.EqualTo(frames));
        Assert.That(appliance.Unsent, Is.Zero);
    }

    [Test]
    public void A_stop_releases_what_any_lane_holds()
    {
        using Appliance appliance = Make([Pipeline(10, 10), Pipeline(20, 0)]);
        appliance.Start();
        WaitUntil(() => SnapshotReader.Of(appliance) is { Held: 20, Released.Verified: 10 });
        Assert.That(appliance.Unsent, Is.EqualTo(20));
        appliance.Stop(Patience);
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.Drained));
        Assert.That(appliance.Ports.OutputStatistics.Frames, Is.EqualTo(30));
    }

    [Test]
    public void A_lane_that_cannot_send_holds_the_stop_and_only_its_frames_are_left()
    {
        using Appliance appliance = Make([Pipeline(10, 10), Pipeline(20, 20, stuck: true)]);
        appliance.Start();
        WaitUntil(() => appliance.Ports.OutputStatistics is { Frames: 10, Retries: > 0 });
        appliance.Stop(TimeSpan.FromMilliseconds(200));
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.HeldBack));
        Assert.That(appliance.Unsent, Is.EqualTo(20));
    }

    [Test]
    public void The_start_report_names_the_queue_of_each_core_and_what_is_to_be_known_of_the_ports()
    {
        using Appliance appliance = Make([Pipeline(0, 0), Pipeline(0, 0)], queues: [3, 1], notes: ["nobody can tell"]);
        int[] cores = [.. appliance.Options.Cores];
        string[] lines = [.. StartReport.Lines(appliance)];
        Assert.That(lines, Has.One.EqualTo($"core {cores[0]}: queue 3 from end to end, checkpoint gate"));
        Assert.That(lines, Has.One.EqualTo($"core {cores[1]}: queue 1 from end to end"));
        Assert.That(lines, Has.One.EqualTo("nobody can tell"));
    }

    [Test]
    public void The_queues_of_an_interface_are_one_port_with_one_link_and_one_fault()
    {
        ReportingPort primary = new("xdp:p", LinkState.Down, "cut off");
        ReportingPort secondary = new("xdp:s", LinkState.Up, null);
        using FakeInjectPort output = new();
        using AppliancePorts ports = new([FakePorts.Pipeline(primary, secondary, output), FakePorts.Pipeline(primary, secondary, output)]);
        Assert.That(ports.Linked.Select(port => (port.Name, port.Port.Link)), Is.EqualTo(new[] { ("xdp:p", LinkState.Down), ("xdp:s", LinkState.Up) }));
        Assert.That(ports.Faults, Is.EqualTo(new[] { "cut off" }));
        Assert.That((ports.PrimaryName, ports.SecondaryName, ports.OutputName), Is.EqualTo(("xdp:p", "xdp:s", "fake:out")));
        Assert.That(ports.Ended, Is.False);
        foreach (PipelinePorts pipeline in ports.Pipelines)
        {
            pipeline.Arena.Dispose();
        }
    }

    [Test]
    public void Statistics_add_up_field_by_field()
    {
        Assert.That(
            new CaptureStatistics(1, 2, 3, 4, 5, 6) + new CaptureStatistics(10, 20, 30, 40, 50, 60),
            Is.EqualTo(new CaptureStatistics(11, 22, 33, 44, 55, 66)));
        Assert.That(
            new InjectStatistics(1, 2, 3, 4, 5, 6) + new InjectStatistics(10, 20, 30, 40, 50, 60),
            Is.EqualTo(new InjectStatistics(11, 22, 33, 44, 55, 66)));
    }

    private static PipelinePorts Pipeline(int primaryFrames, int secondaryFrames, bool stuck = false) => FakePorts.Pipeline(
        new FakeCapturePort("fake:primary", primaryFrames, Frame),
        new FakeCapturePort("fake:secondary", secondaryFrames, Frame),
        new FakeInjectPort(stuck));

    private static byte[] Frame(int index) => TestCapture.Udp($"datagram {index}", (ushort)(1000 + (index % 8)));

    private static Appliance Make(PipelinePorts[] pipelines, int[]? queues = null, string[]? notes = null)
    {
        IReadOnlyList<int> cpus = CpuAffinity.AllowedCpus();
        ApplianceOptions options = new()
        {
            // More threads than this machine has CPUs share them; the plan is the same.
            Cores = [.. Enumerable.Range(0, pipelines.Length).Select(core => cpus[core % cpus.Count])],
            XdpQueues = queues ?? [.. Enumerable.Range(0, pipelines.Length)],
            Engine = new EngineOptions
            {
                Flows = 1024,
                MaxQueueSize = 1 << 20,
                CompareTimeoutMs = 600_000,
                LargeSlotsPerSide = 0,
            },
        };
        return new Appliance(options, new AppliancePorts(pipelines) { Notes = notes ?? [] }, new NoCheckpoints(), TimeProvider.System);
    }

    private static void WaitUntil(Func<bool> condition) => Assert.That(SpinWait.SpinUntil(condition, Patience), Is.True, "it took too long");

    private sealed class ReportingPort(string name, LinkState link, string? fault) : ICapturePort, ILinkReporter, IFaultReporter
    {
        public string Name => name;

        public LinkState Link => link;

        public string? Fault => fault;

        public CaptureStatistics Statistics => default;

        public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs) => 0;

        public void Dispose()
        {
        }
    }
}
