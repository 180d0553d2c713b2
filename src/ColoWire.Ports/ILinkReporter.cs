// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>The state of a port's link.</summary>
public enum LinkState
{
    /// <summary>Frames can be received and sent.</summary>
    Up,

    /// <summary>The interface is administratively down or has no carrier, or there is no connection. The port goes on by itself
    /// when that changes.</summary>
    Down,

    /// <summary>The interface was removed, or moved to another network namespace. The port goes on when it, or another one of the
    /// same name, is back.</summary>
    Gone,
}

/// <summary>A port with a link that can go down.</summary>
public interface ILinkReporter
{
    /// <summary>The state of the link when the port last read it, some milliseconds ago. Any thread may read it.</summary>
    LinkState Link { get; }

    /// <summary>Why the link is down, in one line, where the port knows; else null. Any thread may read it.</summary>
    string? Trouble => null;

    /// <summary>The interface's name now, where it is not the one that the operator wrote; else null. Any thread may read
    /// it.</summary>
    string? CalledNow => null;
}
