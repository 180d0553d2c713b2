// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Streams;

/// <summary>
/// The connection of a port: made anew, in the background, whenever it is lost. One thread sends or receives on it and never waits for
/// another; any may ask how it is.
/// </summary>
internal sealed class StreamChannel : IDisposable
{
    /// <summary>The reason to give up a connection that the other end has ended.</summary>
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
    /// <exception cref="PortException">Nobody can listen there.</exception>
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

    /// <summary>A descriptor that is readable while the connection is, whichever it is.</summary>
    public int WaitHandle => epoll;

    /// <summary>The connection's descriptor; -1 while there is none.</summary>
    public int Descriptor { get; private set; } = -1;

    /// <summary>Whether there is a connection. Any thread may ask.</summary>
    public bool IsConnected => Volatile.Read(ref connected);

    /// <summary>Why there is none. Any thread may ask.</summary>
    public string Trouble => Volatile.Read(ref loss) ?? connector.Trouble ?? (endpoint.IsServer ? "nobody has come yet" : "nobody has answered yet");

    /// <summary>Address and port of the other end, over TCP; null while there is none. Any thread may ask.</summary>
    public string? Peer => IsConnected ? connector.Peer : null;

    /// <summary>Whose connections were closed at once. Any thread may ask.</summary>
    public RefusedPeers Refused => connector.Refused;

    /// <summary>Takes a new connection over, if there is one.</summary>
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

    /// <summary>The connection is of no use any more: the next one is wanted.</summary>
    public void GiveUp(string reason)
    {
        Volatile.Write(ref loss, reason);
        Volatile.Write(ref connected, false);
        Descriptor = -1;
        // Closed, it is out of the epoll descriptor by itself.
        current?.Dispose();
        current = null;
        wanted.Release();
    }

    /// <summary>Whether a call that failed with this error number will go on failing.</summary>
    public static bool IsLost(int error) => error is not (Libc.TryAgain or Libc.Interrupted or Libc.NoBufferSpace or Libc.NoMemory);

    /// <summary>Closes everything. The thread that sends or receives must have ended.</summary>
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

    private async Task ConnectAsync()
    {
        try
        {
            long madeAtMs = long.MinValue / 2;
            while (true)
            {
                await wanted.WaitAsync(ending.Token).ConfigureAwait(false);
                // A peer that is given up at its first frame, and comes again, must not keep a core busy.
                long pauseMs = madeAtMs + PortLimits.ReconnectMs - Environment.TickCount64;
                await Task.Delay((int)Math.Max(0, pauseMs), ending.Token).ConfigureAwait(false);
                Volatile.Write(ref offered, await connector.ConnectAsync(ending.Token).ConfigureAwait(false));
                madeAtMs = Environment.TickCount64;
            }
        }
        catch (OperationCanceledException)
        {
            // The port is closed.
        }
    }
}
