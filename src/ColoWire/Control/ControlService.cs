// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Hosting;
using ColoWire.Services;
using ColoWire.Writing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Chosen = Microsoft.Extensions.Options.Options;

namespace ColoWire.Control;

/// <summary>The HTTP server of the control socket: Kestrel without the rest of ASP.NET Core. Seven paths need no routing, and the
/// program starts faster.</summary>
internal sealed class ControlService : IHostedService, IDisposable
{
    /// <summary>Connections at a time, enough for some operators and a monitor. Another one is closed at once.</summary>
    public const int MaxConnections = 16;

    private const int MaxRequestLineBytes = 1024;
    private const int MaxHeaderBytes = 4096;
    private const int MaxHeaders = 32;

    /// <summary>How long a client may take to send a request, and how long a connection may be idle.</summary>
    private static readonly TimeSpan RequestPatience = TimeSpan.FromSeconds(5);

    /// <summary>How long a stop waits for requests to be answered: the stop of the appliance has to fit into the rest of the five
    /// seconds.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromMilliseconds(300);

    private readonly CancellationTokenSource stopping = new();
    private readonly ControlSocket socket;
    private readonly ApplianceControl control;
    private readonly StatusReports status;
    private readonly KestrelServer server;
    private readonly ILogger<ControlService> log;
    private readonly TimeProvider time;

    /// <summary>Makes a server that is not started.</summary>
    /// <param name="socket">The socket, which listens already.</param>
    /// <param name="appliance">The appliance that the orders are for.</param>
    /// <param name="outputs">The outputs of the process, which count what they could not write.</param>
    /// <param name="loggers">Makes the loggers.</param>
    /// <param name="time">The source of the time.</param>
    public ControlService(
        ControlSocket socket, Appliance appliance, StandardOutputs outputs, ILoggerFactory loggers, TimeProvider time)
    {
        this.socket = socket;
        this.time = time;
        log = loggers.CreateLogger<ControlService>();
        control = new ApplianceControl(appliance, loggers.CreateLogger<ApplianceControl>(), time);
        status = new StatusReports(appliance, outputs);
        KestrelServerOptions options = new() { AddServerHeader = false };
        Bound(options.Limits);
        options.ListenUnixSocket(System.IO.Path.GetFullPath(socket.Path), listen => listen.Protocols = HttpProtocols.Http1);
        SocketTransportOptions transport = new() { CreateBoundListenSocket = _ => socket.Socket, Backlog = MaxConnections };
        SocketTransportFactory sockets = new(Chosen.Create(transport), loggers);
        server = new KestrelServer(Chosen.Create(options), sockets, loggers);
    }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await server.StartAsync(new ControlApplication(control, status, stopping.Token), cancellationToken);
        log.LogControl(socket.Path);
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync();
        using CancellationTokenSource limit = new(StopPatience, time);
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        // Requests that are not answered by then are cut off.
        await server.StopAsync(patience.Token);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        server.Dispose();
        control.Dispose();
        stopping.Dispose();
    }

    /// <summary>Bounds the memory that requests can take.</summary>
    private static void Bound(KestrelServerLimits limits)
    {
        limits.MaxConcurrentConnections = MaxConnections;
        limits.MaxRequestBodySize = 0;
        limits.MaxRequestLineSize = MaxRequestLineBytes;
        limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        limits.MaxRequestHeaderCount = MaxHeaders;
        limits.MaxRequestBufferSize = MaxRequestLineBytes + MaxHeaderBytes;
        limits.RequestHeadersTimeout = RequestPatience;
        limits.KeepAliveTimeout = RequestPatience;
    }
}
