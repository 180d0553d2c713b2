// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using ColoWire.Control;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Linux;
using ColoWire.Tests.Ports;
using ColoWire.Tests.Program;
using ColoWire.Writing;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace ColoWire.Tests.Control;

/// <summary>A running appliance with a control socket, all in this process.</summary>
internal sealed class ControlRig : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ScratchFolder folder = new();
    private readonly ControlSocket socket;
    private readonly ControlService service;
    private bool hasStopped;

    public ControlRig(ICheckpointRequester? requester = null)
    {
        Path = folder.File("control.sock");
        socket = ControlSocket.Listen(Path);
        ApplianceOptions options = new()
        {
            Cores = [CpuAffinity.AllowedCpus()[^1]],
            Requester = Spec(requester is null ? "none" : "command:staged"),
            Engine = new EngineOptions
            {
                Flows = 1024,
                CompareTimeoutMs = 600_000,
                CheckpointRetryMs = 600_000,
                LargeSlotsPerSide = 0,
            },
        };
        Appliance = new Appliance(options, FakePorts.Of(Primary, Secondary, Output), requester ?? new NoCheckpoints(), TimeProvider.System);
        Appliance.Start();
        service = new ControlService(socket, Appliance, StandardOutputs.Of(TextWriter.Null, TextWriter.Null), NullLoggerFactory.Instance, TimeProvider.System);
        service.StartAsync(CancellationToken.None).GetAwaiter().GetResult();
    }

    public string Path { get; }

    public Appliance Appliance { get; }

    public StagedCapturePort Primary { get; } = new("staged:primary");

    public StagedCapturePort Secondary { get; } = new("staged:secondary");

    public KeepingInjectPort Output { get; } = new();

    /// <summary>Gives an order as <c>colowire ctl</c> does.</summary>
    public (bool Done, JsonElement Answer) Order(string words) => ControlClient.Send(Path, Find(words));

    public static ControlOrder Find(string words) => ControlOrder.All.Single(order => order.Words == words);

    /// <summary>A datagram of a connection that is told by its number.</summary>
    public static byte[] Datagram(string payload, ushort connection) => TestCapture.Udp(payload, connection);

    public void WaitUntilHeld(long primary, long secondary) => WaitUntil(() =>
        SnapshotReader.Of(Appliance) is { } now && now.Held == primary && now.SecondaryHeld == secondary);

    public static void WaitUntil(Func<bool> condition) => Assert.That(SpinWait.SpinUntil(condition, Patience), Is.True, "it took too long");

    private static RequesterSpec Spec(string written)
    {
        Assert.That(RequesterSpec.TryParse(written, out RequesterSpec? spec, out string? error), Is.True, error);
        return spec!;
    }

    /// <summary>Stops the server, as the host does before it stops the appliance.</summary>
    public void StopServer()
    {
        service.StopAsync(CancellationToken.None).GetAwaiter().GetResult();
        hasStopped = true;
    }

    public void Dispose()
    {
        if (!hasStopped)
        {
            StopServer();
        }

        service.Dispose();
        socket.Dispose();
        Appliance.Stop(Patience);
        Appliance.Dispose();
        folder.Dispose();
    }
}
