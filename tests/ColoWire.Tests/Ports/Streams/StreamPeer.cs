// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Threading;
using ColoWire.Ports.Streams;

namespace ColoWire.Tests.Ports.Streams;

/// <summary>The other end of a stream port, played by a test.</summary>
internal sealed class StreamPeer : IDisposable
{
    private const int PatienceMs = 10_000;

    private readonly Socket socket;

    private StreamPeer(Socket socket)
    {
        this.socket = socket;
        socket.ReceiveTimeout = PatienceMs;
        socket.SendTimeout = PatienceMs;
    }

    /// <summary>Connects to a port that listens, when it does.</summary>
    public static StreamPeer Connect(StreamEndpoint endpoint)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (true)
        {
            Socket socket = endpoint.NewSocket();
            try
            {
                socket.Connect(endpoint.Address());
                return new StreamPeer(socket);
            }
            catch (SocketException) when (waited.ElapsedMilliseconds < PatienceMs)
            {
                socket.Dispose();
                Thread.Sleep(5);
            }
        }
    }

    /// <summary>Waits for the connection of a port.</summary>
    public static StreamPeer Accept(Socket listener)
    {
        using CancellationTokenSource patience = new(PatienceMs);
        return new StreamPeer(listener.AcceptAsync(patience.Token).AsTask().GetAwaiter().GetResult());
    }

    /// <summary>A listening socket for a port.</summary>
    public static Socket Listen(StreamEndpoint endpoint)
    {
        Socket listener = endpoint.NewSocket();
        listener.Bind(endpoint.Address());
        listener.Listen();
        return listener;
    }

    /// <summary>A frame in the format of the stream.</summary>
    public static byte[] Framed(byte[] bytes) => [.. Word(bytes.Length), .. bytes];

    /// <summary>A frame with its virtio-net header in the format of the stream.</summary>
    public static byte[] Framed(byte[] vnetHeader, byte[] frame) =>
        [.. Word(vnetHeader.Length + frame.Length), .. Word(vnetHeader.Length), .. vnetHeader, .. frame];

    /// <summary>A length field in the format of the stream.</summary>
    public static byte[] Word(int number)
    {
        byte[] word = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, number);
        return word;
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }

    /// <summary>Sends what the socket has room for.</summary>
    public int TrySend(ReadOnlySpan<byte> bytes)
    {
        socket.Blocking = false;
        int sent = socket.Send(bytes, SocketFlags.None, out _);
        socket.Blocking = true;
        return sent;
    }

    /// <summary>Reads so many bytes.</summary>
    public byte[] Read(int count)
    {
        byte[] bytes = new byte[count];
        Read(bytes, count);
        return bytes;
    }

    /// <summary>Reads so many bytes, and allocates nothing.</summary>
    public void Read(byte[] bytes, int count)
    {
        for (int read = 0; read < count;)
        {
            int more = socket.Receive(bytes.AsSpan(read, count - read));
            read += more != 0 ? more : throw new InvalidOperationException($"the port closed the connection after {read} of {count} bytes");
        }
    }

    /// <summary>Reads a frame without virtio-net headers.</summary>
    public byte[] ReadFrame() => Read(BinaryPrimitives.ReadInt32BigEndian(Read(4)));

    /// <summary>Whether the port has closed the connection; waits for it.</summary>
    public bool IsClosed()
    {
        try
        {
            return socket.Receive(new byte[1]) == 0;
        }
        catch (SocketException fault) when (fault.SocketErrorCode is SocketError.ConnectionReset)
        {
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose() => socket.Dispose();
}
