// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Pipelines;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Streams;
using ColoWire.Reports;
using ColoWire.Services;
using ColoWire.Tests.Control;
using ColoWire.Tests.Ports;
using ColoWire.Tests.Ports.Streams;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>
/// A duty throws, which is a bug of ColoWire: the appliance goes on. No option can make one throw: a policy is given a prefix
/// longer than an address, past the validation, so that to look up a flow of 10.66.0.1 fails.
/// </summary>
[NonParallelizable]
internal sealed class FailureTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly PolicyRule ThrowsAtBad = new(PolicyAction.Pass) { Network = new AddressPrefix([10, 66, 0, 1], 33) };

    [TestCase(1, 1)]
    [TestCase(1, 3)]
    [TestCase(2, 1)]
    [TestCase(3, 2)]
    [TestCase(5, 2)]
    public void Whatever_the_plan_it_goes_on_and_compares(int cores, int shards)
    {
        StagedCapturePort primary = new("staged:primary");
        StagedCapturePort secondary = new("staged:secondary");
        KeepingInjectPort output = new();
        FakeTimeProvider time = new();
        using Appliance appliance = new(Options(cores, shards), FakePorts.Of(primary, secondary, output), new NoCheckpoints(), time);
        appliance.Start();
        Both(primary, secondary, TestCapture.Udp("before"));
        WaitUntil(() => output.Left.Length == 1);
        primary.Say(TestCapture.Udp("held"));
        WaitUntil(() => SnapshotReader.Of(appliance).Held == 1);
        Both(primary, secondary, Bad("bad", 1));
        PathFailure failure = NextFailure(appliance);
        Settle(appliance, time);
        Both(primary, secondary, TestCapture.Udp("after"));
        WaitUntil(() => output.Left.Contains("after"));
        primary.Say(Bad("bad again", 1));
        WaitUntil(() => output.Left.Contains("bad again"));

        ApplianceSnapshot now = SnapshotReader.Of(appliance);
        Assert.That(failure.End, Is.Null);
        Assert.That(failure.Place, Is.EqualTo("IndexOutOfRangeException in AddressPrefix.Contains"));
        // Depending on who was first, the failure was at the frame of the primary or of the secondary.
        Assert.That(failure.LostOfPrimary, Is.EqualTo(2).Or.EqualTo(1));
        Assert.That(now.Drops["primary_failure"], Is.EqualTo(failure.LostOfPrimary));
        Assert.That(now.Unverified["quarantine"], Is.AtLeast(1));
        Assert.That((now.Failures, now.QuarantinedFlows), Is.EqualTo((1, 1)));
        Assert.That(now.Released.Verified, Is.EqualTo(2), "it counts on");
        appliance.Stop(Patience);
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.Drained));
        Assert.That(appliance.Unsent, Is.Zero);
        Assert.That(output.Left, Has.None.EqualTo("held"), "what was under way is not sent any more");
    }

    [Test]
    public void The_same_from_three_flows_within_ten_seconds_ends_it()
    {
        StagedCapturePort primary = new("staged:primary");
        using Appliance appliance = new(
            Options(1, 1), FakePorts.Of(primary, new StagedCapturePort("staged:secondary"), new KeepingInjectPort()), new NoCheckpoints(), TimeProvider.System);
        appliance.Start();
        for (ushort port = 1; port < FailureTolerance.SamePlace; port++)
        {
            primary.Say(Bad("bad", port));
            PathFailure failure = NextFailure(appliance);
            Assert.That(failure.End, Is.Null);
            Assert.That(failure.AwayNs, Is.Positive);
            primary.Say(Bad("again", port));
        }

        Assert.That(appliance.Failing.IsCancellationRequested, Is.False);
        primary.Say(Bad("bad", FailureTolerance.SamePlace));
        Assert.That(NextFailure(appliance).End, Is.EqualTo("the same has happened 3 times within 10 s"));
        Assert.That(appliance.Failing.WaitHandle.WaitOne(Patience), Is.True);
        appliance.Stop(Patience);
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.Failed));
        Assert.That(Commands.RunCommand.ExitCode(appliance.End, isImpaired: false, hasFaults: false), Is.EqualTo(70), "RestartPreventExitStatus of the unit is 2");
    }

    [Test]
    public void A_thread_that_hangs_when_another_fails_ends_it()
    {
        using ManualResetEventSlim hang = new(initialState: true);
        FakeCapturePort secondary = new("fake:secondary", 0, _ => []) { OnReceive = hang.Wait };
        StagedCapturePort primary = new("staged:primary");
        using Appliance appliance = new(
            Options(4, 1), FakePorts.Of(primary, secondary, new KeepingInjectPort()), new NoCheckpoints(), TimeProvider.System);
        appliance.Start();
        hang.Reset();
        primary.Say(Bad("bad", 1));
        Assert.That(NextFailure(appliance).End, Is.EqualTo("a thread did not end within 2 s"));
        hang.Set();
        appliance.Stop(Patience);
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.Failed));
    }

    [TestCase("a 0, a 5, a 9", ExpectedResult = 3)]
    [TestCase("a 0, a 5, a 11, a 14", ExpectedResult = 4)]
    [TestCase("a 0, b 1, a 2, b 3, c 4", ExpectedResult = 0)]
    [TestCase("a 0, a 10, a 20, a 30", ExpectedResult = 0)]
    [TestCase("a 0, b 0, c 0, d 0, e 0, f 0, g 0, h 0, i 0, j 0", ExpectedResult = 10)]
    public int Failures_are_borne_up_to_a_number(string failures)
    {
        FailureTolerance tolerance = new();
        string[] each = failures.Split(", ");
        return 1 + Array.FindIndex(each, failure =>
            tolerance.Note(failure[..1], long.Parse(failure[2..], System.Globalization.CultureInfo.InvariantCulture) * 1_000_000_000) is not null);
    }

    [Test]
    public void What_did_it_is_saved_for_its_owner_and_told_in_one_line()
    {
        using ScratchFolder scratch = new();
        PathFailure failure = Failure(scratch.Path, out string text);
        string[] files = [.. Directory.GetFiles(scratch.Path).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
        Assert.That(files.Select(file => file[file.IndexOf('Z', StringComparison.Ordinal)..]), Is.EqualTo(new[] { "Z.primary.pcap", "Z.txt" }));
        Assert.That(files.Select(file => File.GetUnixFileMode(scratch.File(file))), Has.All.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(TestCapture.Read(scratch.File(files[0])), Is.EqualTo(failure.Culprits[0].Frames.Select(frame => frame.Bytes)));
        Assert.That(File.ReadAllText(scratch.File(files[1])), Does.Contain("   at ColoWire.Engine.AddressPrefix.Contains"), "the stack");
        Assert.That(text, Does.StartWith("IndexOutOfRangeException in AddressPrefix.Contains, at udp 10.66.0.1:1 > 10.0.0.2:2000; compares again after "));
        Assert.That(text, Does.EndWith($", lost are 1 frames of the primary and 0 of the secondary; this connection leaves unverified from now on; "
            + $"saved as {scratch.Path}/{files[1][..^4]}.*"));
        Assert.That(text, Does.Not.Contain('\n'));
    }

    [Test]
    public void Only_so_many_failures_are_kept_and_a_folder_that_takes_none_is_said()
    {
        using ScratchFolder scratch = new();
        PathFailure failure = new(new InvalidOperationException("a bug"), []);
        FakeTimeProvider time = new();
        FailureFolder folder = FailureFolder.Open(scratch.Path, time);
        string[] names = [.. Enumerable.Range(0, FailureFolder.MostFailures + 3).Select(_ =>
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            return folder.Save(failure);
        })];
        Assert.That(Directory.GetFiles(scratch.Path), Has.Length.EqualTo(FailureFolder.MostFailures));
        Assert.That(Directory.GetFiles(scratch.Path).Select(file => $"saved as {file[..^4]}.*"), Is.EquivalentTo(names[3..]), "the newest");

        Directory.Delete(scratch.Path, recursive: true);
        Assert.That(folder.Save(failure), Does.StartWith("not saved: "));
        Assert.That(() => FailureFolder.Open(scratch.Path, time), Throws.TypeOf<PortException>().With.Message.EqualTo(
            $"failure_folder: there is no folder '{scratch.Path}': create it, or name another one"));
        Directory.CreateDirectory(scratch.Path);
    }

    [Test]
    public void Stream_ports_keep_their_connections_and_the_bytes_that_nobody_has_read()
    {
        using ScratchFolder scratch = new();
        ApplianceOptions options = Options(1, 1) with
        {
            PrimaryIn = Spec("primary"),
            SecondaryIn = Spec("secondary"),
            OutDevice = Spec("out"),
            XdpQueues = [0],
        };
        FakeTimeProvider time = new();
        using Appliance appliance = new(
            options, PortOpener.Open(options, [FramePath.MakeArena(FakePorts.Slots)], time), new NoCheckpoints(), time);
        appliance.Start();
        using StreamPeer primary = StreamPeer.Connect(Place("primary"));
        using StreamPeer secondary = StreamPeer.Connect(Place("secondary"));
        using StreamPeer outside = StreamPeer.Connect(Place("out"));
        WaitUntil(() => appliance.Ports.Linked.All(linked => linked.Port.Link == LinkState.Up));
        // One of the batch makes the shard fail; what comes after it in another read is compared.
        primary.Send(StreamPeer.Framed(Bad("bad", 1)));
        PathFailure failure = NextFailure(appliance);
        Settle(appliance, time);
        byte[] frames = [.. Enumerable.Range(0, 100).SelectMany(i => StreamPeer.Framed(TestCapture.Udp($"{i:D8}")))];
        primary.Send(frames);
        secondary.Send(frames);
        Assert.That(outside.Read(frames.Length), Is.EqualTo(frames));
        Assert.That((failure.LostOfPrimary, failure.LostOfSecondary), Is.EqualTo((1, 0)));
        Assert.That(SnapshotReader.Of(appliance).Released.Verified, Is.EqualTo(100));
        appliance.Stop(Patience);
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.Drained));

        StreamEndpoint Place(string name)
        {
            Assert.That(StreamEndpoint.TryParse($"unix:{scratch.File(name)}", out StreamEndpoint? place, out string? error), Is.True, error);
            return place!;
        }

        PortSpec Spec(string name)
        {
            Assert.That(PortSpec.TryParse($"stream:unix:{scratch.File(name)},server", out PortSpec? spec, out string? error), Is.True, error);
            return spec!;
        }
    }

    private static PathFailure Failure(string folder, out string text)
    {
        StagedCapturePort primary = new("staged:primary");
        using Appliance appliance = new(
            Options(1, 1), FakePorts.Of(primary, new StagedCapturePort("staged:secondary"), new KeepingInjectPort()), new NoCheckpoints(), TimeProvider.System);
        appliance.Start();
        primary.Say(Bad("bad", 1));
        PathFailure failure = NextFailure(appliance);
        appliance.Stop(Patience);
        text = FailureLog.Text(failure, FailureFolder.Open(folder, TimeProvider.System).Save(failure));
        return failure;
    }

    /// <summary>Lets the 10 ms pass in which, without checkpoints, frames leave unverified after a failure.</summary>
    private static void Settle(Appliance appliance, FakeTimeProvider time)
    {
        AwaitRounds();
        time.Advance(TimeSpan.FromMilliseconds(100));
        AwaitRounds();

        void AwaitRounds()
        {
            IReadOnlyList<long> before = appliance.Rounds();
            WaitUntil(() => appliance.Rounds().Zip(before).All(rounds => rounds.First - rounds.Second > 2));
        }
    }

    private static PathFailure NextFailure(Appliance appliance)
    {
        PathFailure? failure = null;
        WaitUntil(() => appliance.Failures.TryRead(out failure));
        return failure!;
    }

    private static void Both(StagedCapturePort primary, StagedCapturePort secondary, byte[] frame)
    {
        primary.Say(frame);
        secondary.Say(frame);
    }

    private static byte[] Bad(string payload, ushort port)
    {
        byte[] frame = TestCapture.Udp(payload, port);
        frame[27] = 66;
        return frame;
    }

    private static ApplianceOptions Options(int cores, int shards)
    {
        IReadOnlyList<int> cpus = CpuAffinity.AllowedCpus();
        return new ApplianceOptions
        {
            Cores = [.. Enumerable.Range(0, cores).Select(core => cpus[core % cpus.Count])],
            Engine = new EngineOptions
            {
                Shards = shards,
                Flows = 1024,
                CompareTimeoutMs = 600_000,
                LargeSlotsPerSide = 0,
                Policies = [ThrowsAtBad],
            },
        };
    }

    private static void WaitUntil(Func<bool> condition) => Assert.That(SpinWait.SpinUntil(condition, Patience), Is.True, "it took too long");
}
