// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>The state of what a port is plugged into.</summary>
public enum LinkState
{
    /// <summary>Frames can come and go.</summary>
    Up,

    /// <summary>The interface is switched off or has no carrier, or nobody is connected; the port goes on by itself when that changes.</summary>
    Down,

    /// <summary>The interface was removed, or has gone to another network namespace; the port goes on with it, or with its successor of the same
    /// name, when it is back.</summary>
    Gone,
}

/// <summary>A port with a link that can go down.</summary>
public interface ILinkReporter
{
    /// <summary>The state of the link when the port last looked, some milliseconds ago. Any thread may read it.</summary>
    LinkState Link { get; }

    /// <summary>Why the link is down, where the port knows more than that; else null. Any thread may read it.</summary>
    string? Trouble => null;

    /// <summary>What the interface is called now, where that is not what the operator calls it; else null. Any thread may read it.</summary>
    string? CalledNow => null;
}
