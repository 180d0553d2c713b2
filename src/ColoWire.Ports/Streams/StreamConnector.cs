// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Streams;

/// <summary>
/// Gets connections at an endpoint, one after the other: connects until somebody answers, or listens and takes who comes. Whoever has lost
/// a connection asks for the next.
/// </summary>
internal sealed class StreamConnector : IDisposable
{
    private readonly StreamEndpoint endpoint;
    private readonly Socket? listener;
    private string? trouble;

    /// <summary>Listens at once, if it is to; connects when asked.</summary>
    /// <exception cref="PortException">Nobody can listen there.</exception>
    public StreamConnector(StreamEndpoint endpoint)
    {
        this.endpoint = endpoint;
        listener = endpoint.IsServer ? Listen(endpoint) : null;
    }

    /// <summary>Why the last try to connect failed, or null. Any thread may read it.</summary>
    public string? Trouble => Volatile.Read(ref trouble);

    /// <summary>Waits for a connection.</summary>
    /// <returns>A connected socket, the caller's.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<Socket> ConnectAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                Socket socket = listener is not null
                    ? await listener.AcceptAsync(cancellation).ConfigureAwait(false)
                    : await DialAsync(cancellation).ConfigureAwait(false);
                if (endpoint.Path is null)
                {
                    Prepare(socket);
                }

                Volatile.Write(ref trouble, null);
                return socket;
            }
            catch (SocketException exception)
            {
                Volatile.Write(ref trouble, exception.Message);
            }

            await Task.Delay(PortLimits.ReconnectMs, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Stops listening. Nobody may be waiting.</summary>
    public void Dispose() => listener?.Dispose();

    private static Socket Listen(StreamEndpoint endpoint)
    {
        Socket socket = endpoint.NewSocket();
        try
        {
            if (endpoint.Path is not null)
            {
                UnixSocketPath.Clear(endpoint.Path);
            }

            // TCP: a name is looked up once, here, where it may take its time.
            EndPoint address = endpoint.Address();
            socket.Bind(address is DnsEndPoint name ? new IPEndPoint(Dns.GetHostAddresses(name.Host)[0], name.Port) : address);
            socket.Listen(1);
            return socket;
        }
        catch (Exception exception) when (exception is SocketException or IOException or UnauthorizedAccessException)
        {
            socket.Dispose();
            throw new PortException($"cannot listen at '{endpoint}': {exception.Message}", exception);
        }
    }

    /// <summary>TCP: frames leave at once, and a host that falls silent is noticed: nothing else tells of a secondary that has died.</summary>
    private static void Prepare(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, optionValue: true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, PortLimits.KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, PortLimits.KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, PortLimits.KeepAliveProbes);
    }

    // Not ConnectAsync: the runtime would go on watching the socket, and be woken by every frame that arrives.
    private async Task<Socket> DialAsync(CancellationToken cancellation)
    {
        Socket socket = endpoint.NewSocket();
        try
        {
            using CancellationTokenRegistration cancelling = cancellation.Register(socket.Dispose);
            await Task.Run(() => socket.Connect(endpoint.Address()), cancellation).ConfigureAwait(false);
            return socket;
        }
        catch (Exception exception)
        {
            socket.Dispose();
            // Closed while it was connecting, it fails with this or that.
            cancellation.ThrowIfCancellationRequested();
            throw exception is SocketException ? exception : new SocketException((int)SocketError.SocketError, exception.Message);
        }
    }
}
