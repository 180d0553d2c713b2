// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Net.Sockets;
using System.Threading;

namespace ColoWire.Rig.Qemu;

/// <summary>
/// One of QEMU's sockets. It never blocks: a reader that sleeps would have to be woken by QEMU at each of its writes, and that
/// would be counted as QEMU's work.
/// </summary>
internal sealed class QemuSocket : IDisposable
{
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(10);

    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly string path;

    /// <summary>Connects, as soon as QEMU listens.</summary>
    /// <exception cref="RigException">Nobody listens within ten seconds.</exception>
    public QemuSocket(string path)
    {
        this.path = path;
        Stopwatch waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                socket.Connect(new UnixDomainSocketEndPoint(path));
                socket.Blocking = false;
                return;
            }
            catch (SocketException fault) when (waited.Elapsed > ConnectPatience)
            {
                socket.Dispose();
                throw new RigException($"{path}: QEMU does not listen: {fault.Message}", fault);
            }
            catch (SocketException)
            {
                Thread.Sleep(10);
            }
        }
    }

    /// <summary>Sends what there is room for.</summary>
    /// <returns>How many bytes.</returns>
    public int Send(ReadOnlySpan<byte> bytes) =>
        Checked(socket.Send(bytes, SocketFlags.None, out SocketError error), error, "took no more");

    /// <summary>Reads what is there.</summary>
    /// <returns>How many bytes; 0 when there is nothing now.</returns>
    public int Receive(Span<byte> bytes)
    {
        int received = Checked(socket.Receive(bytes, SocketFlags.None, out SocketError error), error, "sends no more");
        return received == 0 && error == SocketError.Success ? throw new RigException($"{path}: QEMU has closed it") : received;
    }

    public void Dispose() => socket.Dispose();

    private int Checked(int bytes, SocketError error, string what) => error switch
    {
        SocketError.Success => bytes,
        SocketError.WouldBlock => 0,
        _ => throw new RigException($"{path}: QEMU {what}: {error}"),
    };
}
