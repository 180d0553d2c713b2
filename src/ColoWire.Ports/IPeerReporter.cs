// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>Connections of others that a server has closed.</summary>
/// <param name="Count">How many.</param>
/// <param name="Last">The address of the last one; null before there was any.</param>
public readonly record struct RefusedPeers(long Count, string? Last);

/// <summary>A port or a requester that speaks with another process over a socket.</summary>
public interface IPeerReporter
{
    /// <summary>Address and port of the other end, over TCP; else, and while nobody is connected, null. Any thread may read it.</summary>
    string? Peer { get; }

    /// <summary>Who may connect, in words: what <c>peer=</c> names, or the host of the other end. Any thread may read it.</summary>
    string Allowed { get; }

    /// <summary>Whose connections were closed at once, because they may not connect, or not while another one is connected. Any thread may
    /// read it.</summary>
    RefusedPeers Refused { get; }
}
