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
/// Listens at an endpoint and takes every connection at once, so that nobody stands in the kernel's queue before the other end: one is in
/// use, one more may wait for its end, all others are closed.
/// </summary>
/// <remarks>
/// Over TCP a connection may wait when <c>peer=</c> allows its address; where no peer is named, when it comes from the address of the one
/// in use: its host, and nobody else, may take its place. A newer one takes the place of one that waits, because a host that connects again
/// has given its earlier connection up.
/// </remarks>
internal sealed class StreamListener : IDisposable
{
    private readonly StreamEndpoint endpoint;
    private readonly Socket socket;
    private readonly Lock door = new();
    private readonly SemaphoreSlim came = new(0);
    private readonly CancellationTokenSource ending = new();
    private readonly Task accepting;
    private Socket? waiting;
    private IPAddress? present;
    private RefusedPeers refused;

    /// <summary>Listens from now on.</summary>
    /// <exception cref="PortException">Nobody can listen there.</exception>
    public StreamListener(StreamEndpoint endpoint)
    {
        this.endpoint = endpoint;
        socket = Listen(endpoint);
        accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Whose connections were closed at once; any thread may ask.</summary>
    public RefusedPeers Refused
    {
        get
        {
            lock (door)
            {
                return refused;
            }
        }
    }

    /// <summary>Waits for a connection; the one before is not in use any more.</summary>
    /// <returns>A connected socket, the caller's.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<Socket> TakeAsync(CancellationToken cancellation)
    {
        LeavePlace();
        while (true)
        {
            await came.WaitAsync(cancellation).ConfigureAwait(false);
            if (TakeWaiting() is Socket next)
            {
                return next;
            }
        }
    }

    /// <summary>Stops listening. Nobody may be waiting.</summary>
    public void Dispose()
    {
        if (ending.IsCancellationRequested)
        {
            return;
        }

        ending.Cancel();
        accepting.Wait();
        socket.Dispose();
        waiting?.Dispose();
        came.Dispose();
        ending.Dispose();
    }

    /// <summary>Whoever has closed its connection while it waited, and left nothing to be read, has gone.</summary>
    private static bool HasGone(Socket connection) => connection.Poll(0, SelectMode.SelectRead) && connection.Available == 0;

    private static Socket Listen(StreamEndpoint endpoint)
    {
        Socket socket = endpoint.NewSocket();
        try
        {
            if (endpoint.Path is not null)
            {
                UnixSocketPath.Listen(socket, endpoint.Path, PortLimits.ListenBacklog);
                return socket;
            }

            // A name is looked up once, here, where it may take its time.
            EndPoint address = endpoint.Address();
            socket.Bind(address is DnsEndPoint name ? new IPEndPoint(Dns.GetHostAddresses(name.Host)[0], name.Port) : address);
            socket.Listen(PortLimits.ListenBacklog);
            return socket;
        }
        catch (Exception exception) when (exception is SocketException or IOException or UnauthorizedAccessException)
        {
            socket.Dispose();
            throw new PortException($"cannot listen at '{endpoint}': {exception.Message}", exception);
        }
    }

    private void LeavePlace()
    {
        lock (door)
        {
            present = null;
        }
    }

    private Socket? TakeWaiting()
    {
        lock (door)
        {
            Socket? next = waiting;
            waiting = null;
            if (next is not null && HasGone(next))
            {
                next.Dispose();
                next = null;
            }

            present = next is null ? null : AddressOf(next);
            return next;
        }
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                Meet(await socket.AcceptAsync(ending.Token).ConfigureAwait(false));
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionAborted)
            {
                // It was gone before it was taken.
            }
            catch (SocketException)
            {
                // No descriptor is left, for instance: without a pause this would keep a core busy.
                await Task.Delay(PortLimits.ReconnectMs, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private void Meet(Socket connection)
    {
        lock (door)
        {
            IPAddress address = AddressOf(connection);
            if (!MayWait(address))
            {
                refused = new RefusedPeers(refused.Count + 1, address.ToString());
                // At once, so that those who are not wanted leave no connection behind that the kernel has to end.
                connection.LingerState = new LingerOption(enable: true, seconds: 0);
                connection.Dispose();
                return;
            }

            if (waiting is null)
            {
                came.Release();
            }

            waiting?.Dispose();
            waiting = connection;
        }
    }

    private bool MayWait(IPAddress address)
    {
        if (endpoint.Path is not null)
        {
            return true;
        }

        if (endpoint.Peers.Count != 0)
        {
            return StreamPeers.Contain(endpoint.Peers, address);
        }

        IPAddress? before = present ?? (waiting is null ? null : AddressOf(waiting));
        return before is null || before.Equals(address);
    }

    private static IPAddress AddressOf(Socket connection) =>
        connection.RemoteEndPoint is IPEndPoint remote ? StreamPeers.Plain(remote.Address) : IPAddress.None;
}
