// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using ColoWire.Engine.Checkpoint;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Streams;

namespace ColoWire.Ports.Checkpoint;

/// <summary>A requester at the other end of a byte stream, which is connected again when it is lost.</summary>
public abstract class StreamRequester : CheckpointRequester, IPeerReporter
{
    private readonly StreamEndpoint endpoint;
    private readonly StreamConnector connector;
    private readonly byte[] received;
    private int filled;
    private bool isPending;
    private bool isConnected;
    private Socket? socket;
    private TroubleWords? lastTrouble;

    /// <summary>Listens at once, if the endpoint is a server.</summary>
    /// <param name="name">The name that the operator wrote.</param>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="messageBytes">Bytes of the longest message.</param>
    /// <exception cref="PortException">The endpoint cannot be listened at.</exception>
    protected StreamRequester(string name, StreamEndpoint endpoint, int messageBytes)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        this.endpoint = endpoint;
        received = new byte[messageBytes];
        connector = new StreamConnector(endpoint);
        SetUnavailable(endpoint.IsServer ? $"no client has connected to {endpoint} yet" : $"not connected to {endpoint} yet");
    }

    /// <inheritdoc/>
    public override string? Trouble
    {
        get
        {
            if (Volatile.Read(ref isConnected) || connector.Trouble is not string why)
            {
                return base.Trouble;
            }

            // It is read many times a second while there is no connection, so the text is made once per cause.
            TroubleWords? known = Volatile.Read(ref lastTrouble);
            if (known is null || known.Cause != why)
            {
                known = new TroubleWords(why, $"cannot connect to {endpoint}: {why}");
                Volatile.Write(ref lastTrouble, known);
            }

            return known.Words;
        }
    }

    /// <inheritdoc/>
    string? IPeerReporter.Peer => Volatile.Read(ref isConnected) ? connector.Peer : null;

    /// <inheritdoc/>
    public RefusedPeers Refused => connector.Refused;

    /// <inheritdoc/>
    public string Allowed => StreamPeers.Allowed(endpoint);

    /// <summary>Whether a request can be sent now. While the requester is ready, requests wait until it can.</summary>
    protected virtual bool CanAsk => IsReady;

    /// <summary>The name of the other end in messages.</summary>
    protected abstract string Peer { get; }

    /// <summary>The endpoint.</summary>
    protected StreamEndpoint Endpoint => endpoint;

    /// <inheritdoc/>
    protected override void Run()
    {
        while (!Ending.IsCancellationRequested)
        {
            using (socket = connector.ConnectAsync(Ending).GetAwaiter().GetResult())
            {
                Volatile.Write(ref isConnected, true);
                string why = Converse(socket);
                Volatile.Write(ref isConnected, false);
                SetUnavailable(why);
            }

            _ = Ending.WaitHandle.WaitOne(PortLimits.ReconnectMs);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        connector.Dispose();
    }

    /// <summary>A connection was made.</summary>
    protected abstract void OnConnected();

    /// <summary>Sends a request for a checkpoint.</summary>
    protected abstract void Ask();

    /// <summary>Called every <see cref="RequesterLimits.LookIntervalMs"/>.</summary>
    protected virtual void Look()
    {
    }

    /// <summary>Handles the whole messages at the front of what was received.</summary>
    /// <returns>Bytes that were handled. Of a full buffer at least one, else the rest of a message would never find
    /// room.</returns>
    /// <exception cref="InvalidDataException">The other end uses another protocol.</exception>
    protected abstract int Take(ReadOnlyMemory<byte> bytes);

    /// <summary>Sends all of the bytes.</summary>
    protected void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && socket is not null)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }

    /// <summary>Exchanges messages with the other end until the connection is lost or the requester is to end.</summary>
    /// <returns>Why it is over, in one line.</returns>
    private string Converse(Socket connection)
    {
        try
        {
            connection.SendTimeout = RequesterLimits.SendPatienceMs;
            filled = 0;
            isPending = false;
            _ = TryTakeRequest(out CheckpointReport _);
            OnConnected();
            IdleWait wait = new([RequestHandle, (int)connection.Handle]);
            long lookedAt = Stopwatch.GetTimestamp();
            while (!Ending.IsCancellationRequested)
            {
                _ = wait.Wait(RequesterLimits.LookIntervalMs);
                // A request that comes while none is possible is dropped: the gate repeats it when the requester is ready.
                isPending = (TryTakeRequest(out CheckpointReport _) || isPending) && IsReady;
                if (connection.Poll(0, SelectMode.SelectRead) && !Receive(connection))
                {
                    return $"{Peer} has closed the connection to {endpoint}";
                }

                if (Stopwatch.GetElapsedTime(lookedAt).TotalMilliseconds >= RequesterLimits.LookIntervalMs)
                {
                    lookedAt = Stopwatch.GetTimestamp();
                    Look();
                }

                if (isPending && CanAsk)
                {
                    isPending = false;
                    CountRequest();
                    Ask();
                }
            }

            return "ColoWire is stopping";
        }
        catch (Exception exception) when (exception is SocketException or InvalidDataException)
        {
            return $"the connection to {endpoint} is lost: {Shown(exception.Message)}";
        }
    }

    private bool Receive(Socket connection)
    {
        int count = connection.Receive(received.AsSpan(filled));
        filled += count;
        int used = Take(received.AsMemory(0, filled));
        received.AsSpan(used, filled - used).CopyTo(received);
        filled -= used;
        return count != 0;
    }

    private sealed record TroubleWords(string Cause, string Words);
}
