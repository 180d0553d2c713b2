// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;
using System.Net.Sockets;

namespace ColoWire.Ports.Linux;

/// <summary>The path of a unix socket (unix(7)). It outlives the process that has listened there, and then keeps the next one
/// from binding.</summary>
public static class UnixSocketPath
{
    /// <summary>Only who may write to a socket may connect to it (unix(7)): the user that ColoWire runs as, its group, and
    /// root.</summary>
    private const UnixFileMode Mode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>Listens at a path, with mode 0660 whatever the umask. A socket that an ended process has left is
    /// replaced.</summary>
    /// <param name="socket">A unix socket, neither connected nor bound; the caller closes it.</param>
    /// <param name="path">The path.</param>
    /// <param name="backlog">Connections that the kernel queues.</param>
    /// <exception cref="IOException">The path cannot be listened at: why, and what to do about it.</exception>
    /// <exception cref="SocketException">The socket cannot be bound.</exception>
    /// <exception cref="System.UnauthorizedAccessException">This user may not remove the old socket.</exception>
    public static void Listen(Socket socket, string path, int backlog)
    {
        System.ArgumentNullException.ThrowIfNull(socket);
        Clear(path);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        // The mode is set before listen(2), until which no process can connect.
        File.SetUnixFileMode(path, Mode);
        socket.Listen(backlog);
    }

    /// <summary>Removes a socket that an ended process has left at a path, and nothing else.</summary>
    /// <exception cref="IOException">The path cannot be listened at: why, and what to do about it.</exception>
    /// <exception cref="SocketException">Whether a process listens there cannot be determined.</exception>
    /// <exception cref="System.UnauthorizedAccessException">This user may not remove the old socket.</exception>
    public static void Clear(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        if (!Directory.Exists(folder))
        {
            throw new IOException($"there is no folder '{folder}': create it, or name another path");
        }

        if (!Path.Exists(path))
        {
            return;
        }

        if (Directory.Exists(path))
        {
            throw new IOException("that is a folder: name a path in it");
        }

        if (!Libc.IsSocket(path))
        {
            throw new IOException("there is a file that is no socket: remove it, or name another path");
        }

        if (IsListenedAt(path))
        {
            throw new IOException("a running process does so already: stop it, or give each instance a path of its own");
        }

        File.Delete(path);
    }

    private static bool IsListenedAt(string path)
    {
        // Non-blocking: where the listener's queue is full, a blocking connect would wait for as long as that process lives.
        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return false;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.WouldBlock)
        {
            return true;
        }
    }
}
