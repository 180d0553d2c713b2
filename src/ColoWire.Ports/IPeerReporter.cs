// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>Connections that a server has refused.</summary>
/// <param name="Count">How many.</param>
/// <param name="Last">The address of the last one; null before the first one.</param>
public readonly record struct RefusedPeers(long Count, string? Last);

/// <summary>A port or a checkpoint requester with a connection to another process over a socket.</summary>
public interface IPeerReporter
{
    /// <summary>Address and port of the other end, over TCP; else, and while there is no connection, null. Any thread may read
    /// it.</summary>
    string? Peer { get; }

    /// <summary>The addresses that may connect, for a message: those of <c>peer=</c>, or the host that is connected. Any thread
    /// may read it.</summary>
    string Allowed { get; }

    /// <summary>Connections that were closed at once, because their address may not connect, or not while another host is
    /// connected. Any thread may read it.</summary>
    RefusedPeers Refused { get; }
}
