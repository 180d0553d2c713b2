// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Net.Sockets;
using ColoWire.Ports;

namespace ColoWire.Control;

/// <summary>The unix socket that takes orders: it listens from the start on, and its path goes with it.</summary>
internal sealed class ControlSocket : IDisposable
{
    /// <summary>Where the service's socket is (RuntimeDirectory= of <c>native-config/colowire.service</c>), and where <c>ctl</c> looks.</summary>
    public const string DefaultPath = "/run/colowire/control.sock";

    /// <summary>Connections that the kernel keeps waiting: as many as the server takes at once.</summary>
    private const int Backlog = ControlService.MaxConnections;

    /// <summary>Whoever may write to it may give orders: the user that ColoWire runs as, its group, and root.</summary>
    private const UnixFileMode Mode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

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
        string full = System.IO.Path.GetFullPath(path);
        string folder = System.IO.Path.GetDirectoryName(full) ?? "/";
        if (!Directory.Exists(folder))
        {
            throw Fault(path, $"there is no folder '{folder}': create it, or name another path");
        }

        Socket socket = NewSocket();
        try
        {
            RemoveLeftOver(path);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            // Nobody can connect before it listens, so nobody who may not ever does.
            File.SetUnixFileMode(path, Mode);
            socket.Listen(Backlog);
            return new ControlSocket(path, socket);
        }
        catch (Exception exception) when (exception is SocketException or IOException or UnauthorizedAccessException)
        {
            socket.Dispose();
            throw Fault(path, $"cannot listen there: {exception.Message}");
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

    private static void RemoveLeftOver(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using Socket probe = NewSocket();
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
        {
            // What is no socket refuses too, and is not ours to remove.
            if (new FileInfo(path).Length != 0)
            {
                throw Fault(path, "there is a file that is no socket: remove it, or name another path");
            }

            File.Delete(path);
            return;
        }

        throw Fault(path, "a running process listens there already: stop it, or give each instance a path of its own");
    }

    private static PortException Fault(string path, string what) => new($"control_socket '{path}': {what}");
}
