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
/// Listens at an endpoint and accepts every connection at once, so that an unwanted one never holds up the other end in the
/// kernel's queue. One connection is in use, one more may wait until that one has ended; all others are closed.
/// </summary>
/// <remarks>
/// Over TCP a connection may wait when <c>peer=</c> allows its address; without <c>peer=</c>, when it comes from the address of
/// the one in use: only the same host may replace its own connection. A newer connection replaces one that waits, because a host
/// that connects again has given its earlier connection up.
/// </remarks>
internal sealed class StreamListener : IDisposable
{
    private readonly StreamEndpoint endpoint;
    private readonly Socket socket;
    private readonly Lock connectionsLock = new();
    private readonly SemaphoreSlim arrivals = new(0);
    private readonly CancellationTokenSource ending = new();
    private readonly Task accepting;
    private Socket? waiting;
    private IPAddress? presentAddress;
    private RefusedPeers refused;

    /// <summary>Listens from now on.</summary>
    /// <exception cref="PortException">The endpoint cannot be listened at.</exception>
    public StreamListener(StreamEndpoint endpoint)
    {
        this.endpoint = endpoint;
        socket = Listen(endpoint);
        accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Connections that were refused. Any thread may read it.</summary>
    public RefusedPeers Refused
    {
        get
        {
            lock (connectionsLock)
            {
                return refused;
            }
        }
    }

    /// <summary>Waits for a connection; the one before is no longer in use.</summary>
    /// <returns>A connected socket; the caller closes it.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<Socket> TakeAsync(CancellationToken cancellation)
    {
        ForgetPresent();
        while (true)
        {
            await arrivals.WaitAsync(cancellation).ConfigureAwait(false);
            if (TakeWaiting() is Socket next)
            {
                return next;
            }
        }
    }

    /// <summary>Stops listening. No wait may be in progress.</summary>
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
        arrivals.Dispose();
        ending.Dispose();
    }

    /// <summary>Whether the other end has closed a connection that waited, and left nothing to read.</summary>
    private static bool IsClosed(Socket connection) => connection.Poll(0, SelectMode.SelectRead) && connection.Available == 0;

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

            // A name is resolved once, here at the start, where it may take some time.
            EndPoint address = endpoint.Address();
            socket.Bind(address is DnsEndPoint name ? new IPEndPoint(Dns.GetHostAddresses(name.Host)[0], name.Port) : address);
            socket.Listen(PortLimits.ListenBacklog);
            return socket;
        }
        catch (Exception exception) when (exception is SocketException or IOException or UnauthorizedAccessException)
        {
            socket.Dispose();
            throw new PortException($"cannot listen at '{endpoint}': {IoFault.Reason(exception)}", exception);
        }
    }

    private void ForgetPresent()
    {
        lock (connectionsLock)
        {
            presentAddress = null;
        }
    }

    private Socket? TakeWaiting()
    {
        lock (connectionsLock)
        {
            Socket? next = waiting;
            waiting = null;
            if (next is not null && IsClosed(next))
            {
                next.Dispose();
                next = null;
            }

            presentAddress = next is null ? null : AddressOf(next);
            return next;
        }
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                Admit(await socket.AcceptAsync(ending.Token).ConfigureAwait(false));
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionAborted)
            {
                // The connection was reset before it was accepted.
            }
            catch (SocketException)
            {
                // For example no descriptor is left: without a pause this loop would keep a core busy.
                await Task.Delay(PortLimits.ReconnectMs, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private void Admit(Socket connection)
    {
        lock (connectionsLock)
        {
            IPAddress address = AddressOf(connection);
            if (!MayWait(address))
            {
                refused = new RefusedPeers(refused.Count + 1, address.ToString());
                // With a reset, so that a refused connection does not stay in TIME_WAIT.
                connection.LingerState = new LingerOption(enable: true, seconds: 0);
                connection.Dispose();
                return;
            }

            if (waiting is null)
            {
                arrivals.Release();
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

        IPAddress? before = presentAddress ?? (waiting is null ? null : AddressOf(waiting));
        return before is null || before.Equals(address);
    }

    private static IPAddress AddressOf(Socket connection) =>
        connection.RemoteEndPoint is IPEndPoint remote ? StreamPeers.Plain(remote.Address) : IPAddress.None;
}
