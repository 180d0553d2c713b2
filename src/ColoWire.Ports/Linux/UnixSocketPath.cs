// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;
using System.Net.Sockets;

namespace ColoWire.Ports.Linux;

/// <summary>The path of a unix socket (unix(7)): it outlives the process that has listened there, and is in the way of the next.</summary>
public static class UnixSocketPath
{
    /// <summary>Whoever may write to a socket may connect to it (unix(7)): the user that ColoWire runs as, its group, and root.</summary>
    private const UnixFileMode Mode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>Listens at a path with a socket of its own mode, 0660 whatever the umask. What a dead process has left is taken over.</summary>
    /// <param name="socket">A unix socket, neither connected nor bound; it stays the caller's.</param>
    /// <param name="path">The path.</param>
    /// <param name="backlog">Connections that the kernel keeps waiting.</param>
    /// <exception cref="IOException">Nobody can listen there: why, and what to do about it.</exception>
    /// <exception cref="SocketException">It cannot be bound.</exception>
    /// <exception cref="System.UnauthorizedAccessException">This user may not remove what was left.</exception>
    public static void Listen(Socket socket, string path, int backlog)
    {
        System.ArgumentNullException.ThrowIfNull(socket);
        Clear(path);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        // Nobody can connect before it listens, so nobody who may not ever does.
        File.SetUnixFileMode(path, Mode);
        socket.Listen(backlog);
    }

    /// <summary>Makes way for whoever is to listen at a path: removes what a dead process has left, and nothing else.</summary>
    /// <exception cref="IOException">Nobody can listen there: why, and what to do about it.</exception>
    /// <exception cref="SocketException">Whether somebody listens there cannot be found out.</exception>
    /// <exception cref="System.UnauthorizedAccessException">This user may not remove what was left.</exception>
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
        // Not blocking: where as many wait already as a listener lets wait, one more would wait for as long as that process lives.
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
