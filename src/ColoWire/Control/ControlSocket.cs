// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Net.Sockets;
using ColoWire.Ports;
using ColoWire.Ports.Linux;

namespace ColoWire.Control;

/// <summary>The unix socket that receives orders. It listens as soon as it is made; its path is removed with it.</summary>
internal sealed class ControlSocket : IDisposable
{
    /// <summary>Connections that wait in the kernel, at most: as many as the server accepts.</summary>
    private const int Backlog = ControlService.MaxConnections;

    private ControlSocket(string path, Socket socket)
    {
        Path = path;
        Socket = socket;
    }

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>The listening socket.</summary>
    public Socket Socket { get; }

    /// <summary>Listens at a path. A path that a dead process has left is replaced.</summary>
    /// <exception cref="PortException">It cannot listen there; the message is for the operator.</exception>
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
            throw new PortException($"control_socket '{path}': cannot listen there: {IoFault.Reason(exception)}", exception);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes a unix socket that is neither connected nor bound.</summary>
    public static Socket NewSocket() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>Stops listening, which removes the path.</summary>
    public void Dispose() => Socket.Dispose();
}
