// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;
using System.Net.Sockets;

namespace ColoWire.Ports.Linux;

/// <summary>The path of a unix socket (unix(7)): it outlives the process that has listened there, and is in the way of the next.</summary>
public static class UnixSocketPath
{
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
