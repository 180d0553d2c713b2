// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Threading;

namespace ColoWire.Wire.Tests.Differential;

/// <summary>A client of a socket on which messages bear their length, as QEMU's filters write them. It keeps what
/// comes.</summary>
internal sealed class FramedSocket : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<byte[]> received = [];
    private readonly Thread reader;

    /// <summary>Connects as soon as somebody listens.</summary>
    public FramedSocket(string path)
    {
        Waiting.Until(() => TryConnect(path), $"somebody listens at {path}");
        reader = new Thread(Read) { IsBackground = true };
        reader.Start();
    }

    /// <summary>All messages that came, or that came since they were forgotten.</summary>
    public IReadOnlyList<byte[]> Received
    {
        get
        {
            lock (received)
            {
                return [.. received];
            }
        }
    }

    public void Send(byte[] message)
    {
        byte[] framed = [0, 0, 0, 0, .. message];
        BinaryPrimitives.WriteInt32BigEndian(framed, message.Length);
        for (int sent = 0; sent < framed.Length;)
        {
            sent += socket.Send(framed.AsSpan(sent));
        }
    }

    public void Forget()
    {
        lock (received)
        {
            received.Clear();
        }
    }

    public void Dispose()
    {
        socket.Dispose();
        reader.Join();
    }

    private bool TryConnect(string path)
    {
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Read()
    {
        try
        {
            using NetworkStream stream = new(socket);
            byte[] length = new byte[sizeof(int)];
            while (true)
            {
                stream.ReadExactly(length);
                byte[] message = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
                stream.ReadExactly(message);
                lock (received)
                {
                    received.Add(message);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The comparer has ended, or the test has.
        }
    }
}
