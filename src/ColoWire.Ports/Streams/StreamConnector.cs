// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace ColoWire.Ports.Streams;

/// <summary>
/// Gets connections at an endpoint, one after the other: connects until somebody answers, or listens and takes who may come. Whoever has
/// lost a connection asks for the next.
/// </summary>
internal sealed class StreamConnector : IDisposable
{
    private readonly StreamEndpoint endpoint;
    private readonly StreamListener? listener;
    private string? trouble;
    private string? peer;

    /// <summary>Listens at once, if it is to; connects when asked.</summary>
    /// <exception cref="PortException">Nobody can listen there.</exception>
    public StreamConnector(StreamEndpoint endpoint)
    {
        this.endpoint = endpoint;
        listener = endpoint.IsServer ? new StreamListener(endpoint) : null;
    }

    /// <summary>Why the last try to connect failed, or null. Any thread may read it.</summary>
    public string? Trouble => Volatile.Read(ref trouble);

    /// <summary>Address and port of the last connection's other end, over TCP; else null. Any thread may read it.</summary>
    public string? Peer => Volatile.Read(ref peer);

    /// <summary>Whose connections were closed at once; any thread may read it.</summary>
    public RefusedPeers Refused => listener?.Refused ?? default;

    /// <summary>Waits for a connection; the one before must be of no use any more.</summary>
    /// <returns>A connected socket, the caller's.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<Socket> ConnectAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                Socket socket = listener is not null
                    ? await listener.TakeAsync(cancellation).ConfigureAwait(false)
                    : await DialAsync(cancellation).ConfigureAwait(false);
                if (endpoint.Path is null)
                {
                    Prepare(socket);
                    Volatile.Write(ref peer, PeerOf(socket));
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

    private static string? PeerOf(Socket socket) => socket.RemoteEndPoint is IPEndPoint remote
        ? new IPEndPoint(StreamPeers.Plain(remote.Address), remote.Port).ToString()
        : null;

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
