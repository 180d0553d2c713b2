// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Streams;
using ColoWire.Tests.Program;
using NUnit.Framework;
using static ColoWire.Tests.Checkpoint.ScriptedQmp;

namespace ColoWire.Tests.Checkpoint;

/// <summary>
/// Whole appliances with each kind of requester, whose other end fails at each step of each checkpoint: the requester counts as
/// lost, every frame leaves, and the guest is stopped no more often than <c>checkpoint_retry_ms</c> allows. Every order of
/// failures stands in the engine's <c>RequesterFaultScenarios</c>.
/// </summary>
[NonParallelizable]
internal sealed class RequesterFaultTests
{
    private const int Frames = 64;
    private const int Flows = 8;
    private const int RetryMs = 200;

    private static readonly object[][] QmpFaults =
    [
        Qmp("never stops", _ => { }),
        Qmp("closes the connection", it => it.Drop()),
        Qmp("stops, and closes the connection", it => SayAndDrop(it, Event("STOP"))),
        Qmp("stops for a checkpoint, and never goes on", it => it.Say(Event("STOP"))),
        Qmp("stops, says garbage, and closes the connection", it => SayAndDrop(it, Event("STOP") + "{]\r\n\0\r\n")),
        Qmp("stops, and closes the connection in the middle of a line",
            it => SayAndDrop(it, Event("STOP") + Event("RESUME")[..40])),
        Qmp("stops for a checkpoint, and closes the connection when it was asked why", it =>
        {
            it.Stop("colo");
            it.Status = "running";
            it.Drop();
        }),
        Qmp("is stopped by somebody else", it =>
        {
            it.Stop("paused");
            it.Resume();
        }),
    ];

    private static readonly object[][] NotifyFaults =
    [
        Notify("never answers", _ => { }),
        Notify("closes the connection", it => it.Shutdown(SocketShutdown.Both)),
        Notify("says something else", it => it.Send(Encoding.ASCII.GetBytes("HTTP/1.1 400 Bad Request"))),
        Notify("closes the connection in the middle of its answer", it =>
        {
            it.Send([0, 0, 0, 15, (byte)'C']);
            it.Shutdown(SocketShutdown.Both);
        }),
    ];

    private readonly List<IDisposable> peers = [];
    private string folder = string.Empty;

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("colowire-").FullName;

    [TearDown]
    public void End()
    {
        peers.ForEach(peer => peer.Dispose());
        peers.Clear();
        Directory.Delete(folder, recursive: true);
    }

    [TestCaseSource(nameof(QmpFaults))]
    public void However_QEMU_fails_frames_go_on(string name, Action<ScriptedQmp> fails)
    {
        ScriptedQmp qmp = new(Place()) { OnCheckpoint = fails };
        peers.Add(qmp);
        AssertFramesGoOn(new QmpRequester(name, new StreamEndpoint(Place(), null, 0, IsServer: false)), () => qmp.Asked);
    }

    [TestCaseSource(nameof(NotifyFaults))]
    public void However_the_other_end_of_a_notify_dev_fails_frames_go_on(string name, Action<Socket> fails)
    {
        ScriptedNotifyDev peer = new(Place(), fails);
        peers.Add(peer);
        StreamEndpoint endpoint = new(Place(), null, 0, IsServer: false);
        AssertFramesGoOn(new NotifyDevRequester(name, endpoint, hasVnetHeader: false), () => peer.Asked);
    }

    [TestCase("exit 1")]
    [TestCase("kill -KILL $$")]
    [TestCase("sleep 1000")]
    [TestCase("exec 2>&-; sleep 1000")]
    [TestCase("setsid sleep 1000 & exit 3")]
    [TestCase("(setsid sleep 1000 &); sleep 1000")]
    public void However_a_command_fails_frames_go_on(string script)
    {
        string program = Path.Combine(folder, "program");
        string runs = Path.Combine(folder, "runs");
        File.WriteAllText(program, $"echo run >> {runs}; {script}");
        AssertFramesGoOn(
            new CommandRequester(
                "command:test", ["/bin/sh", program], RetryMs / 2, (in CheckpointReport _) => new("reason", "flow")),
            () => File.Exists(runs) ? File.ReadAllLines(runs).Length : 0);
    }

    private static object[] Qmp(string name, Action<ScriptedQmp> fails) => [name, fails];

    private static object[] Notify(string name, Action<Socket> fails) => [name, fails];

    private static void SayAndDrop(ScriptedQmp qmp, string text)
    {
        qmp.Say(text);
        qmp.Drop();
    }

    private string Place() => Path.Combine(folder, "peer");

    private static void AssertFramesGoOn(CheckpointRequester requester, Func<int> asked)
    {
        using CheckpointRequester held = requester;
        using FakeInjectPort output = new();
        FakeCapturePort primary = new("fake:primary", Frames, i => Frame(i, "P")) { Allowed = 0 };
        FakeCapturePort secondary = new("fake:secondary", Frames, i => Frame(i, i == 0 ? "S" : "P")) { Allowed = 0 };
        ApplianceOptions options = new()
        {
            Cores = [CpuAffinity.AllowedCpus()[0]],
            Engine = new EngineOptions
            {
                Flows = 1024,
                CompareTimeoutMs = 600_000,
                CheckpointRetryMs = RetryMs,
                CheckpointMaxMs = 5 * RetryMs,
                LargeSlotsPerSide = 0,
            },
        };
        using Appliance appliance = new(options, FakePorts.Of(primary, secondary, output), requester, TimeProvider.System);
        appliance.Start();
        Probe.Until(() => requester.IsReady, "it can be asked");
        long startedAt = Stopwatch.GetTimestamp();
        Allow(1, Frames / 2);
        Probe.Until(() => appliance.Path.Guest.Protection == Protection.DegradedNoCheckpoints, "it counts as lost");
        Allow((Frames / 2) + 1, Frames);
        Probe.Until(() => output.Statistics.Frames == Frames, $"all have left: {output.Statistics.Frames} of {Frames}");
        int times = asked();
        double elapsedMs = Stopwatch.GetElapsedTime(startedAt).TotalMilliseconds;
        Assert.That(times, Is.Positive.And.LessThanOrEqualTo(2 + (elapsedMs / RetryMs)));
        appliance.Stop(Probe.Patience);
        long[] unverified =
            [.. appliance.Path.Shards.Select(shard => shard.Counters.Unverified[(int)UnverifiedReason.AfterDivergence])];
        Assert.That(unverified.Sum(), Is.InRange(1, Frames / Flows), "only the connection that differs has left unverified");

        void Allow(int first, int last)
        {
            for (int allowed = first; allowed <= last; allowed++)
            {
                primary.Allowed = allowed;
                secondary.Allowed = allowed;
                Probe.Until(
                    () => primary.Statistics.Frames >= allowed && secondary.Statistics.Frames >= allowed,
                    $"frame {allowed} of both is taken");
            }
        }
    }

    private static byte[] Frame(int index, string word) => TestCapture.Udp($"{word} {index}", (ushort)(1000 + (index % Flows)));

    /// <summary>The other end of a notify_dev, which does something at each demand.</summary>
    private sealed class ScriptedNotifyDev : IDisposable
    {
        private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly Thread thread;
        private readonly Action<Socket> onDemand;
        private Socket? client;
        private int asked;

        public ScriptedNotifyDev(string path, Action<Socket> onDemand)
        {
            this.onDemand = onDemand;
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(1);
            thread = new Thread(Serve) { IsBackground = true };
            thread.Start();
        }

        public int Asked => Volatile.Read(ref asked);

        public void Dispose()
        {
            listener.Dispose();
            client?.Dispose();
            thread.Join();
        }

        private void Serve()
        {
            byte[] demand = new byte[sizeof(int) + "DO_CHECKPOINT".Length];
            try
            {
                while (true)
                {
                    client = listener.Accept();
                    while (client.Receive(demand) == demand.Length)
                    {
                        Interlocked.Increment(ref asked);
                        onDemand(client);
                    }

                    client.Dispose();
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
