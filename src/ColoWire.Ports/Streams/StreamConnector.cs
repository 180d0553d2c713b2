// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace ColoWire.Ports.Streams;

/// <summary>
/// Makes connections at an endpoint, one after the other: connects until the other end accepts, or listens and accepts. The owner
/// asks for the next one when it has lost the one before.
/// </summary>
internal sealed class StreamConnector : IDisposable
{
    private readonly StreamEndpoint endpoint;
    private readonly StreamListener? listener;
    private string? trouble;
    private string? peer;

    /// <summary>Listens at once, if the endpoint is a server; else connects when asked.</summary>
    /// <exception cref="PortException">The endpoint cannot be listened at.</exception>
    public StreamConnector(StreamEndpoint endpoint)
    {
        this.endpoint = endpoint;
        listener = endpoint.IsServer ? new StreamListener(endpoint) : null;
    }

    /// <summary>Why the last try to connect failed, in one line; null where it did not. Any thread may read it.</summary>
    public string? Trouble => Volatile.Read(ref trouble);

    /// <summary>Address and port of the other end of the last connection, over TCP; else null. Any thread may read it.</summary>
    public string? Peer => Volatile.Read(ref peer);

    /// <summary>Connections that were refused. Any thread may read it.</summary>
    public RefusedPeers Refused => listener?.Refused ?? default;

    /// <summary>Waits for a connection. The one before must be closed, or about to be.</summary>
    /// <returns>A connected socket; the caller closes it.</returns>
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

    /// <summary>Stops listening. No wait may be in progress.</summary>
    public void Dispose() => listener?.Dispose();

    private static string? PeerOf(Socket socket) => socket.RemoteEndPoint is IPEndPoint remote
        ? new IPEndPoint(StreamPeers.Plain(remote.Address), remote.Port).ToString()
        : null;

    /// <summary>Options for TCP: frames are sent at once (TCP_NODELAY), and a host that stops answering is noticed (SO_KEEPALIVE,
    /// tcp(7)), such as a secondary that has died.</summary>
    private static void Prepare(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, optionValue: true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, PortLimits.KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, PortLimits.KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, PortLimits.KeepAliveProbes);
    }

    // Not Socket.ConnectAsync: the runtime would keep the socket in its own epoll set, and be woken by every frame that arrives.
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
            // A socket that is closed while it connects fails with one of several exceptions.
            cancellation.ThrowIfCancellationRequested();
            throw exception is SocketException ? exception : new SocketException((int)SocketError.SocketError, exception.Message);
        }
    }
}
