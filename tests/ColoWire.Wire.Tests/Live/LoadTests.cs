// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Reports;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>Many frames at a rate that the machine sustains.</summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[Category("Wire")]
internal sealed class LoadTests(LivePorts ports)
{
    private const int Frames = 5000;
    private const int Flows = 64;

    private BridgeHost host = null!;
    private string primaryCapture = null!;
    private string secondaryCapture = null!;

    [OneTimeSetUp]
    public void OneTimeSetUp()
    {
        host = new BridgeHost(ports);
        primaryCapture = Path.Combine(host.Scratch, "primary.pcap");
        secondaryCapture = Path.Combine(host.Scratch, "secondary.pcap");
        Captures.Write(primaryCapture, Datagrams.ManyOfPrimary(Frames, Flows));
        Captures.Write(secondaryCapture, Datagrams.ManyOfSecondary(Frames, Flows));
    }

    [OneTimeTearDown]
    public void OneTimeTearDown() => host?.Dispose();

    [Test]
    public void A_burst_leaves_without_loss()
    {
        using BridgeRun run = new(host, "run", "--compare-timeout", "15000");
        run.Replay(primaryCapture, secondaryCapture, "--preload-pcap", "--pps=20000");

        run.AssertLeaves(Captures.Read(primaryCapture));
        Counters last = run.Program.Stop();
        Assert.That((last.Verified, last.Unverified, last.Divergences, last.KernelDrops), Is.EqualTo((Frames, 0, 0, 0)));
    }

    /// <summary>With one core, one thread does it all, from the capture to the way out: the one that asks the measured
    /// port.</summary>
    [Test]
    public void In_steady_state_the_path_of_a_frame_allocates_nothing()
    {
        const int loops = 13;
        const int idleRounds = 100;
        const int warmUpFrames = 2 * Frames;
        PortKind kind = ports == LivePorts.Pcap ? PortKind.Pcap : PortKind.Xdp;
        ApplianceOptions options = new()
        {
            Cores = [MachineFacts.Read().Cpus[^1]],
            // A thread that waits for its share of a busy machine is not dead.
            FailwireTimeoutMs = PortLimits.FailwireTimeoutMs.Maximum,
            XdpQueues = [0],
            PrimaryIn = new PortSpec(kind, BridgeHost.PrimaryPort(0)),
            SecondaryIn = new PortSpec(kind, BridgeHost.SecondaryPort(0)),
            OutDevice = new PortSpec(kind, BridgeHost.OutPort(0)),
            Engine = new EngineOptions { CompareTimeoutMs = 15_000 },
        };
        AppliancePorts open = null!;
        host.Host.Inside(() => open = PortOpener.Open(options, [FramePath.MakeArena(options.Engine)], TimeProvider.System));
        AllocationGauge gauge = new(open.Pipelines[0].Primary, warmUpFrames);
        open = open with { Pipelines = [open.Pipelines[0] with { Primary = gauge }] };
        using Appliance appliance = new(options, open, new NoCheckpoints(), TimeProvider.System);
        host.Host.Inside(appliance.Start);

        BridgeRun.Replay(host, 0, primaryCapture, secondaryCapture, "--preload-pcap", "--pps=15000", $"--loop={loops}");
        Assert.That(() => open.OutputStatistics.Frames, Is.EqualTo(loops * Frames).After(5000, 10));
        // Long after the last frame, so that the sleep of the idle thread counts too.
        long roundsOfLast = appliance.Rounds().Sum();
        Waiting.Until(() => appliance.Rounds().Sum() > roundsOfLast + idleRounds, "the thread is idle");
        appliance.Stop(Appliance.DrainPatience);
        host.RemovePrograms(0);

        ApplianceSnapshot snapshot = SnapshotReader.Of(appliance);
        Assert.That((snapshot.Released.Verified, snapshot.Released.Unverified), Is.EqualTo((loops * Frames, 0)));
        Assert.That(snapshot.Primary.NotCaptured + snapshot.Secondary.NotCaptured, Is.Zero);
        Assert.That(gauge.MeasuredFrames, Is.AtLeast(50_000));
        Assert.That(gauge.AllocatedBytes, Is.Zero);
    }

    /// <summary>A live port that reads at each poll what its thread has allocated.</summary>
    private sealed class AllocationGauge(ICapturePort port, int warmUpFrames) : ICapturePort, IWaitable
    {
        private long frames;
        private long warmUpBytes;
        private long bytes;

        public string Name => port.Name;

        public int WaitHandle => ((IWaitable)port).WaitHandle;

        public bool HasLink => port.HasLink;

        public bool HasHandedOver => port.HasHandedOver;

        public int PostedSlots => port.PostedSlots;

        public CaptureStatistics Statistics => port.Statistics;

        public long MeasuredFrames => frames - warmUpFrames;

        /// <summary>Bytes after the warm-up; read when the thread has ended.</summary>
        public long AllocatedBytes => bytes - warmUpBytes;

        public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
        {
            bytes = GC.GetAllocatedBytesForCurrentThread();
            if (frames < warmUpFrames)
                warmUpBytes = bytes;
            int count = port.Receive(pool, batch, nowNs);
            frames += count;
            return count;
        }

        public void Dispose() => port.Dispose();
    }
}
