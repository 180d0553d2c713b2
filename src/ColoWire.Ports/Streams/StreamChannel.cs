// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Streams;

/// <summary>
/// The connection of a stream port. When it is lost, the next one is made in the background. The port's thread sends or receives
/// on it and never waits; any thread may read its state.
/// </summary>
internal sealed class StreamChannel : IDisposable
{
    /// <summary>The reason of a connection that the other end has closed.</summary>
    public const string ClosedByPeer = "the other end has closed the connection";

    private readonly StreamEndpoint endpoint;
    private readonly StreamConnector connector;
    private readonly CancellationTokenSource ending = new();
    private readonly SemaphoreSlim wanted = new(1);
    private readonly Task connecting;
    private readonly int epoll;
    private Socket? offered;
    private Socket? current;
    private bool connected;
    private string? loss;

    /// <summary>Begins to connect, or to listen.</summary>
    /// <exception cref="PortException">The endpoint cannot be listened at.</exception>
    public StreamChannel(StreamEndpoint endpoint)
    {
        this.endpoint = endpoint;
        connector = new StreamConnector(endpoint);
        epoll = Libc.EpollCreate(Libc.EpollCloseOnExec);
        if (epoll < 0)
        {
            connector.Dispose();
            throw new PortException($"cannot open '{endpoint}': {Marshal.GetLastPInvokeErrorMessage()}");
        }

        connecting = Task.Run(ConnectAsync);
    }

    /// <summary>An epoll descriptor (epoll(7)), which is readable while the present connection is. It stays the same from one
    /// connection to the next.</summary>
    public int WaitHandle => epoll;

    /// <summary>Whether there is a connection. Any thread may read it.</summary>
    public bool IsConnected => Volatile.Read(ref connected);

    /// <summary>Why there is no connection, in one line. Any thread may read it.</summary>
    public string Trouble => Volatile.Read(ref loss)
        ?? connector.Trouble
        ?? (endpoint.IsServer ? "no client has connected yet" : "not connected yet");

    /// <summary>Address and port of the other end, over TCP; null while there is no connection. Any thread may read it.</summary>
    public string? Peer => IsConnected ? connector.Peer : null;

    /// <summary>Connections that were refused. Any thread may read it.</summary>
    public RefusedPeers Refused => connector.Refused;

    private int Descriptor { get; set; } = -1;

    /// <summary>Takes a new connection, if there is one.</summary>
    public bool TryTakeOver()
    {
        Socket? socket = Volatile.Read(ref offered);
        if (socket == null)
        {
            return false;
        }

        Volatile.Write(ref offered, null);
        current = socket;
        Descriptor = (int)socket.SafeHandle.DangerousGetHandle();
        Libc.EpollEntry entry = new() { Events = Libc.EpollReadable };
        _ = Libc.EpollControl(epoll, Libc.EpollAdd, Descriptor, ref entry);
        Volatile.Write(ref connected, true);
        return true;
    }

    /// <summary>Receives what has arrived; never waits (recv(2)).</summary>
    /// <param name="bytes">Where to.</param>
    /// <param name="length">Bytes at most.</param>
    /// <param name="reason">Why the connection is lost, for <see cref="GiveUp"/>; null while it is not.</param>
    /// <returns>Bytes received; 0 when nothing has arrived, or the connection is lost.</returns>
    public unsafe int Receive(byte* bytes, int length, out string? reason)
    {
        nint received = Libc.Receive(Descriptor, bytes, (nuint)length, Libc.DoNotWait);
        reason = received > 0 ? null : received == 0 ? ClosedByPeer : ReasonOf(Marshal.GetLastPInvokeError());
        return (int)Math.Max(0, received);
    }

    /// <summary>Sends what the socket has room for; never waits (send(2)).</summary>
    /// <param name="bytes">What to send.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="reason">Why the connection is lost, for <see cref="GiveUp"/>; null while it is not.</param>
    /// <returns>Bytes sent; 0 when there is no room, or the connection is lost.</returns>
    public unsafe int Send(byte* bytes, int length, out string? reason)
    {
        nint sent = Libc.Send(Descriptor, bytes, (nuint)length, Libc.DoNotWait | Libc.NoSignal);
        reason = sent > 0 ? null : ReasonOf(Marshal.GetLastPInvokeError());
        return (int)Math.Max(0, sent);
    }

    /// <summary>Closes the connection and asks for the next one.</summary>
    /// <param name="reason">Why, in one line.</param>
    public void GiveUp(string reason)
    {
        Volatile.Write(ref loss, reason);
        Volatile.Write(ref connected, false);
        Descriptor = -1;
        // The kernel removes a closed socket from the epoll descriptor (epoll(7)).
        current?.Dispose();
        current = null;
        wanted.Release();
    }

    /// <summary>Closes everything. The port's thread must have ended.</summary>
    public void Dispose()
    {
        ending.Cancel();
        connecting.Wait();
        current?.Dispose();
        offered?.Dispose();
        connector.Dispose();
        _ = Libc.Close(epoll);
        wanted.Dispose();
        ending.Dispose();
    }

    /// <summary>Why a connection is lost, by the error number of a call; null for an error that passes.</summary>
    private static string? ReasonOf(int error) =>
        error is Libc.TryAgain or Libc.Interrupted or Libc.NoBufferSpace or Libc.NoMemory
            ? null
            : Marshal.GetPInvokeErrorMessage(error);

    private async Task ConnectAsync()
    {
        try
        {
            long madeAtMs = long.MinValue / 2;
            while (true)
            {
                await wanted.WaitAsync(ending.Token).ConfigureAwait(false);
                // A peer whose first frame is invalid, and which connects again at once, must not keep a core busy.
                long pauseMs = madeAtMs + PortLimits.ReconnectMs - Environment.TickCount64;
                await Task.Delay((int)Math.Max(0, pauseMs), ending.Token).ConfigureAwait(false);
                Volatile.Write(ref offered, await connector.ConnectAsync(ending.Token).ConfigureAwait(false));
                madeAtMs = Environment.TickCount64;
            }
        }
        catch (OperationCanceledException)
        {
            // The port is being closed.
        }
    }
}
