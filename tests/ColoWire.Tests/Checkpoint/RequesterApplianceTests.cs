// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Streams;
using ColoWire.Reports;
using ColoWire.Services;
using ColoWire.Tests.Program;
using NUnit.Framework;

namespace ColoWire.Tests.Checkpoint;

/// <summary>Whole appliances, with a scripted QEMU that is asked for checkpoints.</summary>
[NonParallelizable]
internal sealed class RequesterApplianceTests
{
    private const int Frames = 64;
    private const int Flows = 8;

    /// <summary>The number of a frame that the secondary says otherwise.</summary>
    private const int Odd = 20;

    private string folder = string.Empty;
    private ScriptedQmp qmp = null!;
    private QmpRequester requester = null!;

    [SetUp]
    public void Start()
    {
        folder = Directory.CreateTempSubdirectory("colowire-").FullName;
        qmp = new ScriptedQmp(Path.Combine(folder, "qmp"));
        requester = new QmpRequester("qmp:test", new StreamEndpoint(Path.Combine(folder, "qmp"), null, 0, IsServer: false));
    }

    [TearDown]
    public void End()
    {
        requester.Dispose();
        qmp.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Test]
    public void What_differs_is_held_until_the_checkpoint_that_is_asked_for_is_done([Values(1, 3)] int cores)
    {
        using FakeInjectPort output = new();
        long leftBefore = -1;
        qmp.OnCheckpoint = it =>
        {
            it.Stop("colo");
            leftBefore = output.Statistics.Frames;
            it.Resume();
        };
        using Appliance appliance = Make(output, secondaryFrames: Frames, cores);
        appliance.Start();
        Probe.Until(() => output.Statistics.Frames == Frames, "all have left");
        appliance.Stop(Probe.Patience);
        ApplianceSnapshot snapshot = SnapshotReader.Of(appliance);
        Assert.That(leftBefore, Is.InRange(Frames - (Frames / Flows), Frames - 1), "only the connection that differs is held");
        Assert.That(snapshot.Protection, Is.EqualTo("in_step"));
        Assert.That(snapshot.Requester, Has.Property("Requests").EqualTo(1).And.Property("Completed").EqualTo(1));
        Assert.That(snapshot.Unverified.Keys.Single(), Is.EqualTo("checkpoint"), "nothing left by the stop");
        using StringWriter text = new(CultureInfo.InvariantCulture);
        text.Write(SnapshotText.Json(snapshot));
        FinalReport.Write(text, snapshot);
        Assert.That(text.ToString(), Does.Contain("\"requester\":{\"name\":\"qmp:test\",\"ready\":true,\"trouble\":null,\"requests\":1,\"completed\":1,\"failed\":0,"));
        Assert.That(text.ToString(), Does.Match("checkpoints:  1 requested, 1 completed, 0 failed, longest [0-9.]+ .?s, longest stop [0-9.]+ .?s"));
    }

    [Test]
    public void Before_COLO_the_primary_goes_on_alone_and_once_in_it_a_checkpoint_protects()
    {
        qmp.Mode = "none";
        using FakeInjectPort output = new();
        using Appliance appliance = Make(output, secondaryFrames: 0, cores: 1);
        appliance.Start();
        Probe.Until(() => output.Statistics.Frames == Frames, "all have left");
        Assert.That(appliance.Path.Guest.Protection, Is.EqualTo(Protection.DegradedNoSecondary));
        Assert.That(qmp.Asked, Is.Zero);
        qmp.Mode = "primary";
        Probe.Until(() => appliance.Path.Guest.Protection == Protection.InStep, "it is protected");
        Assert.That(qmp.Asked, Is.Positive);
        appliance.Stop(Probe.Patience);
    }

    [Test]
    public void The_log_tells_when_somebody_can_be_asked_and_what_came_of_it()
    {
        const long second = 1_000_000_000;
        LogTests.LineCatcher lines = new();
        RequesterLog log = new(requester, lines);
        Probe probe = new(requester);
        qmp.Mode = "none";
        requester.Start();
        Probe.Until(() => requester.Trouble == "the primary is not in COLO yet", "it knows");
        log.Look(1 * second);
        log.Look(3 * second);
        qmp.Mode = "primary";
        probe.UntilReady();
        log.Look(5 * second);
        probe.Ask();
        probe.Expect(CheckpointEvent.SecondaryLost, CheckpointEvent.Began, CheckpointEvent.Completed);
        log.Look(7 * second);
        probe.Ask();
        probe.Expect(CheckpointEvent.Began, CheckpointEvent.Completed);
        log.Look((7 * second) + 1);
        Assert.That(lines.Text, Has.Count.EqualTo(3), "no more than one a second");
        log.Look(9 * second);
        qmp.OnCheckpoint = _ => { };
        qmp.CheckpointAnswer = "\"error\": {\"desc\": \"no\"}";
        probe.Ask();
        probe.Expect(CheckpointEvent.Failed);
        log.Look(9 * second, isLast: true);
        Assert.That(lines.Text[0], Is.EqualTo("requester qmp:test: no checkpoint can be asked for: the primary is not in COLO yet"));
        Assert.That(lines.Text[1], Is.EqualTo("requester qmp:test: ready, checkpoints can be asked for"));
        Assert.That(lines.Text[2], Does.Match("^checkpoint: 1 asked for so far, 1 completed; the last one took [0-9.]+ .?s, both were stopped for [0-9.]+ .?s$"));
        Assert.That(lines.Text[3], Does.StartWith("checkpoint: 2 asked for so far, 2 completed; "));
        Assert.That(lines.Text[4], Is.EqualTo("checkpoint: no. 3 has failed: QEMU has refused: no"));
    }

    private Appliance Make(FakeInjectPort output, int secondaryFrames, int cores)
    {
        FakeCapturePort primary = new("fake:primary", Frames, i => Frame(i, "P"));
        FakeCapturePort secondary = new("fake:secondary", secondaryFrames, i => Frame(i, i == Odd ? "S" : "P"));
        ApplianceOptions options = new()
        {
            Cores = [.. Enumerable.Range(0, cores).Select(core => CpuAffinity.AllowedCpus()[core % CpuAffinity.AllowedCpus().Count])],
            Engine = new EngineOptions
            {
                Flows = 1024,
                CompareTimeoutMs = 600_000,
                CheckpointRetryMs = 600_000,
                LargeSlotsPerSide = 0,
            },
        };
        return new Appliance(options, FakePorts.Of(primary, secondary, output), requester, TimeProvider.System);
    }

    private static byte[] Frame(int index, string word) => TestCapture.Udp($"{word} {index}", (ushort)(1000 + (index % Flows)));
}
