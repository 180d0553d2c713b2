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

/// <summary>A requester whose checkpoints are made at the other end of a byte stream, which may go and come again.</summary>
public abstract class StreamRequester : CheckpointRequester, IPeerReporter
{
    private readonly StreamEndpoint endpoint;
    private readonly StreamConnector connector;
    private readonly byte[] received;
    private int filled;
    private bool isPending;
    private bool isConnected;
    private Socket? socket;
    private TroubleWords? told;

    /// <summary>Listens at once, if it is to.</summary>
    /// <param name="name">As the operator has written it.</param>
    /// <param name="endpoint">Where the other end is.</param>
    /// <param name="messageBytes">Bytes of the longest message.</param>
    /// <exception cref="PortException">Nobody can listen there.</exception>
    protected StreamRequester(string name, StreamEndpoint endpoint, int messageBytes)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        this.endpoint = endpoint;
        received = new byte[messageBytes];
        connector = new StreamConnector(endpoint);
        BeLost(endpoint.IsServer ? $"nobody has connected to {endpoint} yet" : $"not connected to {endpoint} yet");
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

            // Asked many times a second, for as long as nobody answers: the words are made once for each cause.
            TroubleWords? known = Volatile.Read(ref told);
            if (known is null || known.Cause != why)
            {
                known = new TroubleWords(why, $"cannot connect to {endpoint}: {why}");
                Volatile.Write(ref told, known);
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

    /// <summary>Whether a request can go out now; of one that is ready, others wait.</summary>
    protected virtual bool CanAsk => IsReady;

    /// <summary>What stands in messages for the other end.</summary>
    protected abstract string Peer { get; }

    /// <summary>Where the other end is.</summary>
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
                BeLost(why);
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

    /// <summary>The other end is there.</summary>
    protected abstract void OnConnected();

    /// <summary>The other end is to make a checkpoint.</summary>
    protected abstract void Ask();

    /// <summary>Some time has gone by (<see cref="RequesterLimits.LookIntervalMs"/>).</summary>
    protected virtual void Look()
    {
    }

    /// <summary>Takes the whole messages at the front of what was received.</summary>
    /// <returns>Bytes taken; all of a full buffer, or the rest can never come.</returns>
    /// <exception cref="InvalidDataException">The other end speaks something else.</exception>
    protected abstract int Take(ReadOnlyMemory<byte> bytes);

    /// <summary>Sends all of it.</summary>
    protected void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && socket is not null)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }

    /// <summary>Speaks with the other end until one of the two is gone.</summary>
    /// <returns>Why it is over.</returns>
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
                // What is asked for while nobody can be asked the gate asks for again, once somebody can.
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
                    NoteRequest();
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
