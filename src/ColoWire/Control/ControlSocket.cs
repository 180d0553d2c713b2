// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Net.Sockets;
using ColoWire.Ports;
using ColoWire.Ports.Linux;

namespace ColoWire.Control;

/// <summary>The unix socket that takes orders: it listens from the start on, and its path goes with it.</summary>
internal sealed class ControlSocket : IDisposable
{
    /// <summary>Connections that the kernel keeps waiting: as many as the server takes at once.</summary>
    private const int Backlog = ControlService.MaxConnections;

    private ControlSocket(string path, Socket socket)
    {
        Path = path;
        Socket = socket;
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>The socket, which listens.</summary>
    public Socket Socket { get; }

    /// <summary>Listens at a path. One that a dead process has left is taken over.</summary>
    /// <exception cref="PortException">It cannot: a line for the operator.</exception>
    public static ControlSocket Listen(string path)
    {
        Socket socket = NewSocket();
        try
        {
            UnixSocketPath.Listen(socket, path, Backlog);
            return new ControlSocket(path, socket);
        }
        catch (Exception exception) when (exception is SocketException or IOException or UnauthorizedAccessException)
        {
            socket.Dispose();
            throw new PortException($"control_socket '{path}': cannot listen there: {exception.Message}", exception);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A unix socket, neither connected nor bound.</summary>
    public static Socket NewSocket() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>Stops listening; the socket removes its path itself.</summary>
    public void Dispose() => Socket.Dispose();
}
